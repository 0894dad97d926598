"""`jiexu lookup`: who may, sees what the law lets them see of one person; the register of who did (arts. 14-22)."""

from pathlib import Path
from typing import Any

import click

from archive import lookup as register_of
from flows import lookups, terminal
from flows.commands.asking import Asked, asking
from flows.commands.common import Place, json_option, pass_place
from flows.pdf import pdf
from flows.private import write_private
from flows.reports import plain
from flows.times import now
from formats.errors import UsageError
from formats.reasons import LANGUAGES, Language


class _PersonFirst(click.Group):
    """A first word that is no command is a person number: `jiexu lookup PERSON` is `jiexu lookup person PERSON`."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command, with `person` put in where it was left out."""
        known = bool(args) and args[0] in self.commands
        return super().resolve_command(ctx, args if known else ["person", *args])


@click.group(cls=_PersonFirst)
def lookup() -> None:
    """Look up one person's record, within what the law allows the requester."""


@lookup.command("person")
@click.argument("subject", metavar="PERSON")
@asking("--as", "Who asks.")
@click.option("--case", default="", help="The kept original of this case, not the records database.")
@click.option("--html", "shape", flag_value="html", help="As a form in HTML; needs -o.")
@click.option("--pdf", "shape", flag_value="pdf", help="As a form in PDF; needs -o.")
@click.option("--lang", type=click.Choice(LANGUAGES), help="Language of the form; else that of the office.")
@click.option("-o", "--output", type=click.Path(path_type=Path))
@json_option
@pass_place
def person_(
    place: Place,
    subject: str,
    case: str,
    shape: str | None,
    lang: Language | None,
    output: Path | None,
    asked: Asked,
    as_json: bool,
) -> int:
    """Look up the record of PERSON (AAC001). It is registered before anything is shown (art. 21)."""
    if bool(shape) != bool(output):
        raise UsageError("S421", "--html and --pdf write to a file: -o FILE")
    with place.office() as office:
        answer = lookups.look_up(office, asked.of(subject), now(), case)
        language = lang or office.settings.language
    if not shape or output is None:
        document = answer.document()
        terminal.emit(as_json, document, lambda: _print(document))
        return 0
    page = answer.html(language)
    write_private(output, pdf(page) if shape == "pdf" else page)
    told = {"lookup": answer.shown.number, "scope": answer.shown.scope.text(), "file": str(output)}
    terminal.emit(as_json, told, lambda: click.echo(f"{output}: lookup {answer.shown.number}"))
    return 0


@lookup.command()
@click.option("--person", "subject", help="Only lookups of this person number.")
@click.option("--all", "everybody", is_flag=True, help="Also those of persons and employers, kept for the caps.")
@json_option
@pass_place
def register(place: Place, subject: str | None, everybody: bool, as_json: bool) -> int:
    """List the register of lookups for the auditor (art. 21)."""
    with place.office() as office:
        rows = register_of.register(office.ledger, subject=subject, everybody=everybody)
    headings = ("id", "at", "requester", "requester_id", "purpose", "basis", "scope", "subject", "who", "outcome")
    lines = [[getattr(row, name) for name in headings] for row in rows]
    terminal.emit(as_json, {"lookups": plain(rows)}, lambda: terminal.table(headings, lines))
    return 0


def _print(document: dict[str, Any]) -> None:
    """Print for people."""
    record = document["record"]
    terminal.table(("", ""), [(name, value) for name, value in record["person"].items() if value])
    for part, rows in record.items():
        if part != "person" and rows:
            terminal.table(tuple(rows[0]), [tuple(row.values()) for row in rows], title=part)
