"""The form in a real browser: it renders in three languages, on a desk's screen, on a telephone and on paper."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from archive.audit import AuditReport, Problem
from archive.audit.coverage import Age, Point
from archive.audit.report import Coverage
from archive.journal import Head
from flows import audit_page
from formats import xml
from formats.encoding import encode_record
from formats.forms import forms
from formats.forms.forms import View
from formats.reasons import LANGUAGES, Language
from tests import builders as a
from tests.pages import NARROW, WIDE, Browser, browser

FACTS = View(facts=(("fact.digest", "ab" * 32),))
LOOKUP = View(("registration", "contributions"), (("fact.basis", "resident identity card shown"),), lookup=True)
AT = datetime(2026, 11, 22, 8, tzinfo=UTC)
AGES = tuple(Age(number, "sealed", 2**28, f"2026-1{number % 2}-0{number}T02:00:00Z") for number in range(1, 9))
HISTORY = tuple(Point(f"2026-11-{day:02}T02:00:00Z", day / 22) for day in range(1, 22))
REPORT = AuditReport(
    originals=1200,
    bytes=2**31,
    cases=400,
    problems=tuple(Problem("A502", digest * 64, f"segment {digest}, member 17") for digest in "0123"),
    head=Head(900, "c" * 64),
    drafts=0,
    coverage=Coverage(90, 8 * 2**28, 6 * 2**28, 8, 6),
)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests of this module."""
    with browser(tmp_path_factory.mktemp("chromium")) as running:
        yield running


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the form of a working life, that of a lookup, and an audit's report, in each language."""
    folder = tmp_path_factory.mktemp("pages")
    for language in LANGUAGES:
        life = forms.html(xml.encode(a.a_delivery(record=a.a_working_life())), language, FACTS)
        (folder / f"record-{language}.html").write_bytes(life)
        (folder / f"lookup-{language}.html").write_bytes(forms.html(encode_record(a.a_record()), language, LOOKUP))
        audited = audit_page.page(REPORT, AGES, HISTORY, a.SENDER, AT, language)
        (folder / f"audit-{language}.html").write_bytes(audited)
    return folder


@pytest.mark.parametrize("kind", ["record", "lookup"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_form_renders(chromium: Browser, pages: Path, language: Language, kind: str) -> None:
    """Title and headings are there, the console is silent, and nothing but the file is asked for."""
    file = pages / f"{kind}-{language}.html"
    chromium.open(file)
    title = forms.text("title.record" if kind == "record" else "title.lookup", language)
    assert chromium.driver.title == chromium.run("return document.querySelector('h1').innerText") == title
    headings = chromium.run("return [...document.querySelectorAll('h2')].map(item => item.innerText)")
    assert len(headings) == (11 if kind == "record" else 5)
    assert forms.text("section.contributions", language) in headings
    assert chromium.run("return document.querySelector('header dl').getBoundingClientRect().height") > 0
    assert chromium.errors() == []
    assert chromium.requests() == [file.as_uri()]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_report_of_an_audit_renders(chromium: Browser, pages: Path, language: Language) -> None:
    """Its title, pictures and problems are there; it fits a desk and a telephone, and asks for nothing."""
    file = pages / f"audit-{language}.html"
    for size in (WIDE, NARROW):
        chromium.open(file, size)
        assert a.SENDER in chromium.driver.title
        assert chromium.run("return document.querySelectorAll('svg').length") >= 2
        assert chromium.run("return document.body.innerText").count("A502") == 4
        assert chromium.errors() == []
        assert chromium.requests() == [file.as_uri()]
        assert chromium.overflow() == []
    assert chromium.pdf().startswith(b"%PDF-")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_form_fits_a_desk(chromium: Browser, pages: Path, language: Language) -> None:
    """At 1280 pixels no table sticks out, and a row is one line of cells."""
    chromium.open(pages / f"record-{language}.html", WIDE)
    assert chromium.overflow() == []
    assert chromium.run("return getComputedStyle(document.querySelector('td')).display") == "table-cell"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_form_can_be_read_on_a_telephone(chromium: Browser, pages: Path, language: Language) -> None:
    """At 390 pixels nothing sticks out, letters are large enough, and every cell bears its label."""
    chromium.open(pages / f"record-{language}.html", NARROW)
    assert chromium.run("return innerWidth") == NARROW[0]
    assert chromium.overflow() == []
    assert chromium.run("return parseFloat(getComputedStyle(document.querySelector('td')).fontSize)") >= 12
    label = "return getComputedStyle(document.querySelector('#contributions td'), '::before').content"
    assert len(chromium.run(label)) > 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_form_prints(chromium: Browser, pages: Path, language: Language) -> None:
    """The browser prints it on sheets of A4, broadside."""
    chromium.open(pages / f"lookup-{language}.html")
    printed = chromium.pdf()
    assert printed.startswith(b"%PDF-")
    width, height = map(float, re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", printed)[0])
    assert (round(width), round(height)) == (842, 595)


def test_a_page_that_asks_is_noticed(chromium: Browser, tmp_path: Path) -> None:
    """The test itself: a picture from elsewhere is in the log of requests, and its failure on the console."""
    page = tmp_path / "asking.html"
    page.write_text("<img src='http://example.invalid/x.png'><div style='width:5000px'>x</div>", encoding="utf-8")
    chromium.open(page)
    assert chromium.requests() == [page.as_uri(), "http://example.invalid/x.png"]
    assert chromium.errors() != []
    assert any(item.startswith("page ") for item in chromium.overflow())
