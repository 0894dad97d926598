"""A correction of what was accepted: it takes the old one's place at the new office, or nothing changes there."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from archive import cases
from archive.case import State
from flows import writing
from flows.times import now
from flows.wiring import Office
from formats import xml
from formats.messages import Delivery
from tests import exchange as ex
from tests.flows.test_conversation import approve, kept, states, swap
from tests.office import KINDS, Pair, copied, fill, found_pair, open_approved, some_people

PEOPLE = some_people(1)
PERSON, RECORD = PEOPLE[0]
MONTH = RECORD.contributions[0].month.replace("-", "")  # as the database holds it


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two offices that have nobody."""
    folder = tmp_path_factory.mktemp("empty")
    found_pair(folder)
    return folder


@pytest.fixture
def pair(empty: Path, tmp_path: Path) -> Pair:
    """Two offices; the person is at the old one."""
    pair = copied(empty, tmp_path)
    fill(pair.sender, PEOPLE)
    return pair


def _at(home: Path, statement: str) -> int:
    """Change a records database past the service; how many rows."""
    with closing(sqlite3.connect(home / "records.db")) as database, database:
        return database.execute(statement).rowcount


def _returned(pair: Pair, number: str) -> None:
    with Office.at(pair.receiver) as office:
        writing.send_back(office, number, "C421", "the person objects", "staff-9", now())
    swap(pair)
    assert states(pair, number) == (State.RETURNED, State.RETURNED)


def _corrected(pair: Pair, number: str) -> None:
    with Office.at(pair.sender) as office:
        cases.reopen(office.ledger, number, "C421", "staff-9", "", now())
    approve(pair.sender, number)
    swap(pair)


def _both(pair: Pair, number: str) -> tuple[object, object]:
    """The person's record as the old office has it, and as it is stored at the new one, where the case brought it."""
    with Office.at(pair.sender) as old, Office.at(pair.receiver) as new:
        return old.records.read(PERSON, KINDS), new.records.read(number.replace("-", ""), KINDS)


def test_what_was_accepted_is_corrected(pair: Pair) -> None:
    """Returned and corrected, twice: the new office has what the old one has, and both kept every version."""
    (number,) = open_approved(pair, [PERSON])
    swap(pair)
    assert states(pair, number) == (State.ACCEPTED, State.ACCEPTED)
    for place in ("330103", "330104"):
        _returned(pair, number)
        assert _at(pair.sender, f"UPDATE ac01 SET aac010 = '{place}'") == 1
        _corrected(pair, number)
        assert states(pair, number) == (State.ACCEPTED, State.ACCEPTED)
        old, new = _both(pair, number)
        assert new == old
    documents = [xml.decode(document) for document in kept(pair.sender, number, "delivery-sent")]
    corrected = [item.correction.message_id for item in documents if isinstance(item, Delivery) and item.correction]
    assert corrected == [item.header.message_id for item in documents[:2]]
    assert len(kept(pair.receiver, number, "package-received")) == len(documents) == 3
    assert ex.problems(pair) == ()


def test_rows_are_replaced(pair: Pair) -> None:
    """A month that was never paid, one whose wage was read wrongly: the new office's rows are the old one's again."""
    (number,) = open_approved(pair, [PERSON])
    swap(pair)
    _returned(pair, number)
    assert _at(pair.sender, f"UPDATE ac43 SET aac040 = '9999.00' WHERE aae003 = '{MONTH}'") >= 1
    assert _at(pair.sender, f"UPDATE ac43 SET aaa041 = '0.0700' WHERE aae003 = '{MONTH}' AND aae140 = '310'") >= 0
    _corrected(pair, number)
    old, new = _both(pair, number)
    assert new == old
    assert states(pair, number) == (State.ACCEPTED, State.ACCEPTED)
    assert ex.problems(pair) == ()


def test_changed_at_the_new_office_meanwhile(pair: Pair) -> None:
    """L306 refuses the correction and what was accepted stands; put back as it was, the next correction is taken in."""
    (number,) = open_approved(pair, [PERSON])
    swap(pair)
    _returned(pair, number)
    _at(pair.sender, f"UPDATE ac43 SET aac040 = '9999.00' WHERE aae003 = '{MONTH}'")
    _at(pair.receiver, f"UPDATE ac43 SET aab001 = 'elsewhere ' || aab001 WHERE aae003 = '{MONTH}'")
    with Office.at(pair.receiver) as office:
        before = office.records.taken_in(number)
    _corrected(pair, number)
    assert [finding.code for finding in ex.case(pair.sender, number).findings] == ["L306"]
    assert states(pair, number) == (State.REJECTED, State.RETURNED)
    with Office.at(pair.receiver) as office:
        assert office.records.taken_in(number) == before
    assert ex.problems(pair) == ()
    _at(pair.receiver, f"UPDATE ac43 SET aab001 = substr(aab001, 11) WHERE aae003 = '{MONTH}'")
    _corrected(pair, number)
    assert states(pair, number) == (State.ACCEPTED, State.ACCEPTED)
    old, new = _both(pair, number)
    assert new == old
