"""GB/T 40217-2021: a record becomes the interface's documents and the same record again, as far as they carry it."""

import csv
import io
import re
import zipfile
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.codes import insurance_kinds
from formats.decoding import Limits
from formats.errors import RefusedError
from formats.identifiers import is_resident_number
from formats.interface import container, gbt40217
from formats.interface.checking import check
from formats.interface.gbt40217 import NAMESPACE, PARTS, tables, uncarried
from formats.interface.reading import read
from formats.interface.values import fits, spoilt
from formats.interface.writing import write
from formats.profile import ROW_TYPES
from formats.record import Record
from formats.xsd import attribute_name
from tests.builders import (
    a_benefit,
    a_contribution,
    a_person,
    a_record,
    an_account_year,
    an_employer,
    an_enrolment,
)
from tests.parts import ROOT

ON = date(2026, 11, 23)
SSN = "330106198503171212"
PENSION = {"110", "120", "170"}


def spoken(record: Record) -> Record:
    """What the interface carries of a record, by its own list of what it does not."""
    lost = uncarried(record)
    parts: dict[str, Any] = {}
    for row, part in PARTS.items():
        known = any(table.row == row for table in tables())
        parts[part] = tuple(
            sorted(_less(row, one, lost) for one in getattr(record, part) if known and one.kind in PENSION)
        )
    named = {one.employer_id for part in ("enrolments", "contributions") for one in parts[part]}
    employers = tuple(sorted(_less("employer", one, lost) for one in record.employers if one.employer_id in named))
    return Record(_less("person", record.person, lost), employers, **parts)


def _less(row: str, one: Any, lost: Any) -> Any:
    return one._replace(**{name: "" for name in one._fields if f"{row}.{attribute_name(name)}" in lost})


def document(root: str, rows: str, declaration: str = '<?xml version="1.0" encoding="GB18030"?>') -> bytes:
    """A document by hand."""
    return f'{declaration}<{root} xmlns="{NAMESPACE}">{rows}</{root}>'.encode("gb18030")


def person(more: str = "", number: str = SSN) -> bytes:
    """人员信息 with one person."""
    return document("人员信息", f"<个人基本><社会保障号码>{number}</社会保障号码>{more}</个人基本>")


def contribution(**changes: str) -> bytes:
    """人员缴费 with one month, with other values for some elements."""
    values = {"社会保障号码": SSN, "险种类型": "110", "应缴年月": "202101", "单位实缴": "1120"} | changes
    cells = "".join(f"<{name}>{value}</{name}>" for name, value in values.items() if value)
    return document("人员缴费", f"<职工个人征缴>{cells}</职工个人征缴>")


def test_a_record_comes_back() -> None:
    """What was written is read as the same record, without what is listed as not carried, and nothing is found wrong."""
    record = a_record(
        person=a_person(retirement_date="2021-12-31", death_date="2022-01-05"),
        benefits=(a_benefit(kind="110", item="100011"), a_benefit()),
    )
    found = read(write(record).values())
    assert found.records == (spoken(record),)
    assert (found.findings, found.kept_out, dict(found.unread)) == ((), 0, {})
    assert found.rows == {
        "person": 3,
        "employer": 1,
        "enrolment": 1,
        "contribution": 12,
        "accountYear": 1,
        "benefit": 1,
    }


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Co"]), min_size=1, max_size=20).filter(
    lambda text: text == text.strip(" ") and not re.search("[\ufffe\uffff]", text)
)
MONEY = st.integers(0, 10**12).map(lambda fen: f"{fen // 100}.{fen % 100:02}")


@given(name=TEXT, amount=MONEY, kind=st.sampled_from(sorted(PENSION)), statuses=st.sampled_from("0124"))
def test_any_value_comes_back(name: str, amount: str, kind: str, statuses: str) -> None:
    """Names of whatever characters, amounts, kinds and statuses come back to the last digit, through GB 18030."""
    record = Record(
        person=a_person(name=name),
        employers=(an_employer(name=name),),
        enrolments=(an_enrolment(kind=kind, enrolment_status=statuses, base=amount),),
        contributions=(a_contribution("110", employer_paid=amount)._replace(kind=kind),),
        account=(an_account_year(kind=kind, opening=amount),),
    )
    assert read(write(record).values()).records == (spoken(record),)


