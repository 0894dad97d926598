"""`jiexu archive due`, `hold`, `holds`, `lift`, `destroy`: how long originals are kept, and how they lawfully go."""

from collections.abc import Sequence
from pathlib import Path

import click

from archive import holds as holding
from flows import destroying, terminal
from flows.commands.common import Place, asked_by, by_option, json_option, pass_place
from flows.private import write_private
from flows.reports import plain
from flows.times import now
from formats.digest import sha256
from formats.errors import UsageError


@click.command()
@json_option
@pass_place
def due(place: Place, as_json: bool) -> int:
    """List the originals whose retention period has ended and that no hold keeps."""
    with place.office() as office:
        items = destroying.due(office, now())
    lines = [(item.digest, item.bytes, item.due, " ".join(sorted({row[0] for row in item.rows}))) for item in items]
    headings = ("digest", "size", "due", "kinds")
    terminal.emit(as_json, {"due": plain(items)}, lambda: terminal.table(headings, lines))
    return 0


@click.command()
@click.argument("case")
@click.option("--why", required=True, help="The reason, without names: the number of the objection or suit.")
@by_option
@json_option
@pass_place
def hold(place: Place, case: str, why: str, by: str, as_json: bool) -> int:
    """Keep the originals of a case from destruction, whatever their age (art. 16)."""
    with place.office() as office:
        placed = holding.place(office.ledger, case, why, by, now())
    terminal.emit(as_json, plain(placed), lambda: click.echo(f"hold {placed.number} on {case}"))
    return 0


@click.command()
@click.option("--all", "lifted", is_flag=True, help="Those that were lifted too.")
@json_option
@pass_place
def holds(place: Place, lifted: bool, as_json: bool) -> int:
    """List the holds."""
    with place.office() as office:
        found = holding.listing(office.ledger, lifted=lifted)
    headings = ("hold", "case", "partner", "placed", "by", "lifted", "why")
    lines = [
        (item.number, item.case, item.partner, item.placed, item.placed_by, item.lifted, item.why) for item in found
    ]
    terminal.emit(as_json, {"holds": plain(found)}, lambda: terminal.table(headings, lines))
    return 0


@click.command()
@click.argument("number", type=int)
@by_option
@json_option
@pass_place
def lift(place: Place, number: int, by: str, as_json: bool) -> int:
    """Lift a hold by its number."""
    with place.office() as office:
        lifted = holding.lift(office.ledger, number, by, now())
    terminal.emit(as_json, plain(lifted), lambda: click.echo(f"hold {number} on {lifted.case} is lifted"))
    return 0


@click.command()
@click.argument("order", required=False, type=click.Path(path_type=Path))
@click.option("--order", "output", type=click.Path(path_type=Path), help="Write an order of all that is due to FILE.")
@click.option(
    "--signature",
    "signatures",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A detached OpenPGP signature over ORDER by one of staff/; two different people must sign.",
)
@asked_by("Who carries it out: a staff id.")
@json_option
@pass_place
def destroy(
    place: Place, order: Path | None, output: Path | None, signatures: Sequence[Path], by: str, as_json: bool
) -> int:
    """Write a destruction order (--order FILE), or carry out ORDER when two people signed it."""
    if (order is None) == (output is None) or (output and signatures):
        raise UsageError("S421", "give either --order FILE, or ORDER with its signatures")
    return _carry_out(place, order, signatures, by, as_json) if order else _write(place, output or Path(), as_json)


def _write(place: Place, output: Path, as_json: bool) -> int:
    with place.office() as office:
        order = destroying.write_order(office, now())
    write_private(output, order, replace=False)
    told = {"file": str(output), "bytes": len(order), "digest": sha256(order)}

    def people() -> None:
        """Print for people."""
        click.echo(f"{output}: SHA-256 {told['digest']}")
        click.echo(f"Two people of the office look through it and sign: gpg --detach-sign {output}", err=True)

    terminal.emit(as_json, told, people)
    return 0


def _carry_out(place: Place, order: Path, signatures: Sequence[Path], by: str, as_json: bool) -> int:
    with place.office() as office:
        given = [_bytes(path) for path in signatures]
        done, signers = destroying.carry_out(office, _bytes(order), given, by, now())
    text = f"{done.originals} originals, {done.bytes} bytes destroyed by order {done.order}"
    terminal.emit(as_json, {**plain(done), "signers": plain(signers)}, lambda: click.echo(text))
    return 0


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError("S417", f"{path}: {error.strerror}") from None
