"""The form: every word in three languages, what is in scope and nothing else, figures exact, hostile values harmless."""

import csv
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree, html

from formats import xml
from formats.codes import LISTS, code_list
from formats.encoding import encode_record
from formats.errors import RefusedError
from formats.forms import forms
from formats.forms.forms import View
from formats.groups import GROUPS
from formats.reasons import LANGUAGES, Language
from tests import builders as a
from tests.letters import an_information_form
from tests.parts import ROOT

FOLDER = ROOT / "formats/forms"
XS = "{http://www.w3.org/2001/XMLSchema}"
ROWS = {
    "Person": "person",
    "Employer": "employer",
    "Enrolment": "enrolment",
    "Contribution": "contribution",
    "Subsidy": "subsidy",
    "Benefit": "benefit",
    "MonthTotal": "monthTotal",
    "AccountYear": "accountYear",
    "OtherEntry": "entry",
    "DeliveryHeader": "header",
    "Approval": "approval",
    "FormSums": "sums",
    "FormPeriod": "period",
}
SECTIONS = ["transfer", "person", "employers", "enrolments", "contributions", "subsidies", "benefits", "months",
            "account", "other", "approvals"]  # fmt: skip
OF_GROUP = {
    "registration": {"employers", "enrolments"},
    "contributions": {"contributions", "subsidies"},
    "benefits": {"benefits"},
    "account": {"months", "account"},
    "other": {"other"},
}


def page(document: bytes, language: Language = "en", view: View = forms.EVERYTHING) -> Any:
    """The parsed page."""
    return html.document_fromstring(forms.html(document, language, view))


def words(element: Any) -> str:
    """The text of an element with single blanks."""
    return " ".join(element.text_content().split())


def section(document: Any, name: str) -> Any:
    """The section with this id."""
    (found,) = document.xpath(f"//section[@id='{name}']")
    return found


def table(name: str) -> list[dict[str, str]]:
    """The rows of a CSV file of the form."""
    return list(csv.DictReader((FOLDER / name).read_text(encoding="utf-8").splitlines()))


# --- the words


def test_every_word_is_there_in_three_languages() -> None:
    """No label, word or name of a code is empty in any language, and no key stands twice."""
    for name, key in (("fields.csv", ("row", "attribute", "code")), ("texts.csv", ("key",))):
        rows = table(name)
        assert [row for row in rows if not all(row[language].strip() for language in LANGUAGES)] == []
        keys = [tuple(row[part] for part in key) for row in rows]
        assert len(set(keys)) == len(keys)


def test_labels_are_those_of_the_schema() -> None:
    """Chinese names and codes of LD/T 92 stand in the form as they stand in the schema."""
    known = {}
    for file in ("record-1", "message-1", "form-1"):
        for kind in etree.parse(ROOT / f"formats/schema/{file}.xsd").iterfind(f"{XS}complexType"):
            for item in kind.iterfind(f"{XS}attribute"):
                note = item.find(f"{XS}annotation")
                assert note is not None
                code, chinese = note.findtext(f"{XS}appinfo") or "", note.findtext(f"{XS}documentation")
                known[ROWS.get(str(kind.get("name")), ""), item.get("name")] = (code, chinese)
    shown = {
        (row["row"], row["attribute"]): (row["code"], row["zh"])
        for row in table("fields.csv")
        if row["shape"] != "months"
    }
    assert {key: value for key, value in shown.items() if known[key] != value} == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_delivery_shows_its_information_forms(language: Language) -> None:
    """Form one with its sums, form two a row a period, where contributions and account are in scope; else nothing."""
    document = xml.encode(a.a_delivery(forms=(an_information_form(),)))
    (form,) = page(document, language).xpath("//section[@class='form']")
    assert "17043.53" in words(form)
    assert len(form.xpath(".//tbody/tr")) == 2
    assert not page(document, language, View(groups=("account",))).xpath("//section[@class='form']")
    assert not page(xml.encode(a.a_delivery()), language).xpath("//section[@class='form']")


def test_every_code_has_a_korean_name() -> None:
    """Each code of each list is named in Korean, and nothing else is."""
    named = {(row["list"], row["code"]) for row in table("names_ko.csv")}
    assert named == {(name, code) for name in LISTS for code in code_list(name)}


