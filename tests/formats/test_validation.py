"""What is wrong with a document, in findings: the place and the kind, never a value; and never an exception."""

import re
import time
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from formats import rules, xml
from formats.messages import Delivery, Finding
from formats.validation import check, explain
from tests import builders

ON = date(2026, 11, 22)


def spoiled(old: str, new: str, count: int = 1) -> bytes:
    """A good delivery with one text replaced."""
    text = xml.encode(builders.a_delivery()).decode()
    assert old in text
    return text.replace(old, new, count).encode()


def test_good_delivery() -> None:
    """The builders' delivery has no findings at all, and is returned."""
    delivery = builders.a_delivery()
    assert check(xml.encode(delivery), ON) == (delivery, ())


def test_working_life_is_not_refused() -> None:
    """The long record of the builders has warnings only."""
    delivery = builders.a_delivery(record=builders.a_working_life())
    message, findings = check(xml.encode(delivery), ON)
    assert message == delivery
    assert not rules.blocks(findings)


def test_receipt_has_no_rules() -> None:
    """A receipt is checked by form and schema only."""
    assert check(xml.encode(builders.a_receipt()), ON) == (builders.a_receipt(), ())


def test_rules_are_run() -> None:
    """A delivery that is valid by the schema is checked by the rules, and still returned."""
    person = builders.a_person(birth_date="1985-03-18")
    message, findings = check(xml.encode(builders.a_delivery(record=builders.a_record(person=person))), ON)
    assert isinstance(message, Delivery)
    assert "R002" in {finding.code for finding in findings}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "M150"),
        (b"<!DOCTYPE a><a/>", "M151"),
        (b"<a>" * 1000 + b"</a>" * 1000, "M152"),
        (b"<a/>", "M162"),
        (b'<delivery xmlns="urn:jiexu:message:2" version="2.0"/>', "M161"),
        (b'<delivery xmlns="urn:jiexu:message:1" version="1.0"/>', "M160"),
    ],
)
def test_refused_documents(data: bytes, code: str) -> None:
    """A document that cannot be read gives no message and findings with the code of its refusal."""
    message, findings = check(data, ON)
    assert message is None
    assert {finding.code for finding in findings} == {code}


def test_limits_are_passed_on() -> None:
    """The caller's limits hold."""
    _, findings = check(xml.encode(builders.a_delivery()), ON, xml.Limits(rows=10))
    assert [finding.code for finding in findings] == ["M152"]


ROW = "/delivery/record/contributions/contribution[2]"
PLACES = {
    "bad month": (
        spoiled('month="2021-02"', 'month="2021-13"'),
        Finding("M160", f"{ROW}/@month", "a month YYYY-MM", "text of another form"),
    ),
    "blank": (
        spoiled('month="2021-02"', 'month="2021-02 "'),
        Finding("M160", f"{ROW}/@month", "a month YYYY-MM", "blanks around the text"),
    ),
    "empty": (
        spoiled('base="7000.00"', 'base=""'),
        Finding(
            "M160",
            "/delivery/record/contributions/contribution[1]/@base",
            "an amount in yuan with two places, such as 7416.25",
            "empty text",
        ),
    ),
    "too long": (
        spoiled('name="周明远"', f'name="{"周" * 129}"'),
        Finding(
            "M160",
            "/delivery/record/registration/person/@name",
            "a name of up to 128 characters",
            "text of another form",
        ),
    ),
    "enumeration": (
        spoiled('environment="test"', 'environment="x"'),
        Finding("M160", "/delivery/header/@environment", "production or test", "text of another form"),
    ),
    "missing attribute": (
        spoiled(' month="2021-02"', ""),
        Finding("M160", f"{ROW}/@month", "an attribute", "missing attribute"),
    ),
    "unknown attribute": (
        spoiled('month="2021-02"', 'month="2021-02" 张三="1"'),
        Finding("M160", ROW, "attributes of the schema", "unknown attribute"),
    ),
    "unknown element": (
        spoiled("</other>", "<张三/></other>"),
        Finding("M160", "/delivery/record/other", "no more elements", "unknown element"),
    ),
    "wrong order": (
        spoiled("<employers>", "<enrolments/><employers>"),
        Finding("M160", "/delivery/record/registration", "employers", "enrolments in a wrong place or namespace"),
    ),
    "missing element": (
        spoiled("<approvals>", "<!--").replace(b"</approvals>", b"-->"),
        Finding("M160", "/delivery", "approvals", "record in a wrong place or namespace"),
    ),
    "incomplete": (
        b'<delivery xmlns="urn:jiexu:message:1" version="1.0" kinds="110"/>',
        Finding("M160", "/delivery", "header", "missing element"),
    ),
    "text": (
        spoiled("<other>", "<other>张三"),
        Finding("M160", "/delivery/record/other", "elements only", "text"),
    ),
    "a single row": (
        spoiled('amount="120.00"', 'amount="1"'),
        Finding(
            "M160",
            "/delivery/record/contributions/subsidy[1]/@amount",
            "an amount in yuan with two places, such as 7416.25",
            "text of another form",
        ),
    ),
}


