"""`jiexu case overlaps` and `clear`: months of a pension that were paid at both offices (先转后清)."""

from datetime import datetime
from pathlib import Path

import click

from flows import clearing, clearing_page, documents, terminal
from flows.commands.common import Place, by_option, json_option, pass_place
from flows.private import write_private
from flows.reports import plain
from flows.times import now
from formats.errors import UsageError
from formats.pension.overlap import Side
from formats.reasons import LANGUAGES, Language
from formats.workdays import beijing_day


@click.command()
@json_option
@pass_place
def overlaps(place: Place, as_json: bool) -> int:
    """List the cases that brought months of a pension which were paid here too and are still to be cleared."""
    with place.office() as office:
        found = clearing.overlaps(office)
    rows = [(item.case, item.partner, str(item.months)) for item in found]
    terminal.emit(as_json, {"overlaps": plain(found)}, lambda: terminal.table(("case", "partner", "months"), rows))
    return 0


@click.command()
@click.argument("number", metavar="CASE")
@click.option("--keep", type=click.Choice(["delivered", "stored"]), required=True, help="Which relation is kept.")
@click.option("--agreed", type=click.DateTime(["%Y-%m-%d"]), help="The day on which the person agreed; else a draft.")
@click.option("--lang", type=click.Choice(LANGUAGES), help="Language of the sheet; else that of the office.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@by_option
@json_option
@pass_place
def clear(
    place: Place,
    number: str,
    keep: Side,
    agreed: datetime | None,
    lang: Language | None,
    output: Path,
    by: str,
    as_json: bool,
) -> int:
    """Write the sheet by which the months of CASE that were paid twice are cleared: what is kept, what is refunded.

    Changes nothing in the records database: the refunds are booked there as contributions of type 20, and then the
    case is off the list. The journal says who took the sheet out, and with --agreed what the person agreed to.
    """
    at = now()
    if agreed is not None and agreed.date() > beijing_day(at):
        raise UsageError("S421", "--agreed: a day that is still to come")
    with place.office() as office:
        proposal = clearing.propose(office, number, keep, beijing_day(at))
        documents.note_taken_out(office, proposal.original, by, at)
        write_private(output, clearing_page.page(proposal, lang or office.settings.language))
        if agreed is not None:
            clearing.agree(office, proposal, agreed.date(), by, at)
    months = len(proposal.clearing.cleared)
    told = {"case": number, "file": str(output), "kept": keep, "months": months, "agreed": agreed is not None}
    terminal.emit(as_json, told, lambda: click.echo(f"{output}: {months} months, kept: {keep}"))
    return 0


COMMANDS = (overlaps, clear)
