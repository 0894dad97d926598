"""`jiexu partner staff`: a partner's staff card is put on file."""

from pathlib import Path

import click

from flows import partner_staff, terminal
from flows.commands.common import Place, by_option, json_option, pass_place
from flows.times import now, utc_text
from formats.errors import UsageError


@click.command("staff")
@click.argument("file", type=click.Path(path_type=Path))
@by_option
@json_option
@pass_place
def staff_of_partner(place: Place, file: Path, by: str, as_json: bool) -> int:
    """Put a partner's staff card FILE on file, when the partner's key signed it: its approvals must be signed then."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise UsageError("S417", str(file)) from None
    with place.office() as office:
        card = partner_staff.add(office, text, by, now())
    told = {"partner": card.office, "issued": utc_text(card.issued), "people": len(card.people)}
    terminal.emit(as_json, told, lambda: click.echo(f"{card.office}: {len(card.people)} people"))
    return 0
