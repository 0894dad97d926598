"""`jiexu staff`: who works in this office, with which key and in which roles; the card of it for partners."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from flows import partner_staff, roster, terminal
from flows.commands.common import Place, json_option, pass_place, time_of
from flows.commands.confirming import confirm
from flows.private import write_private
from flows.times import now, utc_text
from formats.errors import UsageError
from transfer.keys import load_public
from transfer.partner import FOREVER
from transfer.roster import ROLES, Person, Role, names_somebody

# Not `by_option`: who may change the roster is asked by the roster itself.
_by = click.option("--by", required=True, metavar="STAFF", help="Who does it: a staff id, not a name.")


@click.group()
def staff() -> None:
    """The people of this office: their staff ids, certificates and roles (arts. 7, 26)."""


@staff.command()
@click.argument("person", metavar="STAFF")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--fingerprint", default="", help="The key's fingerprint as the person has told it; else you are asked.")
@_by
@json_option
@pass_place
def add(place: Place, person: str, file: Path, fingerprint: str, by: str, as_json: bool) -> int:
    """Put a person's OpenPGP certificate FILE on the roster, under a staff id; a newer one goes behind the earlier."""
    try:
        certificate = load_public(file.read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError):
        raise UsageError("S417", str(file)) from None
    question = f"Has {person} told you the fingerprint {certificate.fingerprint}?"
    if names_somebody(certificate, person):
        click.echo(f"jiexu: its user id is not {person}: partners read it in the staff card", err=True)
    confirm(certificate.fingerprint, fingerprint, question)
    with place.office() as office:
        changed = roster.add(office, person, certificate, by, now())
    return _told(changed, as_json)


@staff.command()
@click.argument("person", metavar="STAFF")
@click.argument("role", type=click.Choice(ROLES))
@click.option("--from", "begins", default="", callback=time_of, help="From when on, with a zone; without it, from now.")
@click.option("--until", "ends", default="", callback=time_of, help="Until when, with a zone; without it, for good.")
@_by
@json_option
@pass_place
def role(
    place: Place, person: str, role: str, begins: datetime | None, ends: datetime | None, by: str, as_json: bool
) -> int:
    """Give a person a role. An administrator's role and a business role never go together."""
    with place.office() as office:
        changed = roster.give(office, person, role, begins or now(), ends, by, now())
    return _told(changed, as_json)


@staff.command()
@click.argument("person", metavar="STAFF")
@click.option("--role", "roles", multiple=True, type=click.Choice(ROLES), help="Only this one; may be repeated.")
@click.option("--at", "until", default="", callback=time_of, help="From when on, with a zone; without it, from now.")
@_by
@json_option
@pass_place
def end(place: Place, person: str, roles: Sequence[str], until: datetime | None, by: str, as_json: bool) -> int:
    """End the roles of a person; what was approved before still counts."""
    with place.office() as office:
        changed = roster.end(office, person, roles, until or now(), by, now())
    return _told(changed, as_json)


@staff.command("list")
@json_option
@pass_place
def listing(place: Place, as_json: bool) -> int:
    """List the people and the roles that they hold, held or will hold."""
    with place.office() as office:
        people, at = roster.load(office.settings.home), now()
    rows = [row for person in people.values() for row in _rows(person, at)]
    headings = ("staff", "role", "from", "until", "state", "fingerprint")
    document = {"staff": [_document(person) for person in people.values()]}
    terminal.emit(as_json, document, lambda: terminal.table(headings, rows))
    return 0


@staff.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@json_option
@pass_place
def card(place: Place, output: Path, as_json: bool) -> int:
    """Write the staff card for partners: ids, roles and certificates, signed with the office's key."""
    with place.office() as office:
        made, text = partner_staff.own_card(office, now())
    write_private(output, text.encode())
    told = {"file": str(output), "people": len(made.people), "issued": utc_text(made.issued)}
    terminal.emit(as_json, told, lambda: click.echo(f"{output}: {len(made.people)} people"))
    return 0


def _told(person: Person, as_json: bool) -> int:
    at = now()
    terminal.emit(as_json, _document(person), lambda: terminal.table(("", "", "", "", "", ""), _rows(person, at)))
    return 0


def _rows(person: Person, at: datetime) -> Sequence[Sequence[object]]:
    """A line a role; one for a person without any."""
    newest = person.keys[-1].fingerprint if person.keys else "-"
    lines = [(person.id, one.role, utc_text(one.valid_from), _until(one), _state(one, at)) for one in person.roles]
    return [(*line, newest) for line in lines or [(person.id, "-", "-", "-", "-")]]


def _state(role: Role, at: datetime) -> str:
    if at < role.valid_from:
        return "not yet"
    return "held" if role.held(at) else "ended"


def _until(role: Role) -> str:
    return "" if role.valid_to >= FOREVER else utc_text(role.valid_to)


def _document(person: Person) -> dict[str, Any]:
    roles = [{"role": one.role, "from": utc_text(one.valid_from), "until": _until(one)} for one in person.roles]
    return {"staff": person.id, "fingerprints": [key.fingerprint for key in person.keys], "roles": roles}