def test_nothing_is_lost_unlisted() -> None:
    """Each row and value of a full record is in a document, or in the list of what the interface does not carry."""
    record = a_record()
    lost = uncarried(record)
    assert lost["contribution"] == 24
    assert {"subsidy", "benefit", "monthTotal", "entry", "person.nationality", "contribution.wage"} <= set(lost)
    (read_again,) = read(write(record).values()).records
    for row, one, again in (
        ("person", record.person, read_again.person),
        ("contribution", record.contributions[0], read_again.contributions[0]),
    ):
        lists = {
            f"{row}.{attribute_name(name)}"
            for name, value, found in zip(one._fields, one, again, strict=True)
            if value != found
        }
        assert lists == {name for name in lost if name.startswith(f"{row}.")}


def test_the_written_documents_are_the_standards_as_far_as_known() -> None:
    """Roots are the classes of information, the namespace is the standard's, `locID` the element's six digits."""
    documents = write(a_record())
    assert set(documents) == {"单位信息", "人员信息", "参保信息", "人员缴费"}
    text = documents["人员信息"].decode("gb18030")
    assert text.startswith('<?xml version="1.0" encoding="GB18030"?>\n<人员信息 xmlns="http://sxbw.audit.gov.cn/')
    assert f'<社会保障号码 locID="003002">{SSN}</社会保障号码>' in text
    assert '<个人参保状态 locID="004003">暂停参保</个人参保状态>' in documents["参保信息"].decode("gb18030")
    assert "<到账日期>20210120</到账日期>" in documents["人员缴费"].decode("gb18030")


def test_the_dictionary_is_whole() -> None:
    """Every table and element says whether it is the standard's or inferred; fields exist; formats and ids have a form."""
    folder = ROOT / "formats" / "interface" / "tables"
    for name in ("tables", "elements"):
        rows = list(csv.DictReader((folder / f"{name}.csv").read_text(encoding="utf-8").splitlines()))
        assert all(row["certainty"] in ("listed", "unsure") for row in rows)
        assert all(row["note"] for row in rows if row["certainty"] == "unsure")
    for table in tables():
        names = {attribute_name(field) for field in ROW_TYPES[table.row]._fields}
        people = {f"person.{attribute_name(field)}" for field in ROW_TYPES["person"]._fields}
        for element in table.elements:
            assert element.field in names | people, element
            assert re.fullmatch(r"[0-9]{6}|", element.id)
            assert isinstance(fits("0", element.format), bool)  # ValueError where the format is none
        assert len({element.field for element in table.elements}) == len(table.elements)
        assert set(table.kinds) <= set(insurance_kinds())


@pytest.mark.parametrize(
    ("record", "code", "place"),
    [
        (a_record(person=a_person(name="周\ue123")), "S466", "个人基本[1]/姓名"),
        (a_record(person=a_person(name="周\x01")), "R030", "个人基本[1]/姓名"),
        (a_record(person=a_person(name="长" * 65)), "S462", "个人基本[1]/姓名"),
        (a_record(enrolments=(an_enrolment(enrolment_status="7"),)), "S462", "人员参保[1]/个人参保状态"),
    ],
)
def test_what_the_interface_cannot_say_is_refused(record: Record, code: str, place: str) -> None:
    """A value without a place in the format is refused by name of its element, and is not in the error."""
    with pytest.raises(RefusedError) as caught:
        write(record)
    assert caught.value.code == code
    assert caught.value.detail.startswith(place)
    assert "周" not in caught.value.detail


@pytest.mark.parametrize("encoding", ["GB 18030", "gb18030", "GBK", "GB2312", "UTF-8"])
def test_encodings_as_they_are_met(encoding: str) -> None:
    """The blank that the published instances have in the encoding's name is taken, and other names of what it is."""
    codec = "utf-8" if encoding == "UTF-8" else "gb18030"
    text = person("<姓名>周明远</姓名>").decode("gb18030").replace('"GB18030"', f'"{encoding}"')
    (record,) = read([text.encode(codec)]).records
    assert record.person.name == "周明远"


