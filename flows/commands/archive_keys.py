"""`jiexu archive rekey`: another archive key, and every segment wrapped for it."""

from pathlib import Path

import click

from flows import terminal
from flows.commands.common import Place, by_option, json_option, pass_place
from flows.rekeying import change_archive_key
from flows.reports import plain
from flows.times import now
from formats.errors import UsageError


@click.command("rekey")
@by_option
@click.option("--escrow", type=click.Path(path_type=Path), help="An OpenPGP public key, to be the escrow key from now.")
@json_option
@pass_place
def rekey_archive(place: Place, by: str, escrow: Path | None, as_json: bool) -> int:
    """Make a new archive key and wrap every segment's key for it; a change that was cut off goes on.

    Originals stay as they are. The earlier key is kept in keys/, because backups need it.
    """
    with place.office() as office:
        change = change_archive_key(office, by, now(), _armored(escrow) if escrow else "")

    def people() -> None:
        """Print for people."""
        click.echo(f"archive key {change.archive_key}, escrow key {change.escrow_key}")
        click.echo(f"{change.segments} segments wrapped for them; the earlier key is {change.earlier}")

    terminal.emit(as_json, plain(change), people)
    terminal.take_away(change.take_away)
    return 0


def _armored(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        raise UsageError("S417", str(path)) from None
