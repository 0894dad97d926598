"""`jiexu archive`: what is kept for reference (art. 10)."""

from pathlib import Path

import click

from archive import cases
from flows import documents, terminal
from flows.commands import archive_keys, auditing, backups, bundles, retention
from flows.commands.common import Place, asked_by, json_option, pass_place
from flows.private import write_private
from flows.reports import plain
from flows.times import now


@click.group()
def archive() -> None:
    """The originals that this office keeps for reference (art. 10)."""


@archive.command("list")
@click.option("--case", "number", help="Only those of this case.")
@json_option
@pass_place
def listing(place: Place, number: str | None, as_json: bool) -> int:
    """List originals."""
    with place.office() as office:
        rows = cases.originals(office.ledger, number)
    headings = ("case", "kind", "size", "kept", "digest")
    lines = [(row.case, row.kind, row.size, row.kept, row.digest) for row in rows]
    terminal.emit(as_json, {"originals": plain(rows)}, lambda: terminal.table(headings, lines))
    return 0


@archive.command()
@click.argument("digest")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@asked_by()
@json_option
@pass_place
def get(place: Place, digest: str, output: Path, by: str, as_json: bool) -> int:
    """Write the original with this digest to a file, its bytes checked; the journal says who took it out."""
    with place.office() as office:
        data = office.store.read(digest)
        documents.note_taken_out(office, digest, by, now())
    write_private(output, data)
    told = {"digest": digest, "file": str(output), "bytes": len(data)}
    terminal.emit(as_json, told, lambda: click.echo(f"{output}: {len(data)} bytes"))
    return 0


@archive.command("seal")
@click.option("--all", "everything", is_flag=True, help="The open segment too, however small and young it is.")
@json_option
@pass_place
def seal_(place: Place, everything: bool, as_json: bool) -> int:
    """Seal the segments that are full or old: from then on they are never written again."""
    with place.office() as office:
        office.store.recover(now())
        sealed = office.store.seal_due(now(), all_of_them=everything)
    terminal.emit(as_json, {"sealed": list(sealed)}, lambda: click.echo(f"sealed {len(sealed)}"))
    return 0


for command in (
    auditing.audit_archive,
    archive_keys.rekey_archive,
    backups.backup,
    backups.prune,
    backups.snapshots,
    backups.restore,
    backups.drill_,
    bundles.bundle,
    bundles.verify,
    retention.due,
    retention.hold,
    retention.holds,
    retention.lift,
    retention.destroy,
):
    archive.add_command(command)