def test_tolerances() -> None:
    """Any order, decimals without places, a month with eight digits, elements that are not known: taken, and told."""
    enrolment = f"<人员参保><险种类型>110</险种类型><首次参保年月>20210115</首次参保年月><社会保障号码>{SSN}</社会保障号码></人员参保>"
    found = read(
        [
            contribution(备注="x", 单位实缴="1120.5"),
            person("<家庭地址>y</家庭地址>"),
            document("参保信息", f"{enrolment}<未知表/>"),
        ]
    )
    (record,) = found.records
    assert record.contributions[0].employer_paid == "1120.50"
    assert record.person.first_enrolment_month == "2021-01"
    assert found.unread == {"备注": 1, "家庭地址": 1, "未知表": 1}
    assert record.enrolments[0].retired == ""  # what the interface does not say is not taken for granted


@pytest.mark.parametrize(
    ("changes", "code", "place"),
    [
        ({"应缴年月": "44197"}, "S464", "职工个人征缴[1]/应缴年月"),
        ({"应缴年月": "2021-1"}, "S464", "职工个人征缴[1]/应缴年月"),
        ({"应缴年月": "202113"}, "S462", "职工个人征缴[1]/应缴年月"),
        ({"单位实缴": "1120.555"}, "S462", "职工个人征缴[1]/单位实缴"),
        ({"单位实缴": "1,120.00"}, "S462", "职工个人征缴[1]/单位实缴"),
        ({"险种类型": "310"}, "S461", "职工个人征缴[1]/险种类型"),
        ({"单位编码": "1\ue000"}, "S466", "职工个人征缴[1]/单位编码"),
        ({"社会保障号码": "330106850317121"}, "S463", "职工个人征缴[1]/社会保障号码"),
        ({"社会保障号码": "3.30106E+17"}, "S465", "职工个人征缴[1]/社会保障号码"),
        ({"社会保障号码": "330106198503171000"}, "S465", "职工个人征缴[1]/社会保障号码"),
    ],
)
def test_a_row_in_error_keeps_its_record_out(changes: dict[str, str], code: str, place: str) -> None:
    """A value that is wrong is named by place and reason without being repeated; half a record is none."""
    found = read([person(), contribution(**changes)])
    assert found.findings[0].code == code
    assert found.findings[0].path == place
    assert not any(
        value in "".join(finding) for finding in found.findings for value in changes.values() if len(value) > 3
    )
    if "社会保障号码" not in changes:
        assert (found.records, found.kept_out) == ((), 1)
    else:  # whose it is cannot be said
        assert found.counts["S467"] == 1


def test_one_bad_record_does_not_keep_others_out() -> None:
    """People are judged one by one; rows of nobody are named; two rows of a person that disagree keep it out."""
    other = "330106198005062320"
    good = document("人员信息", f"<个人基本><社会保障号码>{other}</社会保障号码><姓名>李四</姓名></个人基本>")
    found = read([person("<姓名>周明远</姓名>"), good, contribution(应缴年月="x"), contribution(社会保障号码="X1")])
    assert [record.person.name for record in found.records] == ["李四"]
    assert (found.kept_out, found.counts["S467"], found.counts["S462"]) == (1, 1, 1)
    twice = read([person("<姓名>甲</姓名>"), person("<姓名>乙</姓名>")])
    assert (twice.records, [finding.path for finding in twice.findings]) == ((), ["个人基本[1]/name"])


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"<a/>", "S461"),
        (document("人员信息", "").replace(b"sxbw", b"xxxx"), "S461"),
        (b'<?xml version="1.0" encoding="EBCDIC"?><a/>', "S461"),
        (b'<?xml version="1.0" encoding="GB18030"?><\xff/>', "D611"),
        (b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "M151"),
        (b'<?xml version="1.0"?><a><?php x?></a>', "M151"),
        (b"<a>", "M150"),
        (b"<a>&unknown;</a>", "M150"),
        (b"", "M150"),
        (b"PK\x03\x04 and nothing more", "S461"),
    ],
)
def test_hostile_documents(data: bytes, code: str) -> None:
    """What is no document of the interface is refused by its reason, before anything is built of it."""
    with pytest.raises(RefusedError) as caught:
        read(container.unpack(data))
    assert caught.value.code == code


