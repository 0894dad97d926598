"""The schema: it says what the code says, is annotated, and its lexical forms mean the same to all who read it."""

import inspect
import re
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest
from lxml import etree
from xmlschema import XMLSchema10

from formats import record, xml, xsd
from formats.messages import Header, Message
from formats.record import Contribution, Record
from tests import builders, letters, parts

XS = "{http://www.w3.org/2001/XMLSchema}"
ROWS = sorted(xsd.TAGS, key=lambda row: row.__name__)
# Fields without a default that the schema lets be absent: people without employer, undeclared wages, unpaid months.
MAY_BE_ABSENT: dict[type, set[str]] = {Contribution: {"employerId", "wage", "received"}}


def messages() -> dict[str, Message]:
    """One message of every form that the builders make."""
    return {
        "delivery": builders.a_delivery(),
        "empty record": builders.a_delivery(record=Record(person=builders.a_person()), approvals=()),
        "working life": builders.a_delivery(record=builders.a_working_life()),
        "person without optional fields": builders.a_delivery(
            record=builders.a_record(person=builders.a_person()._replace(**dict.fromkeys(OPTIONAL_OF_PERSON, "")))
        ),
        "unpaid month": builders.a_delivery(
            record=builders.a_record(contributions=(builders.a_contribution(received="", employer_paid="0.00"),))
        ),
        "refund": builders.a_delivery(
            record=builders.a_record(contributions=(builders.a_contribution(person_paid="-560.00"),))
        ),
        "contact letter": letters.a_contact_letter(),
        "letter of little": letters.a_contact_letter(payee=None, old_office=""),
        "correction": letters.a_correction(),
        "return": letters.a_return(),
        "withdrawal": letters.a_withdrawal(),
        "reminder": letters.a_reminder(),
        "clarification": letters.a_clarification(),
        "receipt": builders.a_receipt(),
        "accepting receipt": builders.a_receipt(outcome="accepted", findings=()),
        "receipt with a checkpoint": builders.a_receipt(checkpoint=builders.CHECKPOINT),
        "receipt without a case": builders.a_receipt(header=builders.a_header(case="", answers="")),
    }


OPTIONAL_OF_PERSON = ("household_place", "personal_status", "employment_status", "first_enrolment_month")


def documents() -> tuple[etree._Element, ...]:
    """The schema documents."""
    with xsd.folder() as folder:
        return tuple(etree.fromstring(path.read_bytes()) for path in sorted(folder.glob("*.xsd")))


def attributes_of(type_name: str) -> dict[str, etree._Element]:
    """The attribute declarations of a complex type, in their order."""
    found = (document.find(f"{XS}complexType[@name='{type_name}']") for document in documents())
    (complex_type,) = [one for one in found if one is not None]
    return {str(one.get("name")): one for one in complex_type.iterfind(f"{XS}attribute")}


@pytest.mark.parametrize("row", ROWS)
def test_attributes_are_the_fields(row: type) -> None:
    """A row's attributes in the schema are its fields, in order; optional are those whose default is empty."""
    declared = attributes_of(row.__name__)
    assert tuple(declared) == xsd.ATTRIBUTES[row]
    optional = {name for name, one in declared.items() if one.get("use") != "required"}
    defaults = row._field_defaults  # type: ignore[attr-defined]  # a NamedTuple, which `type` does not say
    empty = {xsd.attribute_name(field) for field, default in defaults.items() if default == ""}
    assert optional == empty | MAY_BE_ABSENT.get(row, set())


@pytest.mark.parametrize(
    ("type_name", "optional"),
    [("DeliveryHeader", {"answers"}), ("AnswerHeader", set()), ("ReceiptHeader", {"answers", "case"})],
)
def test_header_attributes_are_the_fields(type_name: str, optional: set[str]) -> None:
    """All headers have the fields of Header; only a receipt may lack the case."""
    declared = attributes_of(type_name)
    assert tuple(declared) == tuple(xsd.attribute_name(field.name) for field in fields(Header))
    assert {name for name, one in declared.items() if one.get("use") != "required"} == optional


