"""`jiexu record` and `jiexu profile`: what leaves in another form is a lookup of a case; what comes is only looked at."""

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from archive import journal
from flows import backups
from flows.wiring import Office
from formats.codes import insurance_kinds
from formats.digest import sha256
from formats.interface import container
from formats.interface.gbt40217 import PARTS, tables
from formats.interface.reading import read
from formats.interface.writing import write
from formats.profile import SHIPPED, shipped_text
from tests.builders import a_person, a_record
from tests.command_line import Answer, Call, Place
from tests.flows.test_lookup import person_of, record_of, registered
from tests.formats.test_text_files import MONTHS, PEOPLE, TEXT
from tests.office import configure, fill, some_people

AUDIT = ("--for", "authority", "--requester", "A1", "--purpose", "duty", "--basis", "art-18", "--user", "staff-7")
ALL = ("--items", "registration,contributions,benefits,account,other")


@pytest.fixture
def export(place: Place, call: Call, tmp_path: Path) -> Any:
    """Export to `tmp_path/out` as the audit office may ask for it."""

    def exported(*options: str, audit: tuple[str, ...] = (*AUDIT, *ALL)) -> Answer:
        words = ("record", "export", *options, "--as", "gbt40217", "-o", tmp_path / "out", *audit)
        return call("-C", place.home, *words, "--json")

    return exported


def journaled(place: Place) -> list[Any]:
    """The journal's entries about exports."""
    with Office.at(place.home) as office:
        return [entry for entry in journal.entries(office.ledger) if entry.kind == "exported"]


def test_a_case_is_exported(place: Place, export: Any, call: Call, tmp_path: Path) -> None:
    """The file has what the interface carries of the case's person, and says what not; register and journal say who."""
    told = export(place.sent).document
    data = (tmp_path / "out").read_bytes()
    (found,) = read(container.unpack(data)).records
    person = person_of(place, place.sent)
    record = record_of(place, person)
    assert found.person.social_security_number == record.person.social_security_number
    pension = [row for row in record.contributions if row.kind == "110"]
    assert [row.month for row in found.contributions] == [row.month for row in pension]
    assert [row.employer_paid for row in found.contributions] == [row.employer_paid for row in pension]
    assert told["not_carried"]["contribution"] == len(record.contributions) - len(pension)
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o600
    (entry,) = journaled(place)
    assert entry.what == {
        "lookup": told["lookup"],
        "case": place.sent,
        "format": "gbt40217",
        "digest": sha256(data),
    }
    assert (entry.who, entry.why, told["digest"], told["case"]) == ("staff-7", "art. 22", sha256(data), place.sent)
    (row,) = registered(place, call)
    assert (row["id"], row["subject"], row["outcome"], row["basis"]) == (told["lookup"], person, "shown", "art-18")
    assert call("-C", place.home, "archive", "audit").status == 0


def test_a_person_needs_a_case(place: Place, export: Any, call: Call, tmp_path: Path) -> None:
    """By person number the newest case stands for it; without any case it is S412, registered, and no file is written."""
    told = export("--person", person_of(place, place.fresh)).document
    assert told["case"] == place.fresh
    (tmp_path / "out").unlink()
    ((_, stranger),) = some_people(1, seed=99)
    fill(place.home, [("3301999999999", stranger)])
    assert export("--person", "3301999999999").code == "S412"
    assert export("33010001-2026-999999").code == "S412"
    assert not (tmp_path / "out").exists()
    assert len(journaled(place)) == 1
    assert [row["outcome"] for row in registered(place, call)] == ["shown", "S412"]


def test_the_law_and_the_caps_bound_an_export(place: Place, export: Any, call: Call, tmp_path: Path) -> None:
    """Who may not look up may not export; a scope narrows the file; the cap of a user counts exports too."""
    unit = ("--for", "unit", "--requester", "U1", "--purpose", "application", "--basis", "b", "--user", "staff-7")
    assert export(place.sent, audit=(*unit, *ALL)).code == "S430"  # without an application (art. 19)
    assert export(place.sent, audit=AUDIT).code == "S430"  # without items (art. 18)
    told = export(
        place.sent, audit=(*AUDIT, "--items", "contributions", "--from", "2021-01", "--to", "2021-02")
    ).document
    text = b"".join(container.unpack((tmp_path / "out").read_bytes())).decode("gb18030")
    assert set(told["documents"]) <= {"人员信息", "人员缴费"}
    record = record_of(place, person_of(place, place.sent))
    assert record.person.name in text  # whose it is
    assert record.person.birth_date.replace("-", "") not in text.replace(record.person.social_security_number, "")
    assert set(re.findall(r"<应缴年月[^>]*>([0-9]+)<", text)) <= {"202101", "202102"}
    configure(place.home, person_per_day=1)
    assert export(place.fresh).code == "S431"


