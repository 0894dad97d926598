"""`jiexu case chase`, the office's own calendar, and the deadlines that refusals carry."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from flows import working_calendar
from flows.backups import home_files
from flows.commands import case_chase
from flows.settings import load
from flows.synthetic.people import overlapping_months
from flows.times import now
from flows.wiring import Office
from formats import xml
from formats.clocks import limits
from formats.errors import UsageError
from formats.messages import Delivery
from formats.reasons import reason
from formats.workdays import beijing_day, published
from tests import exchange as ex
from tests.command_line import Call, Place
from tests.office import Pair, configure, exchange, fill, found_pair, open_approved, some_people


def _in_days(monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    monkeypatch.setattr(case_chase, "now", lambda: now() + timedelta(days=days))


def _by_case(document: Any) -> dict[str, Any]:
    return {row["case"]: row for row in document["awaited"]}


def test_chase_lists_what_has_not_left(exchanged: Place, call: Call) -> None:
    """The held and the open case are awaited of this office, from today, with a day; the accepted one is not."""
    answer = call("-C", exchanged.home, "case", "chase", "--json")
    found = _by_case(answer.document)
    assert (answer.status, answer.document["overdue"], set(found)) == (0, 0, {exchanged.held, exchanged.fresh})
    row = found[exchanged.fresh]
    assert set(row) == {
        *("case", "direction", "partner", "state", "awaited", "of", "leg", "since", "due", "left", "overdue"),
        *("provisional", "unsure", "source"),
    }
    told = [row[name] for name in ("direction", "partner", "state", "awaited", "of", "leg", "unsure")]
    assert told == ["out", "44030001", "open", "delivery", "us", "deliver", False]
    due = date.fromisoformat(row["due"])
    assert published().working_days_between(date.fromisoformat(row["since"]), due) == 10  # medical is among the kinds
    assert row["left"] == published().working_days_between(date.fromisoformat(answer.document["on"]), due)


def test_chase_ends_with_1_when_something_is_overdue(
    exchanged: Place, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After two months both cases are over, by so many working days; in a table for people too."""
    _in_days(monkeypatch, 60)
    answer = call("-C", exchanged.home, "case", "chase", "--json")
    assert (answer.status, answer.document["overdue"]) == (1, 2)
    left = {case: row["left"] for case, row in _by_case(answer.document).items()}
    assert max(left.values()) < -20
    shown = call("-C", exchanged.home, "case", "chase")
    assert shown.status == 1
    for case, days in left.items():
        (line,) = [line for line in shown.out.splitlines() if line.startswith(case)]
        assert f"{-days} over" in line
        assert "this office" in line


def test_chase_shows_what_is_due_soon(exchanged: Place, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """--days leaves out what has more working days left; --partner what is another partner's. Then nothing is over."""
    home = exchanged.home
    assert call("-C", home, "case", "chase", "--days", "9", "--json").document["awaited"] == []
    assert len(call("-C", home, "case", "chase", "--days", "10", "--json").document["awaited"]) == 2
    _in_days(monkeypatch, 60)
    assert call("-C", home, "case", "chase", "--days", "0").status == 1
    other = call("-C", home, "case", "chase", "--partner", "11010001", "--json")
    assert (other.status, other.document["awaited"]) == (0, [])
    assert call("-C", home, "case", "chase", "--partner", "44030001").status == 1


def test_an_offices_own_files_count(place: Place, call: Call) -> None:
    """With two weeks off and a limit of two days a case is due on the second day after; a backup has both files."""
    today = beijing_day(now())
    off = [today + timedelta(days=number) for number in range(1, 15)]
    rows = "".join(f"{day.isoformat()},no,closed\n" for day in off)
    (place.home / "days.csv").write_text(f"\ufeffdate,working,why\n{rows}", encoding="utf-8")
    (place.home / "limits.csv").write_text("scheme,leg,days\nmedical,deliver,2\n", encoding="utf-8")
    configure(place.home, days="days.csv")
    text = (place.home / "office.toml").read_text(encoding="utf-8")
    (place.home / "office.toml").write_text(text.replace('limits = ""', 'limits = "limits.csv"'), encoding="utf-8")
    answer = call("-C", place.home, "case", "chase", "--json")
    due = date.fromisoformat(_by_case(answer.document)[place.fresh]["due"])
    assert due > off[-1]
    with place.office() as office:
        assert office.calendar.working_days_between(today, due) == 2
        assert not any(map(office.calendar.is_working, off))
        assert {"days.csv", "limits.csv"} <= set(home_files(office.settings))
    (place.home / "limits.csv").unlink()
    assert "days.csv" in home_files(load(place.home))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "calendar.days: days.csv: No such file"),
        (b"date,working\n2027-01-01,\xb7\xf1\n", "calendar.days: days.csv is not UTF-8"),
        (b"date,working\n2027-01-01,maybe\n", "calendar.days: line 2"),
    ],
)
def test_a_file_that_does_not_hold_is_named(place: Place, call: Call, content: bytes | None, told: str) -> None:
    """A missing or wrong file of the calendar is S401 and ends with 2: nothing is counted by half a calendar."""
    configure(place.home, days="days.csv")
    if content is not None:
        (place.home / "days.csv").write_bytes(content)
    answer = call("-C", place.home, "case", "chase", "--json")
    assert (answer.status, answer.code) == (2, "S401")
    assert told in answer.err


