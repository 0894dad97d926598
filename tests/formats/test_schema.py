"""The schema: it says what the code says, is annotated, and two validators and the short way agree on it."""

import inspect
import re
import subprocess
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest
from lxml import etree
from xmlschema import XMLSchema10, XMLSchemaException

from formats import bulk, record, xml, xsd
from formats.errors import RefusedError
from formats.messages import Header, Message
from formats.record import Contribution, Record
from tests import builders, parts

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
        "receipt": builders.a_receipt(),
        "accepting receipt": builders.a_receipt(outcome="accepted", findings=()),
        "receipt without a case": builders.a_receipt(header=builders.a_header(case="", answers="")),
    }


OPTIONAL_OF_PERSON = ("household_place", "personal_status", "employment_status", "first_enrolment_month")


def documents() -> tuple[etree._Element, ...]:
    """The two schema documents."""
    with xsd.folder() as folder:
        return tuple(etree.fromstring((folder / name).read_bytes()) for name in ("record-1.xsd", "message-1.xsd"))


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
    ("type_name", "optional"), [("DeliveryHeader", {"answers"}), ("ReceiptHeader", {"answers", "case"})]
)
def test_header_attributes_are_the_fields(type_name: str, optional: set[str]) -> None:
    """Both headers have the fields of Header; only a receipt may lack the case."""
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


@pytest.mark.parametrize("row", [row for row in ROWS if row.__module__ == "formats.record"])
def test_codes_are_those_of_the_record(row: type) -> None:
    """The code in a declaration's appinfo is the one beside the field in record.py."""
    assert inspect.getmodule(row) is record
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


def swap(old: str, new: str) -> Callable[[str], str]:
    """A mutation that replaces one text, once."""

    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return change


XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
FOREIGN = 'xmlns:n="urn:n"'

