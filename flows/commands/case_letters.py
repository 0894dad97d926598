"""`jiexu case request` and what two offices say about a case after that; `jiexu send` posts all of it."""

from collections.abc import Sequence

import click

from archive import cases, conversation
from archive.cases import NewCase
from flows import letters, terminal, writing
from flows.commands.case_kinds import KINDS, moving_kinds
from flows.commands.common import Place, by_option, json_option, pass_place
from flows.reports import plain
from flows.times import now
from flows.wiring import Office
from formats.errors import UsageError
from formats.reasons import reasons

# Why a delivery is returned or corrected: reasons at this step of the table.
_STEP = "conversation"


@click.command()
@click.option("--partner", required=True, help="Agency code of the office that has the record.")
@click.option("--person", "persons", required=True, multiple=True, help="Person number here (AAC001); may be repeated.")
@click.option("--kinds", default=KINDS, show_default=True, help="Insurance kinds (AAE140) that are to move.")
@click.option("--posted", is_flag=True, help="Moved by an officially approved posting: the age rule does not apply.")
@by_option
@json_option
@pass_place
def request(
    place: Place, partner: str, persons: Sequence[str], kinds: str, posted: bool, by: str, as_json: bool
) -> int:
    """Ask another office for the records of people who are enrolled here now: a contact letter each."""
    scope = moving_kinds(kinds.split(","))
    with place.office() as office:
        office.directory.partner(partner)
        letters.contact(office)
        numbers = cases.number_cases(office.ledger, office.code, len(persons), now())
        new = [
            NewCase(number, partner, person, scope, "in", "1" if posted else "")
            for number, person in zip(numbers, persons, strict=True)
        ]
        cases.open_cases(office.ledger, new, by, now())
    terminal.emit(as_json, {"opened": list(numbers)}, lambda: click.echo("\n".join(numbers)))
    return 0


@click.command("return")
@click.argument("number", metavar="CASE")
@click.option("--code", default="C420", show_default=True, help="The reason's code: C420, C421 or C422.")
@click.option("--note", required=True, help="What is wrong, in plain words; the partner reads it.")
@by_option
@json_option
@pass_place
def send_back(place: Place, number: str, code: str, note: str, by: str, as_json: bool) -> int:
    """Return an accepted delivery to the sending office, for it to correct or to explain."""
    reason_code(code)
    with place.office() as office:
        writing.send_back(office, number, code, note, by, now())
        return told(office, number, as_json)


@click.command()
@click.argument("number", metavar="CASE")
@click.option("--text", required=True, help="The question, or the answer; the partner reads it.")
@click.option("--answers", default="", metavar="MESSAGE", help="The message id of the question that this answers.")
@click.option("--respond-by", default="", metavar="DATE", help="The day by which an answer is asked for.")
@by_option
@json_option
@pass_place
def clarify(place: Place, number: str, text: str, answers: str, respond_by: str, by: str, as_json: bool) -> int:
    """Ask the partner about a case, or answer its question."""
    with place.office() as office:
        writing.clarify(office, number, text, answers, respond_by, by, now())
        return told(office, number, as_json)


@click.command("messages")
@click.argument("number", metavar="CASE")
@json_option
@pass_place
def said(place: Place, number: str, as_json: bool) -> int:
    """List what both offices have said about a case."""
    with place.office() as office:
        row = cases.find(office.ledger, number)
        found = conversation.said(office.ledger, row.partner, row.case)
    headings = ("direction", "kind", "message", "answers", "outcome", "written", "posted")
    lines = [
        (item.direction, item.kind, item.message_id, item.answers, item.outcome, item.created, item.posted)
        for item in found
    ]
    terminal.emit(as_json, {"messages": plain(found)}, lambda: terminal.table(headings, lines))
    return 0


COMMANDS = (request, send_back, clarify, said)


def reason_code(code: str) -> None:
    """Raises UsageError S421 for a code that is no reason for a return or a correction: a warning is none."""
    known = reasons().get(code)
    if known is None or (known.step, known.severity) != (_STEP, "error") or not code.startswith("C42"):
        raise UsageError("S421", f"{code} is no reason for a return or a correction")


def told(office: Office, number: str, as_json: bool) -> int:
    """Say where the case stands now; 0, the exit status."""
    row = cases.find(office.ledger, number)
    terminal.emit(as_json, plain(row), lambda: click.echo(f"{row.case} {row.state}"))
    return 0