def test_every_declaration_is_annotated() -> None:
    """Every element and attribute has its Chinese and English name; codes have the form of LD/T 92."""
    for document in documents():
        declarations = [one for one in document.iter(f"{XS}element", f"{XS}attribute") if one.get("name")]
        assert len(declarations) > 10
        for one in declarations:
            languages = [
                text.get("{http://www.w3.org/XML/1998/namespace}lang") for text in one.iter(f"{XS}documentation")
            ]
            assert languages == ["zh", "en"], one.get("name")
            codes = [code.text or "" for code in one.iter(f"{XS}appinfo")]
            assert all(re.fullmatch("[A-Z]{3}[0-9]{3}", code) for code in codes), one.get("name")


def test_every_simple_type_says_what_it_takes() -> None:
    """Every simple type has the words in which a finding says what was expected."""
    for document in documents():
        for one in document.iter(f"{XS}simpleType"):
            assert one.findtext(f"{XS}annotation/{XS}documentation"), one.get("name")


CODED = ("formats.record", "formats.information_form")


@pytest.mark.parametrize("row", [row for row in ROWS if row.__module__ in CODED])
def test_codes_are_those_beside_the_fields(row: type) -> None:
    """The code in a declaration's appinfo is the one beside the field."""
    beside = dict(re.findall(r"^    (\w+): str.*?# ([A-Z]{3}[0-9]{3})", inspect.getsource(row), re.MULTILINE))
    declared = {name: one.findtext(f"{XS}annotation/{XS}appinfo") for name, one in attributes_of(row.__name__).items()}
    assert {xsd.attribute_name(field): code for field, code in beside.items()} == {
        name: code for name, code in declared.items() if code
    }


# type -> texts that it takes, texts that it does not
LEXICAL: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "version": (("1.0", "1.10", "1.9999"), ("1", "2.0", "1.01", "01.0", "1.", "1.0.0", "1.99999")),
    "money": (
        ("0.00", "-0.00", "7416.25", "-560.00", "9999999999999.99"),
        (
            "0",
            ".50",
            "1.5",
            "1.005",
            "+1.00",
            "01.00",
            "1,000.00",
            "1e3",
            "10000000000000.00",
            " 1.00",
            "1.00 ",
            "１.00",
        ),
    ),
    "rate": (("0.0800", "1.0000"), ("0.08", "8.00", ".0800", "-0.0800", "10.0000")),
    "accountRate": (("0.066900",), ("0.0669", "6.69")),
    "month": (
        ("2021-01", "1998-12", "1000-10"),
        ("2021-00", "2021-13", "2021-1", "202101", "2021-01-01", "0021-01", "3021-01", "2021-01 ", "2021-01\n"),
    ),
    "date": (
        ("2021-01-31", "2021-04-30", "2024-02-29", "2000-02-29", "1996-02-29", "2021-02-28"),
        (
            "2021-02-29",
            "1900-02-29",
            "2100-02-29",
            "2021-04-31",
            "2021-06-31",
            "2021-01-32",
            "2021-01-00",
            "2021-13-01",
            "20210101",
            "2021-1-1",
            "2021-01-01Z",
            " 2021-01-01",
            "2021-01-01T00:00:00Z",
        ),
    ),
    "year": (("2021",), ("21", "20211", "0999")),
    "count": (("0", "12", "9999"), ("", "00", "-1", "1.0", "10000")),
    "flag": (("0", "1"), ("2", "true", "")),
    "kind": (("110",), ("11", "1100", "abc")),
    "division": (("330106",), ("033010", "33010", "3301060")),
    "digit": (("0", "9"), ("", "10", "x", "١")),
    "twoDigits": (("01", "97"), ("1", "001")),
    "sixDigits": (("100011",), ("10001",)),
    "shortCode": (("1", "0173"), ("", "12345", "A")),
    "industry": (("C", "C33", "0610"), ("", "c", "制造")),
    "country": (("CHN", "HKG"), ("chn", "CN", "CHNA")),
    "creditCode": (("91330106MA2CXQ1129",), ("91330106MA2CXQ112", "91330106ma2cxq1129")),
    "identifier": (("1", "A-1/2.3_(4)", "9" * 32), ("", "9" * 33, "a b", "单位")),
    "topic": (("deemed-service",), ("", "Deemed", "1a", "a b")),
    "documentNumber": (("军字第1234号", "x" * 32), ("", "x" * 33)),
    "name": (("周明远", "阿卜杜拉·买买提", "𬀩" * 128), ("", "x" * 129)),
    "remark": (("x\ny", "x" * 4000), ("", "x" * 4001)),
}


