"""`jiexu archive`: what is kept for reference (art. 10)."""

from pathlib import Path

import click

from archive import audit as auditing
from archive import cases
from flows import terminal
from flows.commands.common import Place, json_option, pass_place
from flows.private import write_private
from flows.reports import plain
from formats.reasons import reason


@click.group()
def archive() -> None:
    """The originals that this office keeps for reference (art. 10)."""


@archive.command("list")
@click.option("--case", "number", help="Only those of this case.")
@json_option
@pass_place
def listing(place: Place, number: str | None, as_json: bool) -> int:
    """List originals."""
    with place.office() as office:
        rows = cases.originals(office.ledger, number)
    headings = ("case", "kind", "size", "kept", "digest")
    lines = [(row.case, row.kind, row.size, row.kept, row.digest) for row in rows]
    terminal.emit(as_json, {"originals": plain(rows)}, lambda: terminal.table(headings, lines))
    return 0


@archive.command()
@click.argument("digest")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@json_option
@pass_place
def get(place: Place, digest: str, output: Path, as_json: bool) -> int:
    """Write the original with this digest to a file, its bytes checked."""
    with place.office() as office:
        data = office.store.read(digest)
    write_private(output, data)
    told = {"digest": digest, "file": str(output), "bytes": len(data)}
    terminal.emit(as_json, told, lambda: click.echo(f"{output}: {len(data)} bytes"))
    return 0


@archive.command()
@json_option
@pass_place
def audit(place: Place, as_json: bool) -> int:
    """Check every original, every ledger row and the journal; ends with 4 and names what is damaged."""
    with place.office() as office:
        report = auditing.audit(office.ledger, office.store)
        language = office.settings.language

    def people() -> None:
        """Print for people."""
        click.echo(f"{report.originals} originals, {report.bytes} bytes, {report.cases} cases")
        for problem in report.problems:
            click.echo(f"{problem.code} {problem.subject} {reason(problem.code).what[language]}")

    terminal.emit(as_json, plain(report), people)
    return 4 if report.problems else 0