@pytest.mark.parametrize(
    ("language", "told"),
    [
        (
            "zh",
            [
                "社会保险个人权益记录",
                "缴费明细",
                "企业职工基本养老保险 110",
                "男 1",
                "汉族 01",
                "初审 handler",
                "西湖区 330106",
            ],
        ),
        (
            "ko",
            [
                "사회보험 개인권익기록",
                "보험료 납부 내역",
                "기업 종업원 기본양로보험 110",
                "남 1",
                "한족 01",
                "1차 심사 handler",
            ],
        ),
        ("en", ["Personal Social Insurance Rights Record", "Contributions", "employees' basic medical 310", "male 1"]),
    ],
)
def test_the_form_speaks_three_languages(language: Language, told: list[str]) -> None:
    """Title, headings and names of codes are in the language, each label with its code."""
    shown = page(xml.encode(a.a_delivery()), language)
    text = words(shown.body)
    assert [item for item in told if item not in text] == []
    assert shown.get("lang") == language
    assert "AAC002" in text
    assert "AAE140" in text


# --- what is in it


def test_every_part_of_a_delivery_has_its_section() -> None:
    """Transfer, person, the five groups and the approvals, in this order."""
    shown = page(xml.encode(a.a_delivery()), view=View(facts=(("fact.digest", "ab" * 32),)))
    assert shown.xpath("//section/@id") == SECTIONS
    assert len(shown.xpath("//section/h2")) == len(SECTIONS)
    for value in (a.CASE, a.SENDER, a.RECEIVER, "ab" * 32, a.PERSON, "周明远", "6.69 %", "6963.52"):
        assert value in words(shown.body)
    assert [words(row[0]) for row in section(shown, "approvals").xpath(".//tbody/tr")] == [
        "initial review handler",
        "review reviewer",
        "recheck rechecker",
        "approval approver",
    ]


@pytest.mark.parametrize("group", GROUPS)
def test_only_groups_in_scope_are_rendered(group: str) -> None:
    """Of a document that holds everything only the group asked for is on the page, and it says that it is limited."""
    shown = page(encode_record(a.a_record()), view=View((group,), lookup=True))
    assert set(shown.xpath("//section/@id")) == {"person"} | OF_GROUP[group]
    assert "art. 22" in words(shown.body)
    assert ("236.50" in words(shown.body)) == (group == "benefits")
    assert ("户籍由农业" in words(shown.body)) == (group == "other")


def test_a_person_without_values_is_left_out() -> None:
    """Where not even the person is in scope there is no section for one."""
    nobody = a.a_person()._replace(**dict.fromkeys(a.a_person()._fields, ""))
    shown = page(encode_record(a.a_record(person=nobody)), view=View(("benefits",), lookup=True))
    assert shown.xpath("//section/@id") == ["benefits"]


def test_months_that_are_alike_are_one_row() -> None:
    """A year of equal months is one row with range, number and sums; a gap and another base begin others."""
    rows = (
        *(a.a_contribution("110", month) for month in a.months("2020-11", 4)),
        a.a_contribution("110", "2021-04"),
        *(a.a_contribution("110", month, 8000_00) for month in a.months("2021-05", 2)),
    )
    shown = section(page(encode_record(a.a_record(contributions=rows))), "contributions")
    found = [[words(cell) for cell in row] for row in shown.xpath(".//tbody/tr")]
    assert [(row[0], row[1]) for row in found] == [
        ("2020-11 – 2020-12", "2"),
        ("2020 total", "2"),
        ("2021-01 – 2021-02, 2021-04", "3"),
        ("2021-05 – 2021-06", "2"),
        ("2021 total", "5"),
        ("Total", "7"),
    ]
    heads = [words(cell).split(" AA")[0] for cell in shown.xpath(".//thead/tr/th")]
    paid = [row[heads.index("paid by employer")] for row in found]
    assert paid == ["2240.00", "2240.00", "3360.00", "2560.00", "5920.00", "8160.00"]
    assert found[2][heads.index("base")] == "7000.00"


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(-(10**15) + 1, 10**15 - 1), min_size=1, max_size=12))
def test_sums_are_exact(fens: list[int]) -> None:
    """The total of any amounts that the schema allows is exact to the fen."""
    rows = tuple(
        a.a_contribution("110", month, employer_paid=a.money(fen), received=f"{month}-01")
        for month, fen in zip(a.months("2021-01", len(fens)), fens, strict=True)
    )
    shown = section(page(encode_record(a.a_record(contributions=rows))), "contributions")
    total = shown.xpath(".//tbody[@class='all']/tr/td[@data-label='paid by employer']")[0]
    assert words(total) == a.money(sum(fens))


