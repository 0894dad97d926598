"""The report of an audit as a page: well-formed, self-contained, in three languages, with pictures that say what they show."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lxml import etree

from archive.audit import AuditReport, Coverage, Problem
from archive.audit.coverage import Age, Point
from archive.journal import Head
from flows import cli
from flows.audit_page import page
from formats.reasons import LANGUAGES, Language, reason
from tests.office import found_pair

AT = datetime(2026, 11, 22, 8, tzinfo=UTC)
HTML, SVG = "{http://www.w3.org/1999/xhtml}", "{http://www.w3.org/2000/svg}"
DIGEST = "ab" * 32


def _report(*problems: Problem) -> AuditReport:
    coverage = Coverage(90, 4000, 3000, 4, 3)
    return AuditReport(7, 1234567, 5, problems, Head(12, "cd" * 32), 0, 4, 7, 4000, 0, 1.25, coverage)


def _ages(count: int) -> list[Age]:
    """One a day older than the other; the last was never read."""
    text = [(AT - timedelta(days=number)).strftime("%Y-%m-%dT%H:%M:%SZ") for number in range(count - 1)]
    return [Age(number, "sealed", 1000, checked) for number, checked in enumerate([*text, ""], start=1)]


def _page(report: AuditReport, language: Language, ages: list[Age], points: int = 3) -> etree._Element:
    line = [Point(f"2026-11-{day + 1:02d}T08:00:00Z", day / points) for day in range(points)]
    return etree.fromstring(page(report, ages, line, "33010001", AT, language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_report_is_one_well_formed_page(language: Language) -> None:
    """Valid XML in the office's language, nothing fetched, no script, every picture with a title and a description."""
    root = _page(_report(), language, _ages(4))
    assert root.get("lang", "")[:2] == language
    assert "33010001" in root.findtext(f"{HTML}head/{HTML}title", "")
    assert not [item for item in root.iter() if etree.QName(item).localname in ("script", "link", "img", "iframe")]
    assert not [value for item in root.iter() for name, value in item.attrib.items() if name in ("href", "src")]
    pictures = list(root.iter(f"{SVG}svg"))
    assert len(pictures) == 2
    for picture in pictures:
        named = str(picture.get("aria-labelledby")).split()
        assert [picture[place].get("id") for place in (0, 1)] == named
        assert all(picture[place].text for place in (0, 1))
    assert "$" not in etree.tostring(root, encoding="unicode", method="text")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_problem_says_what_and_what_to_do(language: Language) -> None:
    """Code, subject, place, and the two texts of the reason; what is no markup stays text."""
    root = _page(_report(Problem("A502", DIGEST, "open/00000001.tar"), Problem("A503", "a<b>&c")), language, _ages(4))
    rows = [[cell.text for cell in row] for row in root.iter(f"{HTML}tr")][-2:]
    damaged, stray = reason("A502"), reason("A503")
    assert rows == [
        ["A502", f"{DIGEST} (open/00000001.tar)", damaged.what[language], damaged.todo[language]],
        ["A503", "a<b>&c", stray.what[language], stray.todo[language]],
    ]
    assert "damaged" in [item.get("class", "").split()[-1] for item in root.iter(f"{HTML}p") if item.get("class")]


@pytest.mark.parametrize(("count", "bars"), [(1, 1), (120, 120), (4000, 308)])
def test_the_bars_tell_fresh_from_stale_from_never(count: int, bars: int) -> None:
    """One bar a segment; of very many each stands for several, by the oldest, so that none that is stale is hidden."""
    root = _page(_report(), "en", _ages(count))
    kinds = [bar.get("class") for bar in root.iter(f"{SVG}rect")]
    assert len(kinds) == bars
    assert kinds[-1] == "never"
    assert kinds.count("never") == 1
    if count == 120:
        assert kinds[:91] == ["fresh"] * 91
        assert set(kinds[91:-1]) == {"stale"}


@pytest.mark.parametrize("points", [0, 1, 2, 60])
def test_the_line_has_a_point_a_moment(points: int) -> None:
    """Also where there is no history yet, or one moment of it."""
    line = [Point((AT + timedelta(days=day)).strftime("%Y-%m-%dT%H:%M:%SZ"), 1.0) for day in range(points)]
    root = etree.fromstring(page(_report(), [], line, "33010001", AT, "en"))
    drawn = [str(item.get("points")).split() for item in root.iter(f"{SVG}polyline")]
    assert [len(each) for each in drawn] == ([] if not points else [max(points, 2)])


def test_the_command_writes_the_page(tmp_path: Path) -> None:
    """`archive audit --report` ends with 0 and writes a page for this user alone; with 4 where something is wrong."""
    home = found_pair(tmp_path).sender
    file = tmp_path / "report.html"
    command = ["-C", str(home), "archive", "audit", "--all", "--deep", "--report", str(file)]
    assert cli.run(command) == 0
    assert file.stat().st_mode & 0o777 == 0o600
    (home / "archive" / "note.txt").write_bytes(b"?")
    assert cli.run(command) == 4
    cells = [cell.text for cell in etree.fromstring(file.read_bytes()).iter(f"{HTML}td")]
    assert "note.txt" in cells
