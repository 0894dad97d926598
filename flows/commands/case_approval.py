"""`jiexu case approve` and `jiexu case statement`: the stages of art. 7, signed with people's own keys."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from flows import approving, terminal
from flows.commands.common import Place, by_option, json_option, pass_place
from flows.private import write_private
from flows.times import now
from formats.errors import UsageError
from formats.messages import STAGES
from transfer.keys import OfficeKey, load_secret

_path = click.Path(path_type=Path)
stage_option = click.option("--stage", type=click.Choice(STAGES), required=True, help="The stage that is approved.")


@click.command()
@click.argument("numbers", nargs=-1, required=True, metavar="CASE...")
@stage_option
@click.option("--key", type=_path, help="The person's own secret OpenPGP key, armored: each case is signed with it.")
@click.option("--passphrase-file", type=_path, help="The file with the passphrase of --key; else you are asked.")
@click.option("--signature", type=_path, help="Instead of --key: the signature over the statement of the one CASE.")
@by_option
@json_option
@pass_place
def approve(
    place: Place,
    numbers: Sequence[str],
    stage: str,
    key: Path | None,
    passphrase_file: Path | None,
    signature: Path | None,
    by: str,
    as_json: bool,
) -> int:
    """Approve one stage of cases (art. 7); each stage by a different person."""
    if (key and signature) or (passphrase_file and not key) or (signature and len(set(numbers)) > 1):
        raise UsageError("S421", "give --key for any number of cases, or --signature for one")
    unlocked = _unlocked(key, passphrase_file) if key else None
    with place.office() as office:
        if unlocked:
            approving.sign(office, numbers, stage, by, unlocked, now())
        elif signature:
            approving.take(office, numbers[0], stage, by, _bytes(signature), now())
        else:
            approving.enter(office, numbers, stage, by, now())
    told = {"approved": list(numbers), "stage": stage, "signed": bool(key or signature)}
    terminal.emit(as_json, told, lambda: click.echo(f"{stage}: {len(numbers)}"))
    return 0


@click.command()
@click.argument("number", metavar="CASE")
@stage_option
@click.option("-o", "--output", type=_path, help="Write it to this file, which must not be there.")
@by_option
@json_option
@pass_place
def statement(place: Place, number: str, stage: str, output: Path | None, by: str, as_json: bool) -> int:
    """Print what a person signs to approve a stage of a case, for `gpg --detach-sign` elsewhere."""
    with place.office() as office:
        said = approving.statement(office, number, stage, by, now())
    if output:
        write_private(output, said, replace=False)
    text = said.decode()
    terminal.emit(as_json, {"case": number, "statement": text}, lambda: click.echo(output or text, nl=bool(output)))
    return 0


def _unlocked(key: Path, passphrase_file: Path | None) -> OfficeKey:
    """The person's key. Raises UsageError S408, S417."""
    try:
        armored = _bytes(key).decode("ascii")
        given = _bytes(passphrase_file).decode().rstrip("\n") if passphrase_file else None
    except UnicodeDecodeError:
        raise UsageError("S408", "not an armored key, or a passphrase that is no text") from None
    return load_secret(armored, _asked() if given is None else given)


def _asked() -> str:
    """The passphrase from the terminal; empty, for a key without one, where there is nobody to ask."""
    if not sys.stdin.isatty():
        return ""
    try:
        return str(click.prompt("Passphrase", default="", show_default=False, hide_input=True, err=True))
    except click.Abort:
        return ""


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError("S417", f"{path}: {error.strerror}") from None
