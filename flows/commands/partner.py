"""`jiexu partner card`, `add`, `list`, `end`, `revoke`: whom this office exchanges with, and by which keys."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from flows import key_warnings, own_card, partnering, terminal
from flows.commands.common import Place, by_option, by_or, json_option, pass_place, time_of
from flows.commands.confirming import confirm
from flows.commands.partner_keys import rehearse, rotate
from flows.commands.partner_staff import staff_of_partner
from flows.key_warnings import KeyLine
from flows.partnering import Added, Endorsed
from flows.reports import plain as as_plain
from flows.times import now, utc_text
from flows.wiring import Office
from formats.errors import UsageError
from transfer import partners
from transfer.cards import Card
from transfer.keys import load_public
from transfer.partners import Partner


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise UsageError("S417", str(path)) from None


@click.group()
def partner() -> None:
    """The offices this office exchanges with, and the keys that count."""


partner.add_command(rotate)
partner.add_command(rehearse)
partner.add_command(staff_of_partner)

fingerprint_option = click.option("--fingerprint", required=True, help="The key's fingerprint; blanks do not matter.")


@partner.command()
@json_option
@pass_place
def card(place: Place, as_json: bool) -> int:
    """Print this office's own card, to be given to partners; during a change of key it is signed by the earlier one."""
    with place.office() as office:
        text = own_card.card_text(office, now())
    told = _card_document(partners.parse_card(text)) | {"card": text}
    terminal.emit(as_json, told, lambda: click.echo(text, nl=False))
    return 0


@partner.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--code", default="", help="Instead of a card: the partner's agency code.")
@click.option("--name", default="", help="The partner's name.")
@click.option("--key", type=click.Path(path_type=Path), help="The partner's OpenPGP public key.")
@click.option("--mailbox", default="folder:mailbox", help="Where packages for the partner are put.")
@click.option("--host-key", default="", help="The key of the partner's SSH server.")
@click.option("--fingerprint", default="", help="The key's fingerprint as the partner has told it; else you are asked.")
@click.option(
    "--overlap-days", type=click.IntRange(0), help="Days for which earlier keys still count; else the setting."
)
@by_or("operator")
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
    overlap_days: int | None,
    by: str,
    as_json: bool,
) -> int:
    """Add a partner from its card FILE (or from --code, --name, --key) once the fingerprint has been compared.

    A partner's next card puts its new key beside the present one, which then ends after the overlap.
    """
    text = ""
    if file is not None:
        text = _read(file)
        new = partners.parse_card(text)
    elif code and key is not None:
        armored = _read(key)
        new = Card(code, name, mailbox, host_key, armored, load_public(armored).fingerprint)
    else:
        raise click.UsageError("give a card FILE, or --code and --key")
    with place.office() as office:
        endorsed = partnering.endorsement(office, new, text, now())
        for line in _before(office, new, endorsed):
            click.echo(f"jiexu: {line}", err=True)
        # A person vouches for the fingerprint, whoever signed the card.
        question = f"Has the partner told you the fingerprint {new.fingerprint}?"
        confirm(new.fingerprint, fingerprint, question)
        days = office.settings.overlap_days if overlap_days is None else overlap_days
        added = partnering.add(office, new, by, now(), timedelta(days=days))
    told = _card_document(new) | _added_document(added, endorsed)
    terminal.emit(as_json, told, lambda: _say_added(new, added))
    return 0


def _before(office: Office, new: Card, endorsed: Endorsed) -> Sequence[str]:
    """What a person should know before the fingerprint is confirmed."""
    known = office.directory.partners.get(new.code)
    if known is None or new.fingerprint in {item.key.fingerprint for item in known.keys}:
        return ()
    lines = [f"{new.code} is a partner already: this is another key, {new.fingerprint}"]
    if endorsed.by:
        lines.append(f"the card is signed by {endorsed.by}, a key of {new.code} that is pinned and valid here")
    else:
        why = f" ({endorsed.code})" if endorsed.code else ""
        lines.append(f"the card is not signed by a key of {new.code} that is pinned and valid here{why}")
    return lines


