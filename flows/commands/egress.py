"""`jiexu egress`: how much has left today, and how much may."""

import click

from flows import egress as caps
from flows import terminal
from flows.commands.common import Place, json_option, pass_place
from flows.reports import plain
from flows.times import now


@click.group()
def egress() -> None:
    """The caps on what leaves in a day."""


@egress.command()
@json_option
@pass_place
def status(place: Place, as_json: bool) -> int:
    """What was used of today's caps, of the whole office and for each partner, and how many approved cases wait."""
    with place.office() as office:
        found = caps.status(office, now())
    rows = [(item.partner or "office", str(item.used), str(item.left), str(item.waiting)) for item in found]
    headings = ("to", "used", "left", "waiting")
    terminal.emit(as_json, {"egress": plain(found)}, lambda: terminal.table(headings, rows))
    return 0