def test_limits() -> None:
    """Bytes, rows and members beyond the limits are refused."""
    few = Limits(document_bytes=600, rows=2)
    with pytest.raises(RefusedError, match="M152"):
        read([person("<姓名>" + "长" * 400 + "</姓名>")], few)
    with pytest.raises(RefusedError, match="M152"):
        read([document("人员信息", "<个人基本/>" * 3)], few)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.xml", b"x" * 10_000)
    with pytest.raises(RefusedError, match="M152"):
        container.unpack(buffer.getvalue(), few)
    many = container.pack({str(number): b"" for number in range(65)})
    with pytest.raises(RefusedError, match="M152"):
        container.unpack(many)


def test_a_container_comes_back() -> None:
    """The documents come out of the file as they went in, and the same record gives the same bytes."""
    documents = write(a_record())
    packed = container.pack(documents)
    assert container.unpack(packed) == tuple(documents.values())
    assert container.pack(write(a_record())) == packed
    assert zipfile.ZipFile(io.BytesIO(packed)).testzip() is None


@pytest.mark.parametrize(
    ("text", "form", "fit"),
    [
        ("202101", "C6", True),
        ("20210", "C6", False),
        ("长" * 64, "C..64", True),
        ("长" * 65, "C..64", False),
        ("", "C..64", False),
        ("120", "I..3", True),
        ("-1", "I..3", False),
        ("0.0800", "D16.4", True),
        ("0.08001", "D16.4", False),
        ("-560.00", "D16.2", True),
        ("12345678901234.56", "D16.2", False),
    ],
)
def test_formats(text: str, form: str, fit: bool) -> None:
    """A format says how many characters, digits and places a value may have."""
    assert fits(text, form) is fit


def test_a_format_that_is_none() -> None:
    """A slip in the table of elements is a mistake of the program."""
    with pytest.raises(ValueError, match="C16x"):
        fits("x", "C16x")


def test_numbers_that_end_with_zeros_by_themselves() -> None:
    """An identity number whose check digit holds is not taken for one that a spreadsheet cut."""
    assert spoilt("330106198503171000", "socialSecurityNumber", "text") == "S465"
    by_itself = next(
        number for number in (f"33010619850317{digit}000" for digit in range(1, 10)) if is_resident_number(number)
    )
    assert spoilt(by_itself, "socialSecurityNumber", "text") == ""
    assert spoilt("330106850317121", "documentNumber", "text") == ""


def test_the_person_may_have_no_row_for_a_field() -> None:
    """The first month of enrolment stands in the rows of enrolment: without one it is listed as not carried."""
    record = replace(a_record(), enrolments=())
    assert uncarried(record)["person.firstEnrolmentMonth"] == 1
    assert "person.firstEnrolmentMonth" not in uncarried(a_record())
    assert read(write(record).values()).records == (spoken(record),)
    assert gbt40217.documents() == ("单位信息", "人员信息", "参保信息", "人员缴费", "待遇支付")


def test_what_the_receiver_would_say() -> None:
    """What the interface never says is listed as missing; what it says and a file lacks, and what is wrong, is found."""
    found = read(write(a_record()).values())
    (record,) = found.records
    checked = check(record, ON, found.carried)
    assert checked.findings == ()
    assert {"person.nationality", "enrolment.retired", "accountYear.rate"} <= set(checked.missing)
    assert not set(checked.missing) & found.carried
    wrong = replace(record, person=record.person._replace(sex="", social_security_number="330106198503171213"))
    assert {(one.code, one.path.rpartition("/@")[2]) for one in check(wrong, ON, found.carried).findings} == {
        ("M160", "sex"),
        ("R001", "socialSecurityNumber"),
    }
    assert check(a_record(person=a_person(name="\x01")), ON, found.carried).findings[0].code == "R030"


def test_findings_are_bounded() -> None:
    """Of each reason the first twenty are named, all are counted."""
    rows = "".join(
        f"<职工个人征缴><社会保障号码>{SSN}</社会保障号码><险种类型>110</险种类型><应缴年月>x{number}</应缴年月></职工个人征缴>"
        for number in range(30)
    )
    found = read([person(), document("人员缴费", rows)])
    assert (len(found.findings), found.counts["S462"]) == (20, 30)