# name -> (change of a delivery, whether it stays valid)
MUTATIONS: dict[str, tuple[Callable[[str], str], bool]] = {
    "nothing": (lambda text: text, True),
    "comment": (swap("<approvals>", "<!-- x --><approvals>"), True),
    "comment in the rows": (swap("\n<contribution ", "\n<!-- x -->\n<contribution "), True),
    "blank lines": (lambda text: text.replace("\n", "\n\n  "), True),
    "no line breaks": (lambda text: text.partition("?>")[0] + "?>" + text.partition("?>")[2].replace("\n", ""), True),
    "no declaration": (lambda text: text.partition("?>")[2].lstrip(), True),
    "standalone": (swap('"UTF-8"?>', '"UTF-8" standalone="yes"?>'), True),
    "later minor": (swap('version="1.0" kinds', 'version="1.7" kinds'), True),
    "later minor of the record": (swap('record:1" version="1.0"', 'record:1" version="1.7"'), True),
    "foreign attribute of a row": (swap("<contribution ", f'<contribution {FOREIGN} n:a="1" '), True),
    "foreign attribute of the root": (swap("<delivery ", f'<delivery {FOREIGN} n:a="1" '), True),
    "extension of a group": (swap("</benefits>", f"<extension><n:a {FOREIGN}/></extension></benefits>"), True),
    "extension of the record": (
        swap("</record>", f"<extension {FOREIGN} n:x='1'><n:a><b/></n:a></extension></record>"),
        True,
    ),
    "schema location": (swap("<delivery ", f'<delivery {XSI} xsi:schemaLocation="urn:jiexu:message:1 x.xsd" '), True),
    "no approvals": (lambda text: re.sub("<approvals>.*</approvals>", "<approvals/>", text, flags=re.DOTALL), True),
    "no benefits": (lambda text: re.sub("<benefits>.*</benefits>", "<benefits/>", text, flags=re.DOTALL), True),
    "no contributions": (lambda text: re.sub("\n<contribution .*?/>", "", text), True),
    "attributes in another order": (swap('kind="110" month="2021-01"', 'month="2021-01" kind="110"'), True),
    "closing tag of a row": (swap('received="2021-01-20"/>', 'received="2021-01-20"></contribution>'), True),
    "character reference": (swap('month="2021-01"', 'month="2021-0&#x31;"'), True),
    "contribution without employer": (
        swap(
            ' contributionType="10" division="330106" employerId="3301060001"',
            ' contributionType="10" division="330106"',
        ),
        True,
    ),
    "missing root attribute": (swap(' kinds="110 210 310"', ""), False),
    "missing header attribute": (swap(' sequence="1"', ""), False),
    "missing row attribute": (swap(' settled="2021-01"', ""), False),
    "missing last row attribute of the person": (swap(' nationality="CHN"', ""), False),
    "empty required attribute": (swap('settled="2021-01"', 'settled=""'), False),
    "empty optional attribute": (swap('received="2021-01-20"', 'received=""'), False),
    "unknown attribute of a row": (swap("<contribution ", '<contribution bonus="1" '), False),
    "unknown attribute of the record": (swap("<record ", '<record sealed="1" '), False),
    "attribute in the record's namespace": (
        swap("<contribution ", '<contribution xmlns:r="urn:jiexu:record:1" r:kind="110" '),
        False,
    ),
    "attribute with another case": (swap(" wage=", " Wage="), False),
    "bad month": (swap('month="2021-01"', 'month="2021-13"'), False),
    "month as date": (swap('month="2021-01"', 'month="2021-01-01"'), False),
    "month with a blank": (swap('month="2021-01"', 'month="2021-01 "'), False),
    "month with a line break": (swap('month="2021-01"', 'month="2021-01&#10;"'), False),
    "bad date": (swap('received="2021-02-20"', 'received="2021-02-30"'), False),
    "29 February of a common year": (swap('received="2021-02-20"', 'received="2021-02-29"'), False),
    "money without decimals": (swap('base="7000.00"', 'base="7000"'), False),
    "money with three decimals": (swap('base="7000.00"', 'base="7000.001"'), False),
    "money with a comma": (swap('base="7000.00"', 'base="7,000.00"'), False),
    "money as a word": (swap('base="7000.00"', 'base="NaN"'), False),
    "rate in per cent": (swap('personRate="0.0800"', 'personRate="8.00"'), False),
    "kind of four digits": (swap('kind="110" month', 'kind="1100" month'), False),
    "kinds with two blanks": (swap('kinds="110 210', 'kinds="110  210'), False),
    "kinds empty": (swap('kinds="110 210 310"', 'kinds=""'), False),
    "full-width digit": (swap('month="2021-01"', 'month="２021-01"'), False),
    "text in a row": (swap('received="2021-01-20"/>', 'received="2021-01-20">x</contribution>'), False),
    "element in a row": (swap('received="2021-01-20"/>', 'received="2021-01-20"><x/></contribution>'), False),
    "text between rows": (swap("\n<contribution ", "\nx<contribution "), False),
    "text in a group": (swap("<benefits>", "<benefits>x"), False),
    "CDATA text in a group": (swap("<benefits>", "<benefits><![CDATA[x]]>"), False),
    "missing group": (lambda text: re.sub("<benefits>.*</benefits>", "", text, flags=re.DOTALL), False),
    "missing person": (lambda text: re.sub("<person .*?/>", "", text), False),
    "missing header": (lambda text: re.sub("<header .*?/>", "", text), False),
    "missing record": (lambda text: re.sub("<record .*</record>", "", text, flags=re.DOTALL), False),
    "two records": (lambda text: re.sub("(<record .*</record>)", r"\1\1", text, flags=re.DOTALL), False),
    "two persons": (lambda text: re.sub("(<person .*?/>)", r"\1\1", text), False),
    "two groups of contributions": (swap("</contributions>", "</contributions><contributions/>"), False),
    "groups in the wrong order": (
        lambda text: re.sub("(<benefits>.*</benefits>)(.*)(<other>)", r"\2\1\3", text, flags=re.DOTALL),
        False,
    ),
    "subsidy before contributions": (
        lambda text: re.sub("(\n<contribution .*/>)(\n<subsidy .*?/>)", r"\2\1", text, flags=re.DOTALL),
        False,
    ),
    "contribution among benefits": (
        lambda text: re.sub("(\n<contribution [^>]*/>)(.*<benefits>)", r"\2\1", text, count=1, flags=re.DOTALL),
        False,
    ),
    "extension of the delivery": (swap("</delivery>", "<extension><a xmlns='urn:n'/></extension></delivery>"), True),
    "empty extension": (swap("</other>", "<extension/></other>"), True),
    "extension before a row": (swap("<benefits>", "<benefits><extension/>"), False),
    "two extensions": (swap("</benefits>", "<extension/><extension/></benefits>"), False),
    "own element in an extension": (swap("</benefits>", "<extension><benefit/></extension></benefits>"), False),
    "text in an extension": (swap("</benefits>", "<extension>x</extension></benefits>"), True),
    "foreign element outside an extension": (swap("</benefits>", f"<n:a {FOREIGN}/></benefits>"), False),
    "unknown row": (swap("</other>", "<gossip/></other>"), False),
    "unknown group": (swap("</record>", "<gossip/></record>"), False),
    "foreign element before a row": (swap("<benefits>", f"<benefits><n:a {FOREIGN}/>"), False),
    "element without namespace": (swap("</record>", '<a xmlns=""/></record>'), False),
    "record in the message's namespace": (swap(' xmlns="urn:jiexu:record:1"', ""), False),
    "row in another namespace": (swap("<contribution ", '<contribution xmlns="urn:n" '), False),
    "extension before the record": (swap("<record ", f"<n:a {FOREIGN}/><record "), False),
    "unknown xsi:type": (swap("<person ", f'<person {XSI} xsi:type="Foo" '), False),
    "xsi:nil": (swap("<person ", f'<person {XSI} xsi:nil="true" '), False),
    "unknown environment": (swap('environment="test"', 'environment="staging"'), False),
    "unknown stage": (swap('stage="handler"', 'stage="boss"'), False),
    "upper-case message id": (swap('messageId="6f1c2f0e', 'messageId="6F1C2F0E'), False),
    "sequence zero": (swap('sequence="1"', 'sequence="0"'), False),
    "sequence of 19 digits": (swap('sequence="1"', f'sequence="{"1" * 19}"'), False),
    "time with an offset": (swap('sent="2026-11-22T08:00:00Z"', 'sent="2026-11-22T08:00:00+08:00"'), False),
    "time at 24 hours": (swap('sent="2026-11-22T08:00:00Z"', 'sent="2026-11-22T24:00:00Z"'), False),
    "name too long": (swap('name="周明远"', f'name="{"周" * 129}"'), False),
    "sender of seven digits": (swap('sender="33010001"', 'sender="3301000"'), False),
    "version without minor": (swap('version="1.0" kinds', 'version="1" kinds'), False),
    "next major": (swap('version="1.0" kinds', 'version="2.0" kinds'), False),
    "next namespace": (swap("urn:jiexu:message:1", "urn:jiexu:message:2"), False),
}


