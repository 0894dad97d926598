"""`jiexu lookup`: the law, the caps and the register on the command line; what is out of scope is in no output."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from archive import journal
from archive.scopes import PURPOSES, REQUESTERS
from flows.wiring import Office
from formats.codes import insurance_kinds
from formats.forms import forms
from formats.groups import GROUPS
from formats.reasons import LANGUAGES
from formats.record import Record
from tests.command_line import Answer, Call, Place
from tests.flows.test_pdf import text_of

OWN = ["--as", "person", "--requester", "P1", "--purpose", "own", "--basis", "identity-card", "--user", "staff-7"]
COURT = [
    "--as",
    "authority",
    "--requester",
    "C1",
    "--purpose",
    "duty",
    "--basis",
    "civil-procedure-70",
    "--user",
    "staff-7",
]


def person_of(place: Place, case: str) -> str:
    """The person number of a case."""
    with closing(sqlite3.connect(place.home / "ledger.db")) as ledger:
        (found,) = ledger.execute("SELECT person FROM cases WHERE case_number = ?", (case,)).fetchone()
    return str(found)


def record_of(place: Place, person: str) -> Record:
    """The whole record in the office's records database."""
    with Office.at(place.home) as office:
        return office.records.read(person, tuple(insurance_kinds()))


@pytest.fixture
def ask(place: Place, call: Call) -> Any:
    """Look up the person whose case was sent."""

    def asked(*options: str | Path) -> Answer:
        return call("-C", place.home, "lookup", person_of(place, place.sent), *options, "--json")

    return asked


def registered(place: Place, call: Call, *options: str) -> list[dict[str, Any]]:
    """The register of lookups."""
    rows: list[dict[str, Any]] = call("-C", place.home, "lookup", "register", *options, "--json").document["lookups"]
    return rows


def test_the_person_gets_the_whole_record(place: Place, ask: Any) -> None:
    """All five groups, every row; `jiexu lookup PERSON` needs no further word."""
    record = record_of(place, person_of(place, place.sent))
    shown = ask(*OWN).document
    assert set(shown["record"]) == set(Record.__dataclass_fields__)
    assert shown["record"]["person"] == record.person._asdict()
    for part in set(Record.__dataclass_fields__) - {"person"}:
        assert shown["record"][part] == [row._asdict() for row in getattr(record, part)]


def test_an_employer_gets_what_is_its_own(place: Place, ask: Any, call: Call) -> None:
    """Rows that name it alone; other parts are not in the document at all; it is not in the register."""
    record = record_of(place, person_of(place, place.sent))
    employer = record.employers[0]
    options = (
        "--as",
        "employer",
        "--requester",
        "E1",
        "--purpose",
        "employment",
        "--basis",
        "licence",
        "--user",
        "s-1",
    )
    shown = ask(*options, "--employer", employer.credit_code).document
    assert set(shown["record"]) == {"person", "employers", "enrolments", "contributions", "subsidies"}
    assert set(shown["record"]["person"]) < set(record.person._fields)
    named = {row["employer_id"] for part in ("enrolments", "contributions") for row in shown["record"][part]}
    assert named == {employer.employer_id}
    assert ask(*options, "--employer", "91330106MA2CXQ9999").code == "S430"
    assert registered(place, call) == []
    assert [row["outcome"] for row in registered(place, call, "--all")] == ["shown", "S430"]


def test_html_holds_no_more_than_json(place: Place, ask: Any, tmp_path: Path) -> None:
    """The page has the sections of the scope, and no value of the record that is out of it."""
    file = tmp_path / "form.html"
    record = record_of(place, person_of(place, place.sent))
    told = ask(*COURT, "--items", "account", "--lang", "zh", "--html", "-o", file).document
    page = file.read_text(encoding="utf-8")
    assert told["file"] == str(file)
    assert [part for part in ("person", "months", "account") if f'id="{part}"' not in page] == []
    assert [part for part in ("employers", "contributions", "benefits", "other") if f'id="{part}"' in page] == []
    assert record.person.name in page
    assert record.person.birth_date not in page
    assert record.employers[0].name not in page
    assert record.account[0].closing in page
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_lookup_as_pdf(ask: Any, language: str, tmp_path: Path) -> None:
    """The PDF says who asked, for what and on what basis, in the language."""
    file = tmp_path / "form.pdf"
    assert ask(*COURT, "--items", "account", "--lang", language, "--pdf", "-o", file).status == 0
    text = text_of(file.read_bytes(), tmp_path)
    for key in ("title.lookup", "requester.authority", "purpose.duty", "group.account", "section.account"):
        assert "".join(forms.text(key, language).split()) in text  # type: ignore[arg-type]
    assert "civil-procedure-70" in text


