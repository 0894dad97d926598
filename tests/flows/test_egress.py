"""What leaves is bound to approved cases and to the day's caps; commands give out one person at a time."""

from datetime import timedelta
from pathlib import Path

import pytest

from archive import cases
from flows import egress, passes, roster
from flows.times import now
from flows.wiring import Office
from tests import exchange as ex
from tests import staff
from tests.command_line import Call
from tests.office import Pair, configure, copied, fill, found_pair, open_approved, some_people

PEOPLE = some_people(3)


@pytest.fixture(scope="module")
def approved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two offices; three cases of the one are approved."""
    folder = tmp_path_factory.mktemp("approved")
    pair = found_pair(folder)
    fill(pair.sender, PEOPLE)
    open_approved(pair, [person for person, _ in PEOPLE])
    return folder


@pytest.fixture
def pair(approved: Path, tmp_path: Path) -> Pair:
    """The two offices."""
    return copied(approved, tmp_path)


def test_over_the_cap_cases_wait(pair: Pair, call: Call) -> None:
    """Two leave, the third stays approved and the report says S450; a larger cap lets it go, and the journal says that."""
    configure(pair.sender, cases_per_day=2)
    report = ex.send(pair)
    assert (len(report.sealed.sealed), report.failed) == (2, ())
    assert [(item.subject, item.code, item.detail) for item in report.warnings] == [
        ("44030001", "S450", "1 approved cases wait")
    ]
    told = call("-C", pair.sender, "egress", "status", "--json").document
    assert told["egress"] == [
        {"partner": "", "used": 2, "left": 0, "waiting": 1},
        {"partner": "44030001", "used": 2, "left": 0, "waiting": 1},
    ]
    configure(pair.sender, cases_per_day=3)
    assert len(ex.send(pair).sealed.sealed) == 1
    with Office.at(pair.sender) as office:
        assert egress.kept_back(office, now()) == ()
    assert ex.problems(pair) == ()


def test_a_package_that_is_too_large_stays(pair: Pair) -> None:
    """S451 names each case; they stay approved and leave when they may."""
    configure(pair.sender, bytes_per_package=100)
    assert {item.code for item in ex.send(pair).failed} == {"S451"}
    with Office.at(pair.sender) as office:
        assert {row.state for row in cases.listing(office.ledger)} == {"approved"}
    configure(pair.sender, bytes_per_package=10_000_000)
    assert len(ex.send(pair).sealed.sealed) == len(PEOPLE)


def test_nothing_leaves_that_was_not_approved(pair: Pair) -> None:
    """A case that is named but not approved by every stage is not sealed, nor one that nobody opened."""
    with Office.at(pair.sender) as office:
        (number,) = cases.number_cases(office.ledger, office.code, 1, now())
        (partner,) = office.directory.partners
        cases.open_cases(office.ledger, [cases.NewCase(number, partner, PEOPLE[0][0], ("110",))], "staff-1", now())
        cases.approve(office.ledger, [number], "handler", "staff-2", now(), office.settings.stages)
        report = passes.send(office, [number, "33010001-2026-999999"])
    assert (report.sealed.sealed, report.posted.posted) == ((), ())


def test_by_hand_the_same_holds(pair: Pair, call: Call, tmp_path: Path) -> None:
    """A package by hand is not larger than may leave (S451), and with a roster nobody hands it out unnamed (S470)."""
    ex.send(pair)
    with Office.at(pair.sender) as office:
        row = next(row for row in cases.originals(office.ledger) if row.kind == "delivery-sent")
        (tmp_path / "document.xml").write_bytes(office.store.read(row.digest))
    words = ["package", "seal", tmp_path / "document.xml", "--partner", "44030001", "-o", tmp_path / "out.pgp"]
    assert call("-C", pair.sender, *words).status == 0
    configure(pair.sender, bytes_per_package=100)
    assert call("-C", pair.sender, *words, "--json").code == "S451"
    configure(pair.sender, bytes_per_package=10_000_000)
    with Office.at(pair.sender) as office:
        roster.add(office, "staff-9", staff.key("staff-9").public, "staff-9", now())
        roster.give(office, "staff-9", "auditor", now() - timedelta(days=1), None, "staff-9", now())
    assert call("-C", pair.sender, *words, "--json").code == "S470"
    assert call("-C", pair.sender, *words, "--by", "staff-9").status == 0