def test_a_receiver_exports_what_it_took_in(place: Place, call: Call, tmp_path: Path) -> None:
    """A case that came from another office is bound to whom it was taken in for."""
    home = place.home.parent / "shenzhen"
    words = ("record", "export", place.sent, "--as", "gbt40217", "-o", tmp_path / "out", *AUDIT, *ALL)
    told = call("-C", home, *words, "--json").document
    assert told["case"] == place.sent
    with Office.at(home) as office:
        taken = office.records.taken_in(place.sent)
        assert taken is not None
        record = office.records.read(taken.person, tuple(insurance_kinds()))
    (found,) = read(container.unpack((tmp_path / "out").read_bytes())).records
    assert found.person.name == record.person.name


def test_nothing_is_exported_twice_over(place: Place, call: Call, tmp_path: Path) -> None:
    """There is no way to name two people, and none to leave the person out."""
    options = ("--as", "gbt40217", "-o", str(tmp_path / "out"), *AUDIT, *ALL)
    person = person_of(place, place.sent)
    for words in ((), (place.sent, place.fresh), (place.sent, "--person", person)):
        assert call("-C", place.home, "record", "export", *words, *options, "--json").code == "S421"
    assert not (tmp_path / "out").exists()


def test_an_import_is_looked_at_and_taken_in_by_nobody(place: Place, call: Call, tmp_path: Path) -> None:
    """Rows, what is missing for a delivery and what is found are told; databases stay as they are; a form is written."""
    before = {path: path.read_bytes() for path in place.home.glob("*.db*")}
    file = tmp_path / "in.zip"
    file.write_bytes(container.pack(write(a_record())))
    answer = call(
        "-C", place.home, "record", "import", file, "--as", "gbt40217", "-o", tmp_path / "form.html", "--json"
    )
    told = answer.document
    assert (answer.status, told["good"], told["records"], told["kept_out"], told["checks"]) == (0, True, 1, 0, [])
    assert told["rows"] == {"employer": 1, "person": 1, "enrolment": 1, "accountYear": 1, "contribution": 12}
    assert "person.nationality" in told["missing"]
    assert a_person().name in (tmp_path / "form.html").read_text(encoding="utf-8")
    assert a_person().name not in answer.out
    assert {path: path.read_bytes() for path in place.home.glob("*.db*")} == before


def test_an_import_with_faults_ends_with_4(call: Call, tmp_path: Path) -> None:
    """Single documents are taken too; rules and faults are named by place, and end with 4. No office is needed."""
    record = a_record(person=a_person(social_security_number="330106198503171213"))
    files = []
    for name, data in write(record).items():
        files.append(tmp_path / f"{name}.xml")
        files[-1].write_bytes(data)
    answer = call("-C", tmp_path, "record", "import", *files, "--as", "gbt40217", "--json")
    assert answer.status == 4
    ((found,),) = [one["findings"] for one in answer.document["checks"]]
    assert found["code"] == "R001"
    assert "330106198503171213" not in answer.out + answer.err
    people = call("-C", tmp_path, "record", "import", *files, "--as", "gbt40217")
    assert "record 1: R001" in people.out
    (tmp_path / "人员缴费.xml").write_bytes(files[-1].read_bytes().replace(b"202101", b"44197x"))
    answer = call("-C", tmp_path, "record", "import", *files, "--as", "gbt40217", "--json")
    assert (answer.status, answer.document["records"], answer.document["kept_out"]) == (4, 0, 1)
    assert set(answer.document["codes"]) <= {"S462", "S464"}
    wrong = tmp_path / "wrong.xml"
    wrong.write_bytes(b"<a/>")
    answer = call("-C", tmp_path, "record", "import", wrong, "--as", "gbt40217", "--json")
    assert (answer.status, answer.code) == (4, "S461")