def test_an_office_that_says_nothing_has_the_published_days(exchanged: Place) -> None:
    """Without settings the calendar is the published one and the limits are the rules'."""
    with exchanged.office() as office:
        assert office.calendar == published()
        assert office.clocks == limits()
        wrong = replace(office.settings, calendar=replace(office.settings.calendar, limits="nowhere.csv"))
    with pytest.raises(UsageError, match=r"calendar\.limits"):
        working_calendar.limits_of(wrong)


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    """Two offices, three people at the sending one."""
    pair = found_pair(tmp_path)
    fill(pair.sender, some_people(3))
    return pair


def test_a_refusal_says_until_when_it_is_to_be_answered(pair: Pair, call: Call) -> None:
    """Each finding that refuses carries the day of the leg `return` to the sender; warnings and acceptances none."""
    wrong, right = open_approved(pair, [person for person, _ in some_people(3)][:2])

    def spoilt(delivery: Delivery) -> bytes:
        person = delivery.record.person
        doubtful = person._replace(sex="2" if person.sex == "1" else "1")
        return xml.encode(replace(delivery, record=overlapping_months(replace(delivery.record, person=doubtful))))

    ex.seal_as_is(pair, {wrong: spoilt, right: xml.encode})
    exchange(pair)
    with Office.at(pair.receiver) as office:
        due = office.calendar.add_working_days(beijing_day(now()), 10).isoformat()
    for home in (pair.sender, pair.receiver):
        refused = ex.case(home, wrong)
        assert (refused.state, ex.case(home, right).state) == ("rejected", "accepted")
        assert ex.codes(refused.findings) == {"R014"}
        assert {item.respond_by for item in refused.findings if reason(item.code).severity == "error"} == {due}
        assert {item.respond_by for item in refused.findings if reason(item.code).severity != "error"} == {""}
        assert {item.respond_by for item in ex.case(home, right).findings} <= {""}
    assert f"to be answered by {due}" in call("-C", pair.sender, "case", "show", wrong).out


def test_a_conflict_found_while_taking_in_carries_the_day_too(pair: Pair) -> None:
    """A person who was taken in already is refused with a day; what waits at both offices is nothing."""
    person = some_people(3)[0][0]
    open_approved(pair, [person])
    exchange(pair)
    (second,) = open_approved(pair, [person])
    exchange(pair)
    (finding, *_) = ex.case(pair.sender, second).findings
    assert finding.code.startswith("L")
    assert finding.respond_by > beijing_day(now()).isoformat()


def test_both_offices_chase_a_case_in_between(pair: Pair, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sent and not fetched: the sender waits for the partner's receipt, by an unsure limit of five days."""
    (number,) = open_approved(pair, [some_people(3)[0][0]])
    ex.send(pair)
    (row,) = call("-C", pair.sender, "case", "chase", "--json").document["awaited"]
    told = [row[name] for name in ("case", "state", "awaited", "of", "leg", "unsure")]
    assert told == [number, "in_transit", "receipt", "partner", "receipt", True]
    assert call("-C", pair.receiver, "case", "chase", "--json").document["awaited"] == []
    _in_days(monkeypatch, 30)
    shown = call("-C", pair.sender, "case", "chase")
    assert shown.status == 1
    assert "partner" in shown.out
    assert "unsure" in shown.out
