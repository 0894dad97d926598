"""`jiexu send`, `jiexu receive`, `jiexu acknowledge`: one pass each. `jiexu serve` repeats them on a schedule."""

from collections.abc import Sequence
from typing import Any

import click

from archive.audit import Problem
from flows import engine, terminal
from flows.commands.common import Place, engine_option, json_option, pass_place, status_of, workers_option
from flows.reports import Failed, Judged, Warned
from flows.steps import quiet
from flows.wiring import spare_the_collector
from formats.messages import Finding
from formats.reasons import Language


@click.command()
@click.argument("cases", nargs=-1, metavar="[CASE]...")
@engine_option
@workers_option
@json_option
@pass_place
def send(place: Place, cases: Sequence[str], engine: str | None, workers: int, as_json: bool) -> int:
    """Seal and post every approved case, or only these."""
    report, language = _run(place, "send", engine, cases=cases, workers=workers)
    sealed, posted = report["sealed"], report["posted"]
    held = judged(sealed["held"])
    failures = failed(sealed["failed"]) + failed(posted["failed"]) + failed(report["unsealed"])

    def people() -> None:
        """Print for people."""
        anew = f" ({len(posted['resealed'])} sealed anew)" if posted["resealed"] else ""
        click.echo(f"sealed {len(sealed['sealed'])}, posted {len(posted['posted'])}{anew}, held {len(held)}")
        terminal.judged_lines("held", held, language)
        terminal.failed_lines(failures, language)
        terminal.warning_lines(warned(report["warnings"]), language)

    terminal.emit(as_json, report, people)
    return status_of(failures, otherwise=1 if held else 0)


@click.command()
@engine_option
@workers_option
@json_option
@pass_place
def receive(place: Place, engine: str | None, workers: int, as_json: bool) -> int:
    """Collect, open and settle what has arrived: deliveries are taken in or refused, receipts close cases."""
    report, language = _run(place, "receive", engine, workers=workers)
    opened = report["opened"]
    failures = failed(report["fetched"]["failed"]) + failed(opened["failed"]) + failed(opened["quarantined"])
    failures += failed(report["unsealed"])

    def people() -> None:
        """Print for people."""
        names = ("accepted", "on_hold", "rejected", "read", "closed", "quarantined")
        counts = ", ".join(f"{name.replace('_', ' ')} {len(opened[name])}" for name in names)
        waits = f", waiting for the next pass {opened['waiting']}" if opened["waiting"] else ""
        click.echo(f"fetched {report['fetched']['fetched']}, {counts}{waits}")
        terminal.todo_lines("accepted", judged(opened["accepted"]), language)
        terminal.judged_lines("on hold", judged(opened["on_hold"]), language)
        terminal.judged_lines("rejected", judged(opened["rejected"]), language)
        terminal.judged_lines("closed", [item for item in judged(opened["closed"]) if item.findings], language)
        terminal.failed_lines(failures, language)
        terminal.warning_lines(warned(report["warnings"]), language)

    terminal.emit(as_json, report, people)
    return status_of(failures)


@click.command()
@engine_option
@json_option
@pass_place
def acknowledge(place: Place, engine: str | None, as_json: bool) -> int:
    """Post every receipt that is ready."""
    report, language = _run(place, "acknowledge", engine)
    failures = failed(report["posted"]["failed"])

    def people() -> None:
        """Print for people."""
        click.echo(f"posted {len(report['posted']['posted'])}")
        terminal.failed_lines(failures, language)

    terminal.emit(as_json, report, people)
    return status_of(failures)


@click.command()
@engine_option
@json_option
@pass_place
def upkeep(place: Place, engine: str | None, as_json: bool) -> int:
    """Seal what is due, audit for the time that the setting gives, back up where the setting says."""
    report, language = _run(place, "upkeep", engine)
    failures = failed(report["failed"])

    def people() -> None:
        """Print for people."""
        backup = report["snapshot"] or "no backup"
        sealed, reminded = len(report["sealed"]), report["reminded"]
        click.echo(f"reminded {len(reminded)}, sealed {sealed}, audited {report['segments']} segments, {backup}")
        for item in reminded:
            click.echo(f"reminded {item['partner']} of {item['case']}: {item['awaited']}, due {item['due']}")
        terminal.problem_lines([Problem(**item) for item in report["problems"]], language)
        terminal.failed_lines(failures, language)
        terminal.warning_lines(warned(report["warnings"]), language)

    terminal.emit(as_json, report, people)
    return status_of(failures, otherwise=4 if report["problems"] else 0)


@click.command()
@json_option
@pass_place
def serve(place: Place, as_json: bool) -> int:
    """Run all flows with their schedules on the Prefect server that PREFECT_API_URL names, until stopped."""
    from flows import serve as serving  # noqa: PLC0415 - importing Prefect takes a second

    settings = place.office().settings
    serving.serve(settings)
    terminal.emit(as_json, {"served": settings.code}, lambda: click.echo(f"{settings.code}: stopped"))
    return 0


def _run(
    place: Place, name: engine.PassName, asked: str | None, *, cases: Sequence[str] = (), workers: int = 0
) -> tuple[dict[str, Any], Language]:
    with place.office() as office:
        chosen = office.settings.engine(asked or "")
        spare_the_collector()
        report = engine.run_pass(name, office, chosen, quiet, cases=cases, workers=workers)
        return report, office.settings.language


def judged(items: Sequence[dict[str, Any]]) -> list[Judged]:
    """Judged cases back from a report's document."""
    return [Judged(item["case"], tuple(Finding(**finding) for finding in item["findings"])) for item in items]


def failed(items: Sequence[dict[str, Any]]) -> list[Failed]:
    """Failures back from a report's document."""
    return [Failed(**item) for item in items]


def warned(items: Sequence[dict[str, Any]]) -> list[Warned]:
    """Warnings back from a report's document."""
    return [Warned(**item) for item in items]