def test_an_empty_record_says_so() -> None:
    """A part without rows says that there are none; nothing fails."""
    shown = page(encode_record(a.Record(a.a_person())))
    assert [words(item) for item in shown.xpath("//p[@class='none']")] == ["No rows"] * 8


def test_a_lookup_says_only_that_nothing_is_in_its_scope() -> None:
    """What a period or a kind leaves out may be there: the page of a lookup does not deny it."""
    shown = page(encode_record(a.Record(a.a_person())), view=View(("contributions", "benefits"), lookup=True))
    assert [words(item) for item in shown.xpath("//p[@class='none']")] == ["No rows within the scope"] * 3


# --- what must not happen

HOSTILE = "<script>alert(1)</script>&amp;\"' onload=x <!-- ]]> --></td></style>"


def test_hostile_values_are_text() -> None:
    """Names, remarks, employers and facts with markup in them are shown as they are; no element comes of them."""
    delivery = a.a_delivery(
        record=a.a_record(
            person=a.a_person(name=HOSTILE),
            employers=(a.an_employer(name=HOSTILE),),
            other=(a.an_entry(text=HOSTILE),),
            contributions=(a.a_contribution(employer_id=HOSTILE, contribution_type=HOSTILE),),
        )
    )
    shown = page(xml.encode(delivery), view=View(facts=(("fact.basis", HOSTILE),)))
    assert shown.xpath("//script | //@onload | //comment()") == []
    assert (
        words(shown.body).count(words(html.fromstring(f"<p>{HOSTILE.replace('&', '&amp;').replace('<', '&lt;')}</p>")))
        == 6
    )
    harmless = page(xml.encode(a.a_delivery()), view=View(facts=(("fact.basis", "x"),)))
    assert {item.tag for item in shown.iter()} == {item.tag for item in harmless.iter()}


def test_a_fact_that_xml_cannot_carry_is_replaced() -> None:
    """Control characters from a command line do not break the page."""
    shown = page(encode_record(a.a_record()), view=View(facts=(("fact.basis", "a\x00b\x1bc"),)))
    assert "a\ufffdb\ufffdc" in words(shown.body)


def test_entities_are_refused(tmp_path: Path) -> None:
    """A document with a DOCTYPE is refused, and the file that it names is not read."""
    secret = tmp_path / "secret"
    secret.write_text("the secret", encoding="utf-8")
    document = encode_record(a.a_record()).replace(
        b"<record", f'<!DOCTYPE record [<!ENTITY x SYSTEM "{secret.as_uri()}">]><record'.encode(), 1
    )
    with pytest.raises(RefusedError, match="M151"):
        forms.html(document, "en")


@pytest.mark.parametrize(
    ("document", "code"), [(b"<record", "M150"), (b"<record/>", "M162"), (xml.encode(a.a_receipt()), "M162")]
)
def test_what_is_no_record_is_refused(document: bytes, code: str) -> None:
    """Broken XML is M150; a receipt and anything else is M162."""
    with pytest.raises(RefusedError, match=code):
        forms.html(document, "en")


def test_the_stylesheet_cannot_read_files(tmp_path: Path) -> None:
    """The access that the transformation is given lets no stylesheet read a file."""
    (tmp_path / "x.xml").write_text("<secret/>", encoding="utf-8")
    sheet = f"""<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
        <xsl:template match="/"><found><xsl:copy-of select="document('{(tmp_path / "x.xml").as_uri()}')"/></found></xsl:template>
        </xsl:stylesheet>"""
    parsed, document = etree.fromstring(sheet), etree.fromstring("<a/>")
    assert b"secret" in bytes(etree.XSLT(parsed)(document))
    denied = etree.XSLT(parsed, access_control=forms.NO_ACCESS)
    with pytest.raises(etree.XSLTApplyError):
        denied(document)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_asks_for_nothing(language: Language) -> None:
    """No link, script, picture, font or import is on the page, and its policy forbids them."""
    data = forms.html(xml.encode(a.a_delivery()), language)
    shown = html.document_fromstring(data)
    assert shown.xpath("//@src | //@href | //link | //script | //img | //iframe | //object") == []
    assert b"url(" not in data
    assert b"@import" not in data
    assert "default-src 'none'" in shown.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")[0]


def test_the_same_document_gives_the_same_page() -> None:
    """The page depends on document, language and view alone."""
    document = xml.encode(a.a_delivery())
    assert forms.html(document, "zh") == forms.html(document, "zh")
    assert len({forms.html(document, language) for language in LANGUAGES}) == 3