def test_the_original_of_a_case(place: Place, ask: Any, call: Call) -> None:
    """With `--case` the kept original is shown, in the same scope; the case of somebody else is S412, and registered."""
    shown = ask(*COURT, "--items", "contributions", "--case", place.sent).document
    whole = ask(*COURT, "--items", "contributions", "--kinds", "110,210,310").document
    assert shown["case"] == place.sent
    assert shown["record"] == whole["record"]
    assert set(shown["record"]["person"]) == {"social_security_number", "name"}
    assert ask(*COURT, "--items", "contributions", "--case", place.fresh).code == "S412"
    assert [row["outcome"] for row in registered(place, call)] == ["shown", "shown", "S412"]


def test_the_original_of_an_incoming_case(place: Place, call: Call) -> None:
    """The receiver shows what it took in, to whom it is about here; another person, or what was not taken in: S412."""
    home = place.home.parent / "shenzhen"
    with Office.at(home) as office:
        taken = office.records.taken_in(place.sent)
        assert taken is not None
        assert office.records.taken_in(place.held) is None
    command = ("-C", home, "lookup", taken.person, *COURT, "--items", "contributions", "--case", place.sent, "--json")
    shown = call(*command).document
    assert shown["case"] == place.sent
    with Office.at(place.home) as sender:
        record = sender.records.read(person_of(place, place.sent), ("110", "210", "310"))
    assert shown["record"]["contributions"] == [row._asdict() for row in record.contributions]
    assert set(shown["record"]["person"]) == {"social_security_number", "name"}
    assert call(*(word if word != taken.person else "33010001" for word in command)).code == "S412"
    with closing(sqlite3.connect(home / "records.db")) as records:
        records.execute("DELETE FROM jiexu_intake")
        records.commit()
    assert call(*command).code == "S412"


def test_refusals_are_in_the_register_and_the_journal(place: Place, ask: Any, call: Call) -> None:
    """S430 names the article; register and journal have it, the journal nothing of the person."""
    answer = ask(*COURT)
    assert (answer.status, answer.code) == (2, "S430")
    assert "arts. 17 to 19" in answer.err
    (row,) = registered(place, call)
    person = person_of(place, place.sent)
    assert (row["subject"], row["outcome"], row["who"]) == (person, "S430", "staff-7")
    with Office.at(place.home) as office:
        entry = journal.entries(office.ledger)[-1]
    assert (entry.kind, entry.what["lookup"]) == ("looked-up", row["id"])
    assert person not in str(entry)


def test_the_caps_are_those_of_the_settings(place: Place, call: Call) -> None:
    """A user who has had the persons of the day is refused with S431, and another is not."""
    file = place.home / "office.toml"
    text = file.read_text(encoding="utf-8").replace("person_per_day = 20", "person_per_day = 1")
    file.write_text(text, encoding="utf-8")
    first, second = person_of(place, place.sent), person_of(place, place.held)
    assert call("-C", place.home, "lookup", first, *OWN, "--json").status == 0
    assert call("-C", place.home, "lookup", second, *OWN, "--json").code == "S431"
    assert call("-C", place.home, "lookup", second, *OWN[:-1], "staff-8", "--json").status == 0


@pytest.mark.parametrize(
    "wrong",
    [("--items", "nonsense"), ("--kinds", "999"), ("--from", "2021"), ("--html",), ("-o", "x"), ("--purpose", "x")],
)
def test_a_wrong_command_line_is_no_lookup(place: Place, ask: Any, call: Call, wrong: tuple[str, ...]) -> None:
    """What cannot be understood is S421 and leaves nothing in the register."""
    assert ask(*OWN, *wrong).code == "S421"
    assert registered(place, call, "--all") == []


def test_there_is_no_list_of_people(place: Place, call: Call) -> None:
    """Art. 22: one person a request; two, or none, are wrong usage."""
    person = person_of(place, place.sent)
    assert call("-C", place.home, "lookup", person, person, *OWN, "--json").code == "S421"
    assert call("-C", place.home, "lookup", "*", *OWN, "--json").code == "S412"


def test_people_see_tables(place: Place, call: Call) -> None:
    """Without `--json` the parts are tables under their names."""
    answer = call("-C", place.home, "lookup", person_of(place, place.sent), *OWN)
    assert answer.status == 0, answer.err
    for word in ("contributions", "account", "social_security_number"):
        assert word in answer.out


def test_every_choice_has_its_words() -> None:
    """Requesters, purposes and groups are named on the form in every language."""
    keys = [f"requester.{name}" for name in REQUESTERS] + [f"purpose.{name}" for name in PURPOSES]
    keys += [f"group.{name}" for name in GROUPS]
    assert all(forms.text(key, language) for key in keys for language in LANGUAGES)
