"""`jiexu case compare` and `reread`: what a correction changed, and whether one is due (复核, art. 16)."""

from datetime import datetime
from pathlib import Path

import click

from flows import comparing, comparing_page, documents, terminal
from flows.commands.common import Place, asked_by, json_option, pass_place
from flows.comparing import Comparison
from flows.private import write_private
from flows.reports import plain
from flows.times import now
from flows.wiring import Office
from formats.errors import UsageError
from formats.reasons import LANGUAGES, Language

html_option = click.option("--html", "html", is_flag=True, help="Write the page with both values to the file of -o.")
lang_option = click.option(
    "--lang", type=click.Choice(LANGUAGES), help="Language of the page; else that of the office."
)
output_option = click.option("-o", "--output", type=click.Path(path_type=Path))
asked_option = asked_by("Who asked for the page: a staff id.")


@click.command()
@click.argument("number", metavar="CASE")
@html_option
@lang_option
@output_option
@asked_option
@json_option
@pass_place
def compare(
    place: Place, number: str, html: bool, lang: Language | None, output: Path | None, by: str, as_json: bool
) -> int:
    """List the places in which the two newest deliveries kept of CASE differ: what was corrected.

    No values but in the page, which is a file for this user alone; the journal says who took the originals out.
    """
    wanted = _wanted(html, output)
    with place.office() as office:
        found = comparing.of_case(office, number)
        _write(office, found, wanted, lang, by, now())
    _tell(found, wanted, as_json)
    return 0


@click.command()
@click.argument("number", metavar="CASE")
@html_option
@lang_option
@output_option
@asked_option
@json_option
@pass_place
def reread(
    place: Place, number: str, html: bool, lang: Language | None, output: Path | None, by: str, as_json: bool
) -> int:
    """List where the records database differs now from what was delivered: whether a correction of CASE is due.

    Ends with 0 when nothing differs, with 1 when something does. No values but in the page, a file for this user alone.
    """
    wanted = _wanted(html, output)
    with place.office() as office:
        found = comparing.reread(office, number)
        _write(office, found, wanted, lang, by, now())
    _tell(found, wanted, as_json)
    return 1 if found.differences else 0


def _wanted(html: bool, output: Path | None) -> Path | None:
    """The file of the page, None without one. Raises UsageError S421 for one of the two options alone."""
    if html != (output is not None):
        raise UsageError("S421", "--html and -o go together")
    return output


def _write(
    office: Office, found: Comparison, output: Path | None, lang: Language | None, by: str, at: datetime
) -> None:
    if output is None:
        return
    for document in (found.before, found.after):
        if document is not None:
            documents.note_taken_out(office, document.original, by, at)
    write_private(output, comparing_page.page(found, lang or office.settings.language))


def _tell(found: Comparison, output: Path | None, as_json: bool) -> None:
    """The places, in the terminal or as JSON."""
    after = "" if found.after is None else found.after.digest
    places = [item.change for item in found.differences]
    told = {"case": found.case, "before": found.before.digest, "after": after, "changes": plain(places)}

    def people() -> None:
        """Print for people."""
        if places:
            terminal.table(("change", "place"), [(item.change, item.path) for item in places])
        else:
            click.echo("nothing differs")
        if output is not None:
            click.echo(str(output))

    terminal.emit(as_json, told | {"file": "" if output is None else str(output)}, people)


COMMANDS = (compare, reread)