@pytest.mark.parametrize("name", LEXICAL)
def test_lexical_forms(name: str, tmp_path: Path) -> None:
    """Each type takes and refuses what it says, in libxml2, in xmlschema and, for columns, in `re`."""
    with xsd.folder() as folder:
        probe = tmp_path / "probe.xsd"
        probe.write_text(
            f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:r="{xsd.RECORD_NAMESPACE}">'
            f'<xs:import namespace="{xsd.RECORD_NAMESPACE}" schemaLocation="{(folder / "record-1.xsd").as_uri()}"/>'
            f'<xs:element name="probe"><xs:complexType><xs:attribute name="a" type="r:{name}"/></xs:complexType>'
            "</xs:element></xs:schema>"
        )
        libxml2, pure = etree.XMLSchema(file=str(probe)), XMLSchema10(str(probe))
    patterns = {column.pattern for column in xsd.columns(Contribution) if column.name in COLUMN_OF.get(name, ())}
    for verdict, texts in zip((True, False), LEXICAL[name], strict=True):
        for text in texts:
            element = etree.Element("probe", a=text)
            assert libxml2.validate(element) is verdict, text
            assert pure.is_valid(element) is verdict, text
            assert all((pattern.fullmatch(text) is not None) is verdict for pattern in patterns), text


COLUMN_OF = {
    "money": ("base", "wage"),
    "rate": ("employerRate",),
    "month": ("month",),
    "date": ("received",),
    "kind": ("kind",),
    "division": ("division",),
    "twoDigits": ("contributionType",),
    "identifier": ("employerId",),
}


def test_columns_admit_no_markup() -> None:
    """No value that a column takes could be markup or need to be unescaped: the proof in bulk.py rests on it."""
    assert len(xsd.columns(Contribution)) == len(Contribution._fields)
    for column in xsd.columns(Contribution):
        for character in "<&\"'>\t\n\r":
            valid = dict(zip(xsd.ATTRIBUTES[Contribution], builders.a_contribution(), strict=True))[column.name]
            spoiled = (character, character + valid, valid + character, valid[:2] + character + valid[2:])
            assert not any(column.pattern.fullmatch(text) for text in spoiled), column.name


def test_type_without_pattern_cannot_be_a_column() -> None:
    """A column's type must have a pattern: the person's name has none."""
    with pytest.raises(ValueError, match="name has no pattern"):
        xsd.columns(record.Person)


def test_xmllint_accepts_what_we_write(tmp_path: Path) -> None:
    """xmllint, which is not ours, finds every message valid that the builders make."""
    xmllint = parts.need("xmllint")
    files = []
    for name, message in messages().items():
        files.append(tmp_path / f"{name.replace(' ', '-')}.xml")
        files[-1].write_bytes(xml.encode(message))
    with xsd.folder() as folder:
        command = [xmllint, "--noout", "--nonet", "--schema", str(folder / "message-1.xsd"), *map(str, files)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
