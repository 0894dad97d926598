"""`jiexu init`, `jiexu partner`, `jiexu upgrade`: an office and whom it knows."""

from pathlib import Path

import click

from flows import founding, keyring, terminal, upgrading
from flows.commands.common import Place, json_option, pass_place
from flows.times import now
from formats.errors import UsageError
from formats.messages import Environment
from transfer import partners
from transfer.keys import load_public
from transfer.partners import Card, Directory


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


@click.group()
def partner() -> None:
    """The offices this office exchanges with."""


@partner.command()
@json_option
@pass_place
def card(place: Place, as_json: bool) -> int:
    """Print this office's own card, to be given to partners."""
    with place.office() as office:
        own = founding.own_card(office)
        terminal.emit(as_json, _card_document(own), lambda: click.echo(partners.render_card(own), nl=False))
    return 0


@partner.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--code", default="", help="Instead of a card: the partner's agency code.")
@click.option("--name", default="", help="The partner's name.")
@click.option("--key", type=click.Path(path_type=Path), help="The partner's OpenPGP public key.")
@click.option("--mailbox", default="folder:mailbox", help="Where packages for the partner are put.")
@click.option("--host-key", default="", help="The key of the partner's SSH server.")
@click.option("--fingerprint", default="", help="The key's fingerprint as the partner has told it; else you are asked.")
@json_option
@pass_place
def add(
    place: Place,
    file: Path | None,
    code: str,
    name: str,
    key: Path | None,
    mailbox: str,
    host_key: str,
    fingerprint: str,
    as_json: bool,
) -> int:
    """Add a partner from its card FILE (or from --code, --name, --key) once the fingerprint has been compared."""
    if file is not None:
        new = partners.parse_card(_read(file))
    elif code and key is not None:
        armored = _read(key)
        new = Card(code, name, mailbox, host_key, armored, load_public(armored).fingerprint)
    else:
        raise click.UsageError("give a card FILE, or --code and --key")
    if fingerprint:
        if fingerprint.replace(" ", "").upper() != new.fingerprint:
            raise UsageError("T130", "the fingerprint is not that of the card")
    elif not _confirmed(f"Has the partner told you the fingerprint {new.fingerprint}?"):
        raise UsageError("T130", "the fingerprint was not confirmed; a script gives it with --fingerprint")
    Directory.add(place.office().settings.path("partners"), new, now())
    terminal.emit(as_json, _card_document(new), lambda: click.echo(f"added {new.code} {new.name}"))
    return 0


@partner.command("list")
@json_option
@pass_place
def listing(place: Place, as_json: bool) -> int:
    """List the partners."""
    known = place.office().directory.partners.values()
    told = [
        {"code": item.code, "name": item.name, "mailbox": item.mailbox, "fingerprint": key.key.fingerprint}
        for item in known
        for key in item.keys
    ]
    headings = ("code", "name", "mailbox", "fingerprint")
    rows = [list(item.values()) for item in told]
    terminal.emit(as_json, {"partners": told}, lambda: terminal.table(headings, rows))
    return 0


def _confirmed(question: str) -> bool:
    """Whether a person says yes; no is also said by nobody, when there is no terminal."""
    try:
        return click.confirm(question, err=True)
    except click.Abort:
        return False


def _card_document(item: Card) -> dict[str, str]:
    told = {"code": item.code, "name": item.name, "mailbox": item.mailbox, "fingerprint": item.fingerprint}
    return told | {"journal": item.journal}


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
