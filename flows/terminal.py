"""What people see: tables, findings and progress on the terminal; one JSON document for scripts.

stdout carries the answer, stderr everything else (progress, errors, hints).
"""

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unicodedata import category

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from archive.audit import Problem
from flows.reports import Failed, Judged, Warned
from flows.steps import Steps
from formats.errors import ServiceError
from formats.messages import Finding
from formats.reasons import Language, reason

_ENDLESS = 10_000  # columns
_STEERING = ("Cc", "Cf")  # Unicode categories: controls, and marks of direction and format


def emit(as_json: bool, document: Any, people: Callable[[], None]) -> None:
    """Print the document for scripts, or let `people` print for people."""
    if as_json:
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        people()


def emit_error(as_json: bool, error: ServiceError, language: Language) -> None:
    """Say what happened and what to do, on stderr; and as the one JSON document when a script asked for one."""
    if as_json:
        told = {"code": error.code, "what": error.what(language), "todo": error.todo(language)}
        click.echo(json.dumps({"error": {**told, "retry": error.retryable}}, ensure_ascii=False, indent=2))
    click.echo(f"jiexu: error: {error.code} {error.what(language)}", err=True)
    click.echo(f"jiexu: hint: {error.todo(language)}", err=True)


def take_away(names: Sequence[str]) -> None:
    """Say on stderr that these files of the escrow do not belong on this machine; nothing if there are none."""
    if names:
        click.echo(f"jiexu: take {' and '.join(names)} off this machine and keep them apart from it", err=True)


def harmless(text: str) -> str:
    """Text without what steers a terminal or turns the direction of writing; U+FFFD stands for each such character."""
    return "".join("\ufffd" if category(character) in _STEERING else character for character in text)


def table(headings: Sequence[str], rows: Iterable[Sequence[object]], title: str = "") -> None:
    """Print a table; cells are never cut. On a terminal long ones fold, but the first; elsewhere a row is a line."""
    seen = sys.stdout.isatty()
    drawn = Table(title=title or None, title_justify="left", header_style="bold", pad_edge=False)
    drawn.box, drawn.show_header = SIMPLE_HEAD if seen else None, any(headings)
    for place, heading in enumerate(headings):
        drawn.add_column(heading, overflow="fold", no_wrap=place == 0)
    for row in rows:
        drawn.add_row(*(escape(harmless(str(cell))) for cell in row))
    Console(file=sys.stdout, highlight=False, width=None if seen else _ENDLESS).print(drawn)


def finding_line(finding: Finding, language: Language) -> str:
    """One finding as a line: code, what it means, where."""
    line = f"{finding.code} {reason(finding.code).what[language]}"
    place = f" ({finding.path})" if finding.path else ""
    kinds = f": expected {finding.expected}, found {finding.found}" if finding.expected and finding.found else ""
    answer = f"; to be answered by {finding.respond_by}" if finding.respond_by else ""
    return line + kinds + place + answer


def judged_lines(word: str, cases: Iterable[Judged], language: Language) -> None:
    """Print cases with what was found, a line a finding."""
    for judged in cases:
        click.echo(f"{word} {judged.case}")
        for finding in judged.findings:
            click.echo(f"    {finding_line(finding, language)}")


def todo_lines(word: str, cases: Iterable[Judged], language: Language) -> None:
    """Print cases of which this office, as the receiver, still has something to do: a line a code, and what to do."""
    for judged in cases:
        codes = Counter(finding.code for finding in judged.findings)
        own = [code for code in codes if reason(code).actor == "receiver"]
        if own:
            click.echo(f"{word} {judged.case}")
        for code in own:
            places = f" ({codes[code]} places)" if codes[code] > 1 else ""
            click.echo(f"    {code} {reason(code).what[language]}{places}")
            click.echo(f"        {reason(code).todo[language]}")


def failed_lines(failures: Iterable[Failed], language: Language) -> None:
    """Print what failed and what to do, on stderr."""
    for item in failures:
        detail = f": {item.detail}" if item.detail else ""
        click.echo(f"failed {item.subject} {item.code} {reason(item.code).what[language]}{detail}", err=True)
        click.echo(f"    {reason(item.code).todo[language]}", err=True)


def warning_lines(warnings: Iterable[Warned], language: Language) -> None:
    """Print what will stop the exchange when nobody acts, and what to do, on stderr."""
    for item in warnings:
        click.echo(f"warning {item.subject} {item.code} {reason(item.code).what[language]}: {item.detail}", err=True)
        click.echo(f"    {reason(item.code).todo[language]}", err=True)


def problem_lines(problems: Iterable[Problem], language: Language) -> None:
    """Print what an audit found, a line a problem."""
    for problem in problems:
        click.echo(f"{problem.code} {problem.subject} {reason(problem.code).what[language]}")


@contextmanager
def bytes_progress(wanted: bool, label: str) -> Iterator[Callable[[int, int], None]]:
    """One bar on stderr that moves with bytes: gives a function of bytes done and bytes in all. Quiet as `progress`."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not wanted or not console.is_terminal) as drawn:
        task = drawn.add_task(label, total=None)

        def move(done: int, total: int) -> None:
            """Move the bar to where the work is."""
            drawn.update(task, completed=done, total=total)

        yield move


@contextmanager
def progress(wanted: bool) -> Iterator[Callable[[str, int | None, Sequence[str]], Steps]]:
    """Progress bars on stderr while the block runs; quiet when not wanted or when stderr is no terminal.

    Gives a function that starts a bar: `bar(label, total, names)` listens for the steps of these names.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not wanted or not console.is_terminal) as drawn:

        def bar(label: str, total: int | None, names: Sequence[str]) -> Steps:
            """A bar that moves with the steps of these names."""
            task = drawn.add_task(label, total=total)

            def move(name: str, count: int) -> None:
                """Move the bar when the step is one of its own."""
                if name in names:
                    drawn.advance(task, count)

            return move

        yield bar
