"""The report of an audit as one page: what was read, what does not hold and what to do, and how old each check is.

One file of well-formed XHTML without scripts and without anything from elsewhere; it names digests, case numbers and
paths, and nothing of a person.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from importlib import resources
from string import Template

from archive.audit import AuditReport, Problem
from archive.audit.coverage import Age, Point
from flows.audit_pictures import coverage_picture, segments_picture
from flows.audit_words import WORDS
from flows.times import utc_text
from formats.reasons import Language, reason

_LANG: Mapping[Language, str] = {"zh": "zh-CN", "ko": "ko", "en": "en"}


def page(
    report: AuditReport,
    ages: Sequence[Age],
    history: Sequence[Point],
    office: str,
    at: datetime,
    language: Language,
) -> bytes:
    """The page in UTF-8. `ages` and `history` are those of `archive.audit.coverage`, `office` an agency code."""
    words = WORDS[language]
    coverage = report.coverage
    share = f"{coverage.share:.1%}"
    said = words["coverage"].format(share=share, days=coverage.days, lately=coverage.lately, all=coverage.segments)
    template = resources.files("flows").joinpath("audit_page.html").read_text(encoding="utf-8")
    text = Template(template).substitute(
        lang=_LANG[language],
        title=escape(words["title"].format(office=office)),
        about=escape(words["about"].format(at=utc_text(at), count=report.head.count, root=report.head.root)),
        state="damaged" if report.problems else "sound",
        verdict=escape(words["damaged" if report.problems else "sound"].format(count=len(report.problems))),
        figures=escape(words["figures"]),
        facts="\n".join(_fact(words[name], value) for name, value in _figures(report)),
        problems_title=escape(words["problems"]),
        problems=_problems(report.problems, words, language),
        coverage_title=escape(words["over time"]),
        coverage_text=escape(said),
        coverage_picture=coverage_picture(history, words["over time"], said),
        coverage_caption=escape(words["coverage caption"].format(days=coverage.days)),
        segments_picture=segments_picture(ages, at, coverage.days, words["segments title"], said),
        segments_caption=escape(words["segments caption"].format(days=coverage.days)),
    )
    return text.encode("utf-8")


def _figures(report: AuditReport) -> list[tuple[str, str]]:
    numbers = {
        "originals": report.originals,
        "bytes": report.bytes,
        "cases": report.cases,
        "segments": report.segments,
        "members": report.members,
        "read": report.read,
        "drafts": report.drafts,
        "leftover": report.leftover,
    }
    return [*((name, f"{value:,}") for name, value in numbers.items()), ("seconds", f"{report.seconds:,.1f}")]


def _fact(name: str, value: str) -> str:
    return f'<tr><th scope="row">{escape(name)}</th><td class="n">{escape(value)}</td></tr>'


def _problems(problems: Sequence[Problem], words: Mapping[str, str], language: Language) -> str:
    if not problems:
        return f"<p>{escape(words['none'])}</p>"
    heads = "".join(f'<th scope="col">{escape(words[name])}</th>' for name in ("code", "subject", "what", "todo"))
    rows = "\n".join(_problem(problem, language) for problem in problems)
    return f"<table><thead><tr>{heads}</tr></thead><tbody>\n{rows}\n</tbody></table>"


def _problem(problem: Problem, language: Language) -> str:
    why = reason(problem.code)
    place = f" ({problem.place})" if problem.place and problem.place != problem.subject else ""
    cells = (problem.code, f"{problem.subject}{place}", why.what[language], why.todo[language])
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