def test_text_files_are_looked_at(call: Call, tmp_path: Path) -> None:
    """A folder of text files as described: counts, places of faults, private-use characters; nothing of a person."""
    (tmp_path / "description.toml").write_text(TEXT, encoding="utf-8")
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "people.txt").write_bytes(PEOPLE.replace("周明远", "周\ue123").encode("gb18030"))
    (folder / "months.txt").write_bytes(MONTHS.replace("202102", "44228").encode("gb18030"))
    words = ("record", "import", folder, "--as", "text", "--description", tmp_path / "description.toml", "--json")
    answer = call("-C", tmp_path, *words)
    told = answer.document
    assert (answer.status, told["records"], told["kept_out"]) == (4, 1, 1)
    assert told["private_use"] == {"U+E123": 1}
    assert {(one["code"], one["path"]) for one in told["findings"]} == {
        ("S466", "people.txt line 2, name"),
        ("S464", "months.txt line 3, month"),
    }
    assert not {"330106198503171212", "努尔", "44228"} & set(re.findall(r"[\w·]+", answer.out))
    both = call("-C", tmp_path, *words[:5], "--json")
    assert both.code == "S421"
    assert call("-C", tmp_path, "record", "import", folder, "--as", "gbt40217", "--json").code == "S417"
    (tmp_path / "description.toml").write_bytes(b"\xff")
    assert call("-C", tmp_path, *words).code == "D629"


def test_one_form_is_of_one_record(call: Call, tmp_path: Path) -> None:
    """A form is written for one record, not for several and not for none."""
    (tmp_path / "description.toml").write_text(TEXT, encoding="utf-8")
    (tmp_path / "people.txt").write_bytes(PEOPLE.encode("gb18030"))
    (tmp_path / "months.txt").write_bytes(MONTHS.encode("gb18030"))
    words = ("--as", "text", "--description", tmp_path / "description.toml", "-o", tmp_path / "form.html", "--json")
    files = (tmp_path / "people.txt", tmp_path / "months.txt")
    assert call("-C", tmp_path, "record", "import", *files, *words).code == "S421"
    assert not (tmp_path / "form.html").exists()


def test_profiles_are_listed_and_shown(call: Call) -> None:
    """The shipped profiles by name, with what they cannot hold; the text of one is what an own is made from."""
    told = call("profile", "list", "--json").document["profiles"]
    assert [one["profile"] for one in told] == list(SHIPPED)
    shown = call("profile", "show", "agency-aac")
    assert shown.out == shipped_text("agency-aac")
    assert "cannot hold subsidy.*" in shown.err


def test_an_office_uses_a_shipped_profile(place: Place, call: Call) -> None:
    """The name of a shipped profile in office.toml is enough; the backup looks for no file of that name."""
    configure(place.home, profile="medical-platform")
    told = call("-C", place.home, "profile", "check", "--json")
    assert (told.status, told.document["profile"], told.document["fits"]) == (2, "medical-platform", False)
    missing = {one["table"] for one in told.document["deviations"]}
    assert missing == {"psn_info_b", "insu_emp_info_b", "psn_insu_d", "staf_psn_clct_detl_d"}
    with Office.at(place.home) as office:
        assert "medical-platform" not in backups.home_files(office.settings)
        office.records.create_schema()
    assert call("-C", place.home, "profile", "check", "--json").document["fits"] is True
    own = place.home / "own.toml"
    own.write_text(shipped_text("canonical"), encoding="utf-8")
    configure(place.home, profile="own.toml")
    answer = call("-C", place.home, "profile", "check", "--json")
    assert (answer.status, answer.document) == (0, {"profile": "own.toml", "fits": True, "deviations": []})
    with Office.at(place.home) as office:
        assert backups.home_files(office.settings)["own.toml"] == own.read_bytes()


def test_a_check_counts_and_names_nobody(place: Place, call: Call) -> None:
    """Codes without a mapping are counted by column: no code, no person is in the answer."""
    text = shipped_text("canonical").replace(
        'sex = { column = "aac004" }', 'sex = { column = "aac004", codes = "sex" }'
    )
    (place.home / "own.toml").write_text(text + '[codes.sex]\n"1" = "1"\n"2" = "2"\n', encoding="utf-8")
    configure(place.home, profile="own.toml")
    with closing(sqlite3.connect(place.home / "records.db")) as database, database:
        database.execute("UPDATE ac01 SET aac004 = 'geheim' WHERE aac001 = ?", (person_of(place, place.sent),))
    answer = call("-C", place.home, "profile", "check", "--json")
    (deviation,) = answer.document["deviations"]
    assert deviation == {
        "code": "S460",
        "table": "ac01",
        "column": "aac004",
        "what": "unmapped codes",
        "rows": 1,
        "values": 1,
    }
    assert answer.status == 2
    people = call("-C", place.home, "profile", "check")
    assert "geheim" not in people.out + json.dumps(answer.document)
    assert "does not fit" in people.out


def test_every_part_of_a_record_has_a_row_type() -> None:
    """The interface's row types and the record's parts are in step."""
    assert {table.row for table in tables()} - {"person", "employer"} <= set(PARTS)
