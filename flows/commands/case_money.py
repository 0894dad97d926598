"""`jiexu case money`: what has come in for a case, and whether it agrees with the information form."""

import click

from archive import cases, money
from archive.case import State
from archive.money import Remittance
from flows import remitting, terminal
from flows.commands.common import Place, by_or, json_option, pass_place
from flows.reports import plain
from flows.times import now
from formats.errors import UsageError


@click.command("money")
@click.argument("number", metavar="CASE")
@click.option("--kind", default="110", show_default=True, help="Insurance kind (AAE140) that the money is for.")
@click.option("--amount", default="", help="What came in, in yuan with two places; without it, what did so far.")
@click.option("--received", default="", metavar="DATE", help="The day on which it came in.")
@click.option("--reference", default="", help="Number of the voucher of receipt.")
@by_or("", "Your staff id, to enter what came in; looking needs none.")
@json_option
@pass_place
def money_command(
    place: Place, number: str, kind: str, amount: str, received: str, reference: str, by: str, as_json: bool
) -> int:
    """Enter money that came in for a case; when it agrees with the form, the record is taken in by the next pass."""
    if amount and not by:
        raise UsageError("S421", "--by is missing: who enters money says so")
    with place.office() as office:
        if amount:
            remitting.remit(office, number, Remittance(kind, amount, received, reference), by, now())
        row = cases.find(office.ledger, number)
        found = money.received(office.ledger, row.partner, number)
    waits = row.state is State.RECEIVED
    document = {"case": number, "state": str(row.state), "waits": waits, "remittances": plain(found)}
    headings = ("kind", "yuan", "day", "voucher")
    terminal.emit(as_json, document, lambda: terminal.table(headings, found))
    return 0
