"""An objection (art. 16): entered, the record read again, corrected or upheld, and the person told in writing."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from archive import journal
from archive import objections as register
from archive.case import State
from flows import objections
from flows.decision_page import WORDS
from flows.times import now
from flows.wiring import Office
from formats import xml
from formats.errors import UsageError
from formats.messages import Delivery
from formats.reasons import LANGUAGES, Language
from formats.record import Record
from tests import exchange as ex
from tests.command_line import Answer, Call
from tests.flows.test_conversation import approve, delivered, kept, states, swap
from tests.office import KINDS, Pair, configure, copied, fill, found_pair, some_people

PEOPLE = some_people(1)
PERSON = PEOPLE[0][0]
PLACE = "/delivery/record/registration/person/@householdPlace"


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder with two offices after a record was asked for, delivered and accepted; and its case."""
    folder = tmp_path_factory.mktemp("settled")
    pair = found_pair(folder)
    fill(pair.sender, PEOPLE)
    fill(pair.receiver, [(PERSON, Record(person=PEOPLE[0][1].person))])
    configure(pair.receiver, phone="0755-88880000")
    return folder, delivered(pair)


@pytest.fixture
def pair(settled: tuple[Path, str], tmp_path: Path) -> Pair:
    """A copy of the two offices."""
    return copied(settled[0], tmp_path)


@pytest.fixture
def number(settled: tuple[Path, str]) -> str:
    """The accepted case."""
    return settled[1]


def _move(home: Path, division: str) -> None:
    """Have the person's household elsewhere in this office's records database."""
    with closing(sqlite3.connect(home / "records.db")) as database, database:
        assert database.execute("UPDATE ac01 SET aac010 = ?", [division]).rowcount == 1


def _pay(home: Path, wage: str) -> None:
    """Have the person's wage of a month another one in this office's records database."""
    month = PEOPLE[0][1].contributions[0].month.replace("-", "")
    with closing(sqlite3.connect(home / "records.db")) as database, database:
        assert database.execute("UPDATE ac43 SET aac040 = ? WHERE aae003 = ?", [wage, month]).rowcount >= 1


def _paths(answer: Answer) -> list[str]:
    return [item["path"] for item in answer.document["changes"]]


def _correct(pair: Pair, number: str, call: Call) -> Answer:
    """The old office corrects, approves and sends anew."""
    words = ("case", "correct", number, "--code", "C421", "--why", "found", "--by", "staff-9", "--json")
    answer = call("-C", pair.sender, *words)
    approve(pair.sender, number)
    swap(pair)
    return answer


def test_old_and_new_side_by_side(pair: Pair, number: str, call: Call, tmp_path: Path) -> None:
    """Places alone in the terminal; values and digests on the page, the same at both offices, and in the journal who."""
    words = ("case", "compare", number, "--json")
    assert call("-C", pair.sender, *words).code == "S411"
    old = kept_division(pair, number)
    _move(pair.sender, "330104")
    _correct(pair, number, call)
    pages = set()
    for home in (pair.sender, pair.receiver):
        file = tmp_path / "page.html"
        answer = call("-C", home, *words, "--html", "-o", file, "--by", "staff-9", "--lang", "en")
        assert answer.status == 0, answer.err
        assert _paths(answer) == [PLACE]
        assert "330104" not in answer.out
        page = file.read_text(encoding="utf-8")
        assert file.stat().st_mode & 0o777 == 0o600
        for value in (old, "330104", answer.document["before"], answer.document["after"]):
            assert value in page
        pages.add(page)
        with Office.at(home) as office:
            taken = [entry.who for entry in journal.entries(office.ledger) if entry.kind == "taken-out"]
        assert taken == ["staff-9", "staff-9"]
    assert len(pages) == 1
    assert call("-C", pair.sender, *words, "--html").code == "S421"
    shown = call("-C", pair.sender, "case", "compare", number)
    assert PLACE in shown.out
    assert "330104" not in shown.out


def kept_division(pair: Pair, number: str) -> str:
    """The household's division in the newest delivery that was sent."""
    delivery = xml.decode(kept(pair.sender, number, "delivery-sent")[-1])
    assert isinstance(delivery, Delivery)
    return delivery.record.person.household_place


def test_the_record_is_read_again(pair: Pair, number: str, call: Call, tmp_path: Path) -> None:
    """Nothing differs from what was sent until the records database changes; then the places are said, no values."""
    again = ("-C", pair.sender, "case", "reread", number)
    assert (call(*again).status, call(*again).out) == (0, "nothing differs\n")
    _move(pair.sender, "330104")
    answer = call(*again, "--json")
    assert (answer.status, _paths(answer)) == (1, [PLACE])
    assert "330104" not in call(*again).out
    file = tmp_path / "page.html"
    assert call(*again, "--html", "-o", file, "--by", "staff-9").status == 1
    assert "330104" in file.read_text(encoding="utf-8")
    assert call("-C", pair.receiver, "case", "reread", number, "--json").code == "S411"