def _say_added(new: Card, added: Added) -> None:
    click.echo(f"added {new.code} {new.name}")
    if added.state != "valid":
        click.echo(f"jiexu: its key {new.fingerprint} does not count here: {added.state}", err=True)
    for item in added.ended:
        click.echo(f"its key {item.key.fingerprint} counts until {utc_text(item.not_after)}")


def _added_document(added: Added, endorsed: Endorsed) -> dict[str, Any]:
    ended = [{"fingerprint": item.key.fingerprint, "until": utc_text(item.not_after)} for item in added.ended]
    told = {"new_key": added.fresh_key, "state": added.state}
    return told | {"endorsed_by": endorsed.by, "endorsement": endorsed.code, "ended": ended}


@partner.command("list")
@json_option
@pass_place
def listing(place: Place, as_json: bool) -> int:
    """List the partners and this office, a line a key: what it is now, until when it counts, how many days are left."""
    with place.office() as office:
        at = now()
        own, theirs = key_warnings.own(office.settings, at), key_warnings.of_partners(office.directory, at)
        warnings, language = key_warnings.warnings(office, at), office.settings.language
    document = {
        "partners": [_line_document(line, at) for line in theirs],
        "own": [_line_document(line, at) | {"role": line.role} for line in own],
        "warnings": as_plain(warnings),
    }

    def people() -> None:
        """Print for people."""
        headings = ("code", "name", "mailbox", "fingerprint", "state", "valid until", "days left")
        terminal.table(headings, [_row(line, at) for line in (*theirs, *own)])
        terminal.warning_lines(warnings, language)

    terminal.emit(as_json, document, people)
    return 0


def _line_document(line: KeyLine, at: datetime) -> dict[str, Any]:
    told = {"code": line.code, "name": line.name, "mailbox": line.mailbox, "fingerprint": line.fingerprint}
    return told | {"state": line.state, "until": line.until, "days_left": line.days_left(at)}


def _row(line: KeyLine, at: datetime) -> Sequence[object]:
    left = line.days_left(at)
    state = f"own, {line.role}: {line.state}" if line.role else line.state
    days = "-" if left is None else left
    return (line.code, line.name, line.mailbox, line.fingerprint, state, line.until or "-", days)


@partner.command()
@click.argument("code")
@fingerprint_option
@click.option("--at", "until", default="", callback=time_of, help="From when on, with a zone; without it, from now on.")
@by_option
@json_option
@pass_place
def end(place: Place, code: str, fingerprint: str, until: datetime | None, by: str, as_json: bool) -> int:
    """End a partner's key: what it signed before still counts, nothing is encrypted to it any more."""
    with place.office() as office:
        changed = partnering.end(office, code, fingerprint, until or now(), by, now())
    _emit_keys(as_json, changed)
    return 0


@partner.command()
@click.argument("code")
@fingerprint_option
@by_option
@json_option
@pass_place
def revoke(place: Place, code: str, fingerprint: str, by: str, as_json: bool) -> int:
    """Revoke a partner's key: nothing that it signed counts any more, whatever date it bears."""
    with place.office() as office:
        changed = partnering.revoke(office, code, fingerprint, by, now())
    _emit_keys(as_json, changed)
    return 0


def _emit_keys(as_json: bool, changed: Partner) -> None:
    at = now()
    keys = [
        {
            "fingerprint": item.key.fingerprint,
            "state": item.state(at),
            "until": "" if item.until >= partners.FOREVER else utc_text(item.until),
        }
        for item in changed.keys
    ]
    rows = [list(item.values()) for item in keys]
    document = {"code": changed.code, "keys": keys}
    terminal.emit(as_json, document, lambda: terminal.table(("fingerprint", "state", "valid until"), rows))


def _card_document(item: Card) -> dict[str, Any]:
    told = {"code": item.code, "name": item.name, "mailbox": item.mailbox, "fingerprint": item.fingerprint}
    return told | {"journal": item.journal}