@pytest.fixture(scope="module")
def pure_schema() -> XMLSchema10:
    """The schema as xmlschema reads it."""
    with xsd.folder() as folder:
        return XMLSchema10(str(folder / "message-1.xsd"), allow="local")


@pytest.mark.parametrize("name", MUTATIONS)
def test_validators_agree(name: str, pure_schema: XMLSchema10) -> None:
    """libxml2 on a tree, xmlschema, decode by the short way and decode by the long way give the same verdict."""
    change, valid = MUTATIONS[name]
    original = xml.encode(builders.a_delivery()).decode()
    text = change(original)
    assert text != original or name == "nothing"
    assert xsd.schema().validate(etree.fromstring(text.encode())) is valid
    assert accepts(pure_schema, text) is valid
    assert decodes(text) is valid
    assert decodes(text.replace("<approvals", "<!-- -->\n<approvals", 1)) is valid


def test_mutations_reach_the_short_way() -> None:
    """Bad rows in the plain form are not lifted; what is bad elsewhere is judged with the rows lifted."""
    text = xml.encode(builders.a_delivery()).decode()
    lifted = {name for name, (change, _) in MUTATIONS.items() if bulk.lift(change(text).encode()) is not None}
    assert {"nothing", "missing person", "text in a group"} <= lifted
    assert not {"bad month", "bad date", "empty optional attribute", "full-width digit", "text between rows"} & lifted


def accepts(pure: XMLSchema10, text: str) -> bool:
    """The verdict of xmlschema; it raises where a type named in the document does not exist."""
    try:
        return bool(pure.is_valid(text.partition("?>")[2] if text.startswith("<?") else text))
    except XMLSchemaException:
        return False


def decodes(text: str) -> bool:
    """The verdict of `decode`; what it refuses, it refuses at the schema's step."""
    try:
        xml.decode(text.encode())
    except RefusedError as refused:
        return refused.reason.step != "schema"
    return True
