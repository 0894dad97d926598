"""`jiexu case`: open, approve, hold, release, withdraw, list and show cases; `case_chase.py` says what is due."""

from collections.abc import Sequence
from typing import Any

import click

from archive import cases
from archive.case import State
from archive.cases import CaseRow, NewCase
from flows import objections, terminal, writing
from flows.commands import case_compare, case_letters, case_objection, case_overlap
from flows.commands.case_approval import approve, statement
from flows.commands.case_chase import chase
from flows.commands.case_kinds import KINDS, moving_kinds
from flows.commands.case_money import money_command
from flows.commands.common import Place, by_option, json_option, pass_place, why_option
from flows.reports import plain
from flows.times import now


@click.group()
def case() -> None:
    """The cases of this office: one person's transfer to or from another office."""


@case.command("open")
@click.option("--partner", required=True, help="Agency code of the receiving office.")
@click.option("--person", "persons", required=True, multiple=True, help="Person number (AAC001); may be repeated.")
@click.option("--kinds", default=KINDS, show_default=True, help="Insurance kinds (AAE140) being transferred.")
@by_option
@json_option
@pass_place
def open_(place: Place, partner: str, persons: Sequence[str], kinds: str, by: str, as_json: bool) -> int:
    """Open a case for each person."""
    scope = moving_kinds(kinds.split(","))
    with place.office() as office:
        office.directory.partner(partner)
        numbers = cases.number_cases(office.ledger, office.code, len(persons), now())
        new = [NewCase(number, partner, person, scope) for number, person in zip(numbers, persons, strict=True)]
        cases.open_cases(office.ledger, new, by, now())
    terminal.emit(as_json, {"opened": list(numbers)}, lambda: click.echo("\n".join(numbers)))
    return 0


def _change(place: Place, number: str, act: Any, by: str, why: str, as_json: bool) -> int:
    with place.office() as office:
        act(office.ledger, number, by, why, now())
        row = cases.find(office.ledger, number)
    terminal.emit(as_json, _document(row), lambda: click.echo(f"{row.case} {row.state}"))
    return 0


@case.command()
@click.argument("number", metavar="CASE")
@by_option
@why_option
@json_option
@pass_place
def hold(place: Place, number: str, by: str, why: str, as_json: bool) -> int:
    """Hold a case back from sending."""
    return _change(place, number, cases.hold, by, why, as_json)


@case.command()
@click.argument("number", metavar="CASE")
@by_option
@why_option
@json_option
@pass_place
def release(place: Place, number: str, by: str, why: str, as_json: bool) -> int:
    """Release a held case; it must be approved anew."""
    return _change(place, number, cases.release, by, why, as_json)


@case.command()
@click.argument("number", metavar="CASE")
@by_option
@why_option
@json_option
@pass_place
def withdraw(place: Place, number: str, by: str, why: str, as_json: bool) -> int:
    """Withdraw a case: at once, or by taking back what was sent; one that the partner asked for is declined."""
    with place.office() as office:
        writing.withdraw(office, number, why, by, now())
        row = cases.find(office.ledger, number)
    terminal.emit(as_json, _document(row), lambda: click.echo(f"{row.case} {row.state}"))
    return 0


@case.command("list")
@click.option("--state", type=click.Choice([state.value for state in State]), help="Only cases in this state.")
@click.option("--partner", help="Only cases with this partner.")
@click.option("--objected", is_flag=True, help="Only cases with an objection that is open (art. 16).")
@json_option
@pass_place
def listing(place: Place, state: str | None, partner: str | None, objected: bool, as_json: bool) -> int:
    """List cases."""
    with place.office() as office:
        rows = cases.listing(office.ledger, state=state, partner=partner)
        if objected:
            numbers = {item.case for item in objections.every(office) if not item.ending}
            rows = tuple(row for row in rows if row.case in numbers)
    headings = ("case", "direction", "partner", "state", "updated", "reasons")
    lines = [(row.case, row.direction, row.partner, row.state, row.updated, _codes(row)) for row in rows]
    terminal.emit(as_json, {"cases": [_document(row) for row in rows]}, lambda: terminal.table(headings, lines))
    return 0


@case.command()
@click.argument("number", metavar="CASE")
@json_option
@pass_place
def show(place: Place, number: str, as_json: bool) -> int:
    """Show one case with its approvals and what the checks found."""
    with place.office() as office:
        row = cases.find(office.ledger, number)
        raised = objections.of_case(office, row)
        language = office.settings.language

    def people() -> None:
        """Print for people."""
        fields = {key: value for key, value in _document(row).items() if key not in ("findings", "approvals")}
        fields["kinds"] = " ".join(row.kinds)
        terminal.table(("", ""), fields.items())
        for approval in row.approvals:
            click.echo(f"{approval.at} {approval.stage} {approval.person}")
        for finding in row.findings:
            click.echo(terminal.finding_line(finding, language))
        for item in raised:
            click.echo(f"{item.entered} objection, {item.route}: {item.ending or 'open'} {item.decided}".rstrip())

    terminal.emit(as_json, _document(row) | {"objections": plain(raised)}, people)
    return 0


def _codes(row: CaseRow) -> str:
    return " ".join(dict.fromkeys(finding.code for finding in row.findings))


def _document(row: CaseRow) -> dict[str, Any]:
    document: dict[str, Any] = plain(row)
    return document


for command in (
    *(approve, statement, chase, money_command),
    *(*case_letters.COMMANDS, *case_overlap.COMMANDS, *case_compare.COMMANDS, *case_objection.COMMANDS),
):
    case.add_command(command)
