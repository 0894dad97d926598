"""`jiexu case chase`: what is due and overdue, by partner."""

import click

from archive import chasing
from archive.chasing import Chased
from flows import terminal
from flows.commands.common import Place, json_option, pass_place
from flows.reports import plain
from flows.times import now
from formats.workdays import beijing_day

HEADINGS = ("case", "partner", "awaited", "of", "since", "due", "working days", "")


@click.command()
@click.option("--partner", help="Only cases with this partner.")
@click.option("--days", type=click.IntRange(0), help="Only what is due within so many working days, or overdue.")
@json_option
@pass_place
def chase(place: Place, partner: str | None, days: int | None, as_json: bool) -> int:
    """List what cases wait for, of whom, and until when; ends with 1 when something is overdue.

    `provisional`: the calendar is not published yet up to that day. `unsure`: no rule that was seen gives this limit.
    """
    today = beijing_day(now())
    with place.office() as office:
        waiting = chasing.awaiting(office.ledger, partner)
        found = chasing.chased(waiting, today, office.calendar, office.clocks)
    shown = [item for item in found if days is None or (item.left is not None and item.left <= days)]
    overdue = sum(item.overdue for item in shown)
    document = {"on": today.isoformat(), "awaited": plain(shown), "overdue": overdue}
    terminal.emit(as_json, document, lambda: terminal.table(HEADINGS, [_line(item) for item in shown]))
    return 1 if overdue else 0


def _line(item: Chased) -> tuple[str, ...]:
    whom = "this office" if item.of == "us" else "partner"
    marks = [name for name, given in (("provisional", item.provisional), ("unsure", item.unsure)) if given]
    return (
        item.case,
        item.partner,
        item.awaited,
        whom,
        item.since,
        item.due or "no limit",
        _days(item),
        " ".join(marks),
    )


def _days(item: Chased) -> str:
    """Left or over, in words."""
    if item.left is None:
        return ""
    return f"{-item.left} over" if item.overdue else f"{item.left} left"