def _say(call: Call, home: Path, *words: str) -> Answer:
    """A command of a case by staff-9 that ends well."""
    answer = call("-C", home, "case", *words, "--by", "staff-9", "--json")
    assert answer.status == 0, answer.out + answer.err
    return answer


def _register(call: Call, home: Path, *more: str) -> list[tuple[str, str, str, str]]:
    """Route, who entered, ending and who decided, of each objection in this office's register."""
    found = call("-C", home, "case", "objections", *more, "--json").document["objections"]
    assert all(item["entered"] and bool(item["decided"]) == bool(item["ending"]) for item in found)
    return [(item["route"], item["entered_by"], item["ending"], item["decided_by"]) for item in found]


def test_an_objection_at_the_new_office_is_right(pair: Pair, number: str, call: Call, tmp_path: Path) -> None:
    """Sent back, read again, corrected, in the place of the old record; both registers say so, both originals are kept."""
    _say(call, pair.receiver, "object", number, "--note", "my wage was higher")
    assert _register(call, pair.receiver, "--open") == [("returned", "staff-9", "", "")]
    for home, found in ((pair.receiver, [number]), (pair.sender, [])):
        listed = call("-C", home, "case", "list", "--objected", "--json").document["cases"]
        assert [row["case"] for row in listed] == found
    assert states(pair, number) == (State.ACCEPTED, State.RETURNED)
    swap(pair)
    assert _register(call, pair.sender, "--open") == [("received", "partner", "", "")]
    assert states(pair, number) == (State.RETURNED, State.RETURNED)
    _pay(pair.sender, "9999.00")
    assert call("-C", pair.sender, "case", "reread", number).status == 1
    _say(call, pair.sender, "correct", number, "--why", "found in the file")
    approve(pair.sender, number)
    swap(pair)
    assert states(pair, number) == (State.ACCEPTED, State.ACCEPTED)
    assert _register(call, pair.sender) == [("received", "partner", "corrected", "staff-9")]
    assert _register(call, pair.receiver) == [("returned", "staff-9", "corrected", "partner")]
    assert _register(call, pair.receiver, "--open") == []
    delivery = xml.decode(kept(pair.sender, number, "delivery-sent")[-1])
    assert isinstance(delivery, Delivery)
    assert delivery.correction is not None
    assert delivery.correction.reason == "C421"
    with Office.at(pair.sender) as old, Office.at(pair.receiver) as new:
        assert old.records.read(PERSON, KINDS) == new.records.read(PERSON, KINDS)
    assert len(kept(pair.sender, number, "delivery-sent")) == len(kept(pair.receiver, number, "package-received")) == 2
    for home in (pair.sender, pair.receiver):
        file = tmp_path / "result.html"
        answer = call("-C", home, "case", "decision", number, "--lang", "zh", "-o", file, "--by", "staff-9")
        assert (answer.status, answer.out) == (0, f"{file}\n")
        assert file.stat().st_mode & 0o777 == 0o600
        page = file.read_text(encoding="utf-8")
        assert "确有错误" in page
        assert "9999.00" in page
    assert ex.problems(pair) == ()


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_objection_is_answered_with_reasons(
    pair: Pair, number: str, call: Call, tmp_path: Path, language: Language
) -> None:
    """The old office stands by its record: the answer travels, and the person's result has its reasons at both offices."""
    _say(call, pair.receiver, "object", number, "--note", "my household moved in 2019")
    swap(pair)
    _say(call, pair.sender, "uphold", number, "--text", "moved & registered in 2022")
    swap(pair)
    assert states(pair, number) == (State.ACCEPTED, State.ACCEPTED)
    assert _register(call, pair.sender) == [("received", "partner", "stands", "staff-9")]
    assert _register(call, pair.receiver) == [("returned", "staff-9", "stands", "partner")]
    for home in (pair.sender, pair.receiver):
        file = tmp_path / "result.html"
        words = ("decision", number, "--lang", language, "-o", str(file))
        assert _say(call, home, *words).document == {"case": number, "file": str(file)}
        page = file.read_text(encoding="utf-8")
        assert "moved &amp; registered in 2022" in page
        assert WORDS[language]["stands"] in page
        assert PEOPLE[0][1].person.name in page
        with closing(sqlite3.connect(home / "ledger.db")) as ledger:
            assert "moved" not in "\n".join(ledger.iterdump()).replace("removed", "")
    assert ex.problems(pair) == ()


