"""`jiexu case object`, `correct`, `uphold`, `decision` and `objections`: an objection to the record (异议, art. 16)."""

from pathlib import Path

import click

from flows import decision_page, objections, terminal
from flows.commands.case_letters import reason_code, told
from flows.commands.common import Place, by_option, json_option, pass_place, why_option
from flows.private import write_private
from flows.reports import plain
from flows.times import now
from formats.reasons import LANGUAGES, Language


@click.command("object")
@click.argument("number", metavar="CASE")
@click.option("--note", default="", help="What the person says; goes to the sending office, and stands nowhere else.")
@click.option("--here", is_flag=True, help="At the new office: checked here, the delivery does not go back.")
@by_option
@json_option
@pass_place
def object_(place: Place, number: str, note: str, here: bool, by: str, as_json: bool) -> int:
    """Register a person's objection to the record (art. 16); at the new office the delivery goes back with C421.

    At the old office the case stays as it is: `case reread`, then `case correct` or `case uphold`.
    """
    with place.office() as office:
        objections.object_to(office, number, note, by, now(), here=here)
        return told(office, number, as_json)


@click.command()
@click.argument("number", metavar="CASE")
@click.option("--code", default="", help="Why: C420, C421 or C422; else C421 for an objection, and C420.")
@by_option
@why_option
@json_option
@pass_place
def correct(place: Place, number: str, code: str, by: str, why: str, as_json: bool) -> int:
    """Open a delivered case again, to be approved and sent anew with what was corrected in the records database.

    An objection to it was right then. At the new office it ends an objection that was checked and put right there.
    """
    if code:
        reason_code(code)
    with place.office() as office:
        objections.correct(office, number, code, by, why, now())
        return told(office, number, as_json)


@click.command()
@click.argument("number", metavar="CASE")
@click.option("--text", required=True, help="Why the delivery stands; the partner reads it.")
@by_option
@json_option
@pass_place
def uphold(place: Place, number: str, text: str, by: str, as_json: bool) -> int:
    """Stand by a delivery that was returned or objected to, and say why."""
    with place.office() as office:
        objections.uphold(office, number, text, by, now())
        return told(office, number, as_json)


@click.command()
@click.argument("number", metavar="CASE")
@click.option("--text", default="", help="The reasons, where `case uphold` did not say them.")
@click.option("--lang", type=click.Choice(LANGUAGES), help="Language of the page; else that of the office.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@by_option
@json_option
@pass_place
def decision(place: Place, number: str, text: str, lang: Language | None, output: Path, by: str, as_json: bool) -> int:
    """Write the result of an objection for the person who made it: outcome, reasons, what was corrected."""
    with place.office() as office:
        language = lang or office.settings.language
        write_private(output, decision_page.decision(office, number, text, language, by, now()))
    terminal.emit(as_json, {"case": number, "file": str(output)}, lambda: click.echo(str(output)))
    return 0


@click.command("objections")
@click.option("--open", "waiting", is_flag=True, help="Only those that are not decided.")
@json_option
@pass_place
def listing(place: Place, waiting: bool, as_json: bool) -> int:
    """List the objections to records: when and by whom entered, how and by whom decided."""
    with place.office() as office:
        found = [item for item in objections.every(office) if not (waiting and item.ending)]
    headings = ("case", "entered", "by", "route", "decided", "by", "ending")
    lines = [
        (item.case, item.entered, item.entered_by, item.route, item.decided, item.decided_by, item.ending)
        for item in found
    ]
    terminal.emit(as_json, {"objections": plain(found)}, lambda: terminal.table(headings, lines))
    return 0


COMMANDS = (object_, correct, uphold, decision, listing)
