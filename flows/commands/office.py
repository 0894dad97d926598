"""`jiexu init`, `jiexu upgrade`: an office, founded and brought to this version."""

from pathlib import Path

import click

from flows import founding, keyring, terminal, upgrading
from flows.commands.common import Place, json_option, pass_place
from flows.times import now
from formats.errors import UsageError
from formats.messages import Environment


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise UsageError("S417", str(path)) from None


@click.command()
@click.argument("home", type=click.Path(path_type=Path))
@click.option("--code", required=True, help="Agency code, 8 digits.")
@click.option("--name", required=True, help="The office's name.")
@click.option("--mailbox", default="folder:mailbox", show_default=True, help="folder:PATH or sftp://user@host/folder.")
@click.option("--host-key", default="", help="The SSH server's key, pinned: 'ssh-ed25519 AAAA...'.")
@click.option("--environment", type=click.Choice(["production", "test"]), default="production", show_default=True)
@click.option("--key", type=click.Path(path_type=Path), help="An OpenPGP secret key to use instead of a new one.")
@click.option("--ledger", default="", help="URL of a PostgreSQL ledger; else a file in the home.")
@click.option("--records", default="", help="URL of the records database; else a file in the home.")
@click.option("--escrow", type=click.Path(path_type=Path), help="An OpenPGP public key to use as escrow key.")
@json_option
def init(
    home: Path,
    code: str,
    name: str,
    mailbox: str,
    host_key: str,
    environment: Environment,
    key: Path | None,
    ledger: str,
    records: str,
    escrow: Path | None,
    as_json: bool,
) -> int:
    """Found an office at HOME: keys, ledger, folders and an office.toml with every setting explained."""
    secret, public = _read(key) if key else "", _read(escrow) if escrow else ""
    plan = founding.Plan(code, name, mailbox, host_key, environment, secret, ledger, records, public)
    settings = founding.found(home.absolute(), plan, now())
    with Place(settings.home).office() as office:
        document = {"home": str(settings.home), "code": code, "fingerprint": office.key.fingerprint}
    document["ssh_key"] = _read(settings.path("keys/ssh.pub")).strip()
    archive, escrow_key = keyring.recipients(settings.home)
    document |= {"archive_key": archive.fingerprint, "escrow_key": escrow_key.fingerprint}
    document["journal_key"] = keyring.journal_verifier(settings.home)
    away = keyring.escrow_at_home(settings.home)
    terminal.emit(as_json, {**document, "take_away": away}, lambda: terminal.table(("", ""), document.items()))
    terminal.take_away(away)
    return 0


@click.command()
@json_option
@pass_place
def upgrade(place: Place, as_json: bool) -> int:
    """Bring a home to this program's version: ledger, keys, and originals that were kept as plain files."""
    with place.office() as office:
        version = upgrading.upgrade(office, now())
        away = keyring.escrow_at_home(office.settings.home)
    document = {"version": version, "take_away": away}
    terminal.emit(as_json, document, lambda: click.echo(f"the ledger is at version {version}"))
    terminal.take_away(away)
    return 0