def test_an_objection_at_the_old_office(pair: Pair, number: str, call: Call) -> None:
    """Registered while the case stays accepted; one is right and corrected, the next is not, and the new office is told."""
    for ending in ("corrected", "stands"):
        _say(call, pair.sender, "object", number)
        assert _register(call, pair.sender, "--open") == [("here", "staff-9", "", "")]
        assert call("-C", pair.sender, "case", "object", number, "--by", "staff-9", "--json").code == "S411"
        assert ex.case(pair.sender, number).state is State.ACCEPTED
        if ending == "corrected":
            _move(pair.sender, "330104")
            _correct(pair, number, call)
        else:
            _say(call, pair.sender, "uphold", number, "--text", "the register of households says so")
            assert [read.kind for read in swap(pair)] == ["clarification"]
        assert states(pair, number) == (State.ACCEPTED, State.ACCEPTED)
        shown = call("-C", pair.sender, "case", "show", number, "--json").document["objections"]
        assert shown[-1]["ending"] == ending
    assert len(_register(call, pair.sender)) == 2
    assert _register(call, pair.receiver) == []
    assert ex.problems(pair) == ()


@pytest.mark.parametrize("ending", ["corrected", "stands"])
def test_an_objection_is_settled_at_the_new_office(
    pair: Pair, number: str, call: Call, tmp_path: Path, ending: str
) -> None:
    """What the new office checks itself does not go back; put right there, its reasons are given with the result."""
    _say(call, pair.receiver, "object", number, "--here")
    if ending == "corrected":
        _say(call, pair.receiver, "correct", number, "--why", "our own rows were wrong")
    else:
        _say(call, pair.receiver, "uphold", number, "--text", "it is what was delivered")
    assert _register(call, pair.receiver) == [("here", "staff-9", ending, "staff-9")]
    file = str(tmp_path / "result.html")
    _say(call, pair.receiver, "decision", number, "-o", file, "--text", "as we told you")
    assert "as we told you" in Path(file).read_text(encoding="utf-8")
    swap(pair)
    assert states(pair, number) == (State.ACCEPTED, State.ACCEPTED)
    assert "objection, here" in call("-C", pair.receiver, "case", "show", number).out
    _say(call, pair.receiver, "object", number, "--note", "and now to you")
    assert len(_register(call, pair.receiver, "--open")) == 1
    assert ex.problems(pair) == ()


def test_the_result_shows_the_changes_of_its_own_correction(
    pair: Pair, number: str, call: Call, tmp_path: Path
) -> None:
    """What was corrected for the first objection is not on the page of the second, which was right without a delivery."""
    _move(pair.sender, "330104")
    _correct(pair, number, call)
    time.sleep(1.1)  # the ledger's times are whole seconds
    _say(call, pair.receiver, "object", number, "--here")
    _say(call, pair.receiver, "correct", number, "--why", "our own rows were wrong")
    file = tmp_path / "result.html"
    _say(call, pair.receiver, "decision", number, "-o", str(file))
    assert "330104" not in file.read_text(encoding="utf-8")


def test_what_is_no_objection_is_refused(pair: Pair, number: str, call: Call, tmp_path: Path) -> None:
    """A note that goes nowhere, or none; two at a time; a result of none; a decision where nothing is objected to."""
    by = ("--by", "staff-9", "--json")
    page = ("-o", tmp_path / "result.html")

    def code(home: Path, *words: str | Path) -> str:
        return call("-C", home, "case", *words, *by).code

    assert code(pair.sender, "object", number, "--note", "x") == "S421"
    assert code(pair.receiver, "object", number) == "S421"
    assert code(pair.receiver, "object", number, "--here", "--note", "x") == "S421"
    assert code(pair.receiver, "correct", number, "--why", "x") == "S411"
    assert code(pair.receiver, "uphold", number, "--text", "x") == "S411"
    assert code(pair.sender, "decision", number, *page) == "S411"
    assert _register(call, pair.sender) == _register(call, pair.receiver) == []
    _say(call, pair.receiver, "object", number, "--note", "x")
    assert code(pair.receiver, "object", number, "--here") == "S411"
    assert code(pair.receiver, "object", number, "--note", "x") == "S411"
    assert code(pair.receiver, "decision", number, *page) == "S411"
    assert code(pair.receiver, "uphold", number, "--text", "x") == "S411"
    assert not (tmp_path / "result.html").exists()


@pytest.mark.parametrize("first_here", [True, False], ids=["here first", "returned first"])
def test_two_clerks_at_once(pair: Pair, number: str, monkeypatch: pytest.MonkeyPatch, *, first_here: bool) -> None:
    """Both found no open objection: the second is refused all the same, and one stands in the register."""
    monkeypatch.setattr(objections, "_open", lambda *_: None)
    with Office.at(pair.receiver) as office:
        for here in (first_here, not first_here):
            note = "" if here else "a month is missing"
            if here is first_here:
                objections.object_to(office, number, note, "staff-8", now(), here=here)
            else:
                with pytest.raises(UsageError, match="S411"):
                    objections.object_to(office, number, note, "staff-9", now(), here=here)
        known = register.registered(office.ledger, number)
    assert [(item.entered_by, item.route) for item in known] == [("staff-8", "here" if first_here else "returned")]
