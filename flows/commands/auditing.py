"""`jiexu archive audit`: whether everything that is kept is there and is what was kept (art. 9(2))."""

from datetime import timedelta
from pathlib import Path

import click

from archive.audit import AuditReport
from archive.audit.coverage import ages, history
from flows import keyring, terminal
from flows.audit_page import page
from flows.commands.common import Place, by_or, json_option, pass_place
from flows.maintaining import audited
from flows.private import write_private
from flows.reports import plain
from flows.times import now
from flows.wiring import SERVICE
from formats.reasons import Language


@click.command("audit")
@click.option("--minutes", type=click.IntRange(1), help="How long to read; without it, as the setting says.")
@click.option("--all", "everything", is_flag=True, help="Read every segment, however long it takes.")
@click.option("--deep", is_flag=True, help="Decrypt every original too, not only a sample.")
@by_or(SERVICE)
@click.option("--report", type=click.Path(path_type=Path), help="Write the report as a page (HTML) to this file.")
@json_option
@pass_place
def audit_archive(
    place: Place, minutes: int | None, everything: bool, deep: bool, by: str, report: Path | None, as_json: bool
) -> int:
    """Check originals, ledger rows and the journal; ends with 4 and names what is damaged.

    Segments that were not read for longest come first; what the time does not suffice for, the next audit reads.
    """
    at = now()
    with place.office() as office:
        settings = office.settings
        budget = None if everything else timedelta(minutes=minutes or settings.archive.audit_minutes)
        with terminal.bytes_progress(not as_json, "read") as bar:
            found = audited(
                office, at, budget=budget, deep=deep, who=by, progress=lambda done, total, _segment: bar(done, total)
            )
        if report is not None:
            line = history(office.ledger, at, found.coverage.days)
            write_private(report, page(found, ages(office.ledger), line, office.code, at, settings.language))
        away = keyring.escrow_at_home(settings.home)
    terminal.take_away(away)
    terminal.emit(as_json, {**plain(found), "share": found.coverage.share}, lambda: _people(found, settings.language))
    return 4 if found.problems else 0


def _people(found: AuditReport, language: Language) -> None:
    """Print for people."""
    click.echo(f"{found.originals} originals, {found.bytes} bytes, {found.cases} cases")
    click.echo(
        f"read {found.segments} segments, {found.read} bytes in {found.seconds:.1f} s; "
        f"{found.coverage.share:.1%} of the bytes were read within {found.coverage.days} days"
    )
    if found.locked:
        click.echo("jiexu: no original was decrypted: the archive key or its passphrase is not here", err=True)
    terminal.problem_lines(found.problems, language)
