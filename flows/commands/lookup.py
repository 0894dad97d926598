"""`jiexu lookup`: who may, sees what the law lets them see of one person; the register of who did (arts. 14-22)."""

import re
from pathlib import Path
from typing import Any

import click

from archive import lookup as register_of
from archive.scopes import PURPOSES, REQUESTERS, Request, Requester
from flows import lookups, terminal
from flows.commands.common import Place, json_option, pass_place, user_option
from flows.pdf import pdf
from flows.private import write_private
from flows.reports import plain
from flows.times import now
from formats.codes import insurance_kinds
from formats.errors import UsageError
from formats.groups import GROUPS
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
@click.option("--as", "requester", type=click.Choice(REQUESTERS), required=True, help="Who asks.")
@click.option("--requester", "requester_id", required=True, help="The office's number for who asks; not a name.")
@click.option("--purpose", type=click.Choice(tuple(PURPOSES)), required=True, help="What for.")
@click.option("--basis", required=True, help="What was shown, or the legal basis; nothing of the person.")
@click.option("--application", default="", help="Number of the written application of a unit (art. 19).")
@click.option("--employer", default="", help="Unified social credit code of the employer that asks (art. 15).")
@click.option(
    "--items", default="", help=f"Items of the record: {', '.join(GROUPS)}; without it, all that are allowed."
)
@click.option("--kinds", default="", help="Insurance kinds (AAE140); without it, all.")
@click.option("--from", "first", default="", help="First month, YYYY-MM.")
@click.option("--to", "last", default="", help="Last month, YYYY-MM.")
@click.option("--case", default="", help="The kept original of this case, not the records database.")
@user_option
@click.option("--html", "shape", flag_value="html", help="As a form in HTML; needs -o.")
@click.option("--pdf", "shape", flag_value="pdf", help="As a form in PDF; needs -o.")
@click.option("--lang", type=click.Choice(LANGUAGES), help="Language of the form; else that of the office.")
@click.option("-o", "--output", type=click.Path(path_type=Path))
@json_option
@pass_place
def person_(
    place: Place,
    subject: str,
    requester: Requester,
    items: str,
    kinds: str,
    first: str,
    last: str,
    case: str,
    shape: str | None,
    lang: Language | None,
    output: Path | None,
    requester_id: str,
    purpose: str,
    basis: str,
    application: str,
    employer: str,
    who: str,
    as_json: bool,
) -> int:
    """Look up the record of PERSON (AAC001). It is registered before anything is shown (art. 21)."""
    if bool(shape) != bool(output):
        raise UsageError("S421", "--html and --pdf write to a file: -o FILE")
    request = Request(
        subject=subject,
        requester=requester,
        requester_id=requester_id,
        purpose=purpose,
        basis=basis,
        who=who,
        items=chosen(items, GROUPS, "--items"),
        kinds=chosen(kinds, tuple(insurance_kinds()), "--kinds"),
        first=month(first),
        last=month(last),
        employer=employer,
        application=application,
    )
    with place.office() as office:
        answer = lookups.look_up(office, request, now(), case)
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


def chosen(words: str, known: tuple[str, ...], option: str) -> tuple[str, ...]:
    """The words of a list with commas. Raises UsageError S421 for one that is not known."""
    chosen = tuple(dict.fromkeys(word for word in words.split(",") if word))
    if not set(chosen) <= set(known):
        raise UsageError("S421", f"{option} must be some of {', '.join(known)}")
    return chosen


def month(text: str) -> str:
    """A month `YYYY-MM` or nothing. Raises UsageError S421."""
    if text and not re.fullmatch(r"[12][0-9]{3}-(0[1-9]|1[0-2])", text):
        raise UsageError("S421", "a month is written YYYY-MM")
    return text


def _print(document: dict[str, Any]) -> None:
    """Print for people."""
    record = document["record"]
    terminal.table(("", ""), [(name, value) for name, value in record["person"].items() if value])
    for part, rows in record.items():
        if part != "person" and rows:
            terminal.table(tuple(rows[0]), [tuple(row.values()) for row in rows], title=part)
