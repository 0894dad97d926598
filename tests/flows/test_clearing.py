"""先转后清: months of a pension that both offices have move first, are listed, and are cleared at the new office."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

from archive import journal
from flows import clearing, sheet
from flows.sheet import Table
from flows.synthetic.people import already_contributed
from flows.synthetic.places import SHENZHEN
from flows.times import now
from flows.wiring import Office
from formats.errors import UsageError
from formats.pension.money import fen
from formats.pension.overlap import Side
from formats.workdays import beijing_day
from tests import exchange as ex
from tests.command_line import Call
from tests.office import Pair, copied, fill, found_pair, open_approved, some_people

PEOPLE = some_people(2)
HERE = "4403000000001"  # the person's number at the new office
MONTHS = 3


@pytest.fixture(scope="module")
def accepted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two offices: one case brought three months of the pension that were paid here too, one none."""
    folder = tmp_path_factory.mktemp("accepted")
    pair = found_pair(folder)
    fill(pair.sender, PEOPLE)
    there = already_contributed(PEOPLE[0][1], SHENZHEN)
    pension = tuple(row for row in there.contributions if row.kind == "110")
    fill(pair.receiver, [(HERE, replace(there, contributions=pension))])
    open_approved(pair, [person for person, _ in PEOPLE])
    for _ in range(2):
        ex.send(pair)
        ex.receive(pair.receiver)
        ex.acknowledge(pair.receiver)
        ex.receive(pair.sender)
    return folder


@pytest.fixture
def pair(accepted: Path, tmp_path: Path) -> Pair:
    """The two offices."""
    return copied(accepted, tmp_path)


def _case(pair: Pair) -> str:
    with Office.at(pair.receiver) as office:
        (found,) = clearing.overlaps(office)
    assert (found.partner, found.months) == ("33010001", MONTHS)
    return found.case


def _book(home: Path, where: str) -> int:
    """Book the refunds of these rows as the office's own system does: type 20, the amounts taken back."""
    columns = (
        "aae140, aae003, aae002, '20', aab301, aab001, aac040, aae180, aaa042, aaa041, '0.00', '0.00', '0.00', '0.00'"
    )
    back = ", ".join(f"'-' || {name}" for name in ("aae080", "aae081", "aae082", "aae083"))
    with closing(sqlite3.connect(home / "records.db")) as database, database:
        names = [row[1] for row in database.execute("PRAGMA table_info(ac43)")]
        wanted = ", ".join(names[:1] + names[1:])
        select = f"SELECT {names[0]}, {columns}, {back}, aae079 FROM ac43 WHERE {where}"
        return database.execute(f"INSERT INTO ac43 ({wanted}) {select}").rowcount


def test_both_offices_are_told(pair: Pair) -> None:
    """The case is accepted at both, with L307 in the receipt: the sender's case has it too."""
    number = _case(pair)
    for home in (pair.sender, pair.receiver):
        row = ex.case(home, number)
        assert row.state == "accepted"
        assert "L307" in {finding.code for finding in row.findings}
    assert ex.problems(pair) == ()


@pytest.mark.parametrize("keep", ["delivered", "stored"])
def test_the_refund_is_the_cleared_side_s_account(pair: Pair, keep: Side) -> None:
    """Three months of this year, without interest yet: what was credited to the person's account comes back."""
    # 人社部发〔2010〕70号 art. 10: the account balance of the cleared months is refunded; the running year's
    # contributions bear no interest before the year is settled, so the refund is the sum of what was credited.
    number = _case(pair)
    with Office.at(pair.receiver) as office:
        found = clearing.propose(office, number, keep, beijing_day(now()))
        months = {one.month for one in found.clearing.cleared}
        rows = office.records.read(HERE, ["110"]).contributions
    cleared = [row for row in rows if row.month in months and (row.division[:4] == "4403") == (keep == "delivered")]
    assert len(cleared) == MONTHS
    assert fen(found.clearing.refund) == sum(fen(row.person_paid_account) for row in cleared)


@pytest.mark.parametrize("cleared", ["aab301 LIKE '4403%'", "aab301 LIKE '3301%'"])
def test_the_case_is_off_the_list_when_the_refunds_are_booked(pair: Pair, cleared: str) -> None:
    """Whichever side is refunded, month by month: what is left is listed, and then nothing."""
    number = _case(pair)
    with Office.at(pair.receiver) as office:
        proposal = clearing.propose(office, number, "stored", beijing_day(now()))
    first, *rest = [one.month.replace("-", "") for one in proposal.clearing.cleared]
    assert _book(pair.receiver, f"aae140 = '110' AND aae003 = '{first}' AND {cleared}") == 1
    with Office.at(pair.receiver) as office:
        assert [item.months for item in clearing.overlaps(office)] == [MONTHS - 1]
    assert _book(pair.receiver, f"aae140 = '110' AND aae003 IN ({', '.join(map(repr, rest))}) AND {cleared}") == 2
    with Office.at(pair.receiver) as office:
        assert clearing.overlaps(office) == ()
        with pytest.raises(UsageError, match="S411"):
            clearing.propose(office, number, "stored", beijing_day(now()))


def test_the_sheet_and_the_agreement(pair: Pair, call: Call, tmp_path: Path) -> None:
    """The sheet is for the officer alone, the screen has counts; the journal says what was agreed and who took it."""
    number = _case(pair)
    sheet = tmp_path / "sheet.html"
    words = ["case", "clear", number, "--keep", "stored", "-o", sheet, "--by", "staff-9", "--lang", "zh"]
    draft = call("-C", pair.receiver, *words)
    assert draft.status == 0
    assert "3 months, kept: stored" in draft.out
    assert sheet.stat().st_mode & 0o777 == 0o600
    assert "重复缴费清理表" in sheet.read_text(encoding="utf-8")
    later = call("-C", pair.receiver, *words, "--agreed", "2999-01-01", "--json")
    assert (later.status, later.code) == (2, "S421")  # nobody has agreed yet on a day to come
    agreed = call("-C", pair.receiver, *words, "--agreed", "2026-11-20")
    assert agreed.status == 0
    with Office.at(pair.receiver) as office:
        entries = [entry for entry in journal.entries(office.ledger) if entry.kind in ("taken-out", "overlap-agreed")]
    assert [entry.kind for entry in entries] == ["taken-out", "taken-out", "overlap-agreed"]
    assert entries[-1].who == "staff-9"
    assert {name: entries[-1].what[name] for name in ("kept", "months", "agreed")} == {
        "kept": "stored",
        "months": MONTHS,
        "agreed": "2026-11-20",
    }
    listed = call("-C", pair.receiver, "case", "overlaps")
    assert listed.out.split()[-3:] == [number, "33010001", str(MONTHS)]
    assert call("-C", pair.sender, "case", "overlaps").out.count("\n") <= 1


def test_a_sheet_is_well_formed_whatever_people_write() -> None:
    """Marks are escaped, and what XML cannot hold is shown as one replacement each."""
    table = Table("<b>", ("a&b",), [("x\x0by",)])
    root = etree.fromstring(sheet.page("en", "</title>", ["1 < 2\x01\x00", "\uffff"], [table]))
    text = "".join(root.itertext())
    assert all(shown in text for shown in ("</title>", "1 < 2\ufffd\ufffd", "<b>", "a&b", "x\ufffdy"))
