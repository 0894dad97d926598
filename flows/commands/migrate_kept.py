"""`jiexu migrate kept`, `take-out`: the sources of earlier migrations, kept among the originals."""

from pathlib import Path

import click

from archive import freezes
from flows import relocation, terminal
from flows.commands.common import Place, by_option, json_option, pass_place
from flows.reports import plain
from migration import room


@click.command()
@json_option
@pass_place
def kept(place: Place, as_json: bool) -> int:
    """List the freezes in the archive."""
    with place.office() as office:
        found = freezes.listing(office.ledger)
    lines = [(one.freeze, one.kept_at, one.originals, one.bytes) for one in found]
    headings = ("freeze", "kept", "originals", "bytes")
    terminal.emit(as_json, {"freezes": plain(found)}, lambda: terminal.table(headings, lines))
    return 0


@click.command("take-out")
@click.argument("freeze")
@click.option(
    "--to", "folder", required=True, type=click.Path(path_type=Path, file_okay=False), help="An empty folder."
)
@by_option
@json_option
@pass_place
def take_out(place: Place, freeze: str, folder: Path, by: str, as_json: bool) -> int:
    """Write a kept freeze into a folder, to migrate from it (freeze:FOLDER) or to check a proof; it stays kept."""
    with place.office() as office:
        room.need(folder, sum(one.bytes for one in freezes.listing(office.ledger) if one.freeze == freeze))
        found = freezes.take_out(office.store, freeze, folder)
        what = {"digest": found.freeze, "kind": freezes.FROZEN}
        relocation.enter(office, "taken-out", what, "a freeze was asked for", "written to a folder", by)
    terminal.emit(as_json, plain(found), lambda: click.echo(f"{found.originals} originals to {folder}"))
    return 0
