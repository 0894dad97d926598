"""The people of an office as values: who holds which role from when to when, and by which keys each signs. Pure.

Office's roster (`staff/roster.toml`) and staff card (`staff_cards.py`) have them in the same form:

    [[person]]
    id = "staff-17"
    [[person.key]]        the newest last
    fingerprint = "…"
    public_key = '''…'''
    [[person.role]]
    role = "handler"
    valid_from = 2026-11-23T00:00:00Z
    valid_to = 2027-01-01T00:00:00Z    exclusive; left out: open

Roles are those of arts. 7 and 26 of the Measures: who administers systems or databases handles no cases and looks
nobody up.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from typing import Any, Final

from formats.errors import UsageError
from formats.identifiers import is_staff_id
from formats.messages import STAGES
from transfer import framing, toml_text
from transfer.cards import grouped, plain
from transfer.keys import PublicKey
from transfer.partner import FOREVER

BUSINESS: Final = (*STAGES, "lookup")
ADMINISTRATORS: Final = ("system-administrator", "database-administrator")
_PACKETS: Final = 200  # as many as a key that is read has at most
ROLES: Final = (*BUSINESS, *ADMINISTRATORS, "auditor")


@dataclass(frozen=True, slots=True)
class Role:
    """One role of a person. Times are UTC; `valid_to` is exclusive, FOREVER for an open end."""

    role: str
    valid_from: datetime
    valid_to: datetime = FOREVER

    def held(self, at: datetime) -> bool:
        """Whether the person has it at this time."""
        return self.valid_from <= at < self.valid_to


@dataclass(frozen=True, slots=True)
class StaffKey:
    """One OpenPGP certificate of a person: the primary key's fingerprint, 40 upper-case hex digits, and the armor."""

    fingerprint: str
    public_key: str


@dataclass(frozen=True, slots=True)
class Person:
    """One person under a staff id; the newest key is the last."""

    id: str
    keys: tuple[StaffKey, ...]
    roles: tuple[Role, ...] = ()

    def holds(self, role: str, at: datetime) -> bool:
        """Whether the person has this role at this time."""
        return any(one.role == role and one.held(at) for one in self.roles)

    def roles_at(self, at: datetime) -> tuple[str, ...]:
        """The roles that the person has at this time, each once."""
        return tuple(dict.fromkeys(one.role for one in self.roles if one.held(at)))


Roster = Mapping[str, Person]


def check(roster: Roster) -> None:
    """Whether roles and keys are apart as they must be. Raises UsageError S475, naming the staff id.

    No administrator's and no business role of one person at overlapping times (art. 26); no key under two ids, which
    would let one person approve two stages (art. 7).
    """
    owners: dict[str, str] = {}
    for person in roster.values():
        for one, other in combinations(person.roles, 2):
            overlap = one.valid_from < other.valid_to and other.valid_from < one.valid_to
            if overlap and (_incompatible(one.role, other.role) or _incompatible(other.role, one.role)):
                raise UsageError("S475", f"{person.id}: {one.role} and {other.role}")
        for key in person.keys:
            owner = owners.setdefault(key.fingerprint, person.id)
            if owner != person.id:
                raise UsageError("S475", f"{owner} and {person.id} have the same key")


def _incompatible(one: str, other: str) -> bool:
    return one in ADMINISTRATORS and other in BUSINESS


def names_somebody(certificate: PublicKey, person: str) -> bool:
    """Whether a certificate has a user id that is not the staff id: mostly a name, which partners would be told."""
    data = framing.dearmored(certificate.armored.encode("ascii"), "PUBLIC KEY BLOCK")
    users = [bytes(packet.body) for packet in framing.packets(data, _PACKETS) if packet.tag == framing.USER_ID]
    return any(user != person.encode("ascii") for user in users)


def render(people: Iterable[Person]) -> str:
    """The people as TOML."""
    return "".join(map(_person, people))


def _person(person: Person) -> str:
    keys = [
        "\n[[person.key]]\n" + toml_text.lines({"fingerprint": grouped(key.fingerprint), "public_key": key.public_key})
        for key in person.keys
    ]
    roles = ["\n[[person.role]]\n" + toml_text.lines(_bounds(one)) for one in person.roles]
    return "\n[[person]]\n" + toml_text.lines({"id": person.id}) + "".join((*keys, *roles))


def _bounds(role: Role) -> dict[str, str | datetime]:
    begins: dict[str, str | datetime] = {"role": role.role, "valid_from": role.valid_from}
    return begins if role.valid_to >= FOREVER else begins | {"valid_to": role.valid_to}


def parse(table: Mapping[str, Any]) -> Roster:
    """The people in a table of TOML, by their staff ids. Certificates are not read here.

    Raises UsageError S401 (what is no id, role or time, or stands twice), S475 as `check`.
    """
    roster: dict[str, Person] = {}
    for item in _tables(table, "person"):
        name = toml_text.text(item, "id")
        if not is_staff_id(name) or name in roster:
            raise UsageError("S401", "a staff id stands twice or is none: letters, digits and ._@- only")
        keys = tuple(_key(one) for one in _tables(item, "key"))
        roster[name] = Person(name, keys, tuple(_role(one) for one in _tables(item, "role")))
    check(roster)
    return roster


def _tables(table: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    """The tables of this name, none where there are none."""
    return toml_text.tables(table, name) if name in table else ()


def _key(table: Mapping[str, Any]) -> StaffKey:
    return StaffKey(plain(toml_text.text(table, "fingerprint")), toml_text.text(table, "public_key"))


def _role(table: Mapping[str, Any]) -> Role:
    name = toml_text.text(table, "role")
    begins = toml_text.time(table, "valid_from")
    ends = toml_text.time(table, "valid_to") if "valid_to" in table else FOREVER
    if name not in ROLES or not begins < ends:
        raise UsageError("S401", f"a role must be one of {', '.join(ROLES)} and end after it begins")
    return Role(name, begins, ends)