@pytest.mark.parametrize("name", PLACES)
def test_places_and_kinds(name: str) -> None:
    """Each fault is found at its place, with what was expected and the kind of what was found."""
    data, finding = PLACES[name]
    assert check(data, ON) == (None, (finding,))
    assert explain(data) == (finding,)


def test_at_most_so_many() -> None:
    """No more findings than asked for, in the order of the document."""
    data = spoiled('wage="7000.00"', 'wage="7000"', -1)
    findings = explain(data, 5)
    assert [finding.path for finding in findings] == [
        f"/delivery/record/contributions/contribution[{number}]/@wage" for number in range(1, 6)
    ]
    assert len(explain(data)) == 20


@pytest.mark.parametrize("text", ['<person xmlns:x="urn:x" x:type="1" 名="', "周明远", "330106198503171212", "7000.00"])
def test_findings_hold_no_values(text: str) -> None:
    """Whatever stands in the document, findings are made of the schema's words only."""
    data = spoiled("<other>", f"<other><{'名'}/>").replace(
        b"2021-", text.encode().replace(b"<", b"").replace(b'"', b"")
    )
    for finding in check(data, ON)[1]:
        assert all(re.fullmatch(r"[ -~]*", part) for part in finding)
        assert "330106" not in finding.path + finding.found


def test_what_xmlschema_cannot_read() -> None:
    """A document that xmlschema stumbles over is still refused, with the place that libxml2 names."""
    xsi = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Foo"'
    message, findings = check(spoiled("<person ", f"<person {xsi} "), ON)
    assert message is None
    assert [finding.code for finding in findings] == ["M160"]


def test_large_documents_are_not_explained() -> None:
    """A document of more than 1 MB that is bad all over is refused quickly, with the kind but without places."""
    data = spoiled("<other>", "<other>" + "<entry   />" * 100_000)
    assert len(data) > 2**20
    started = time.process_time()
    _, findings = check(data, ON)
    assert time.process_time() - started < 5
    assert [finding.path for finding in findings] == [""]


def test_explaining_a_good_document() -> None:
    """There is nothing to explain in a valid document, and nothing in what is no XML."""
    assert explain(xml.encode(builders.a_delivery())) == ()
    assert explain(b"<a") == ()
    assert explain(b"\xff") == ()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_never_raises(data: st.DataObject) -> None:
    """Whatever is cut out of a document or put into it, the check answers."""
    good = xml.encode(builders.a_delivery(record=builders.a_record(contributions=(builders.a_contribution(),))))
    start = data.draw(st.integers(0, len(good)))
    end = data.draw(st.integers(start, min(len(good), start + 40)))
    junk = data.draw(
        st.one_of(st.binary(max_size=10), st.sampled_from([b"<", b"&", b'"', b"<a/>", b"</record>", b" x=''"]))
    )
    message, findings = check(good[:start] + junk + good[end:], ON)
    assert message is not None or findings
