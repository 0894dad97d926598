"""The office's roster, `staff/roster.toml`: who holds which role, and so may act (arts. 7, 26).

Without a roster everybody may act under any staff id, as before there was one. Once a role has been given, who acts
must hold one, and who approves a stage that stage's. The roster itself is changed by whoever holds a role, and, once
somebody is system administrator, by system administrators alone. Each change is one file replaced as a whole and its
entry in the journal, as in `partnering.py`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from archive import journal
from archive.entries import Entry
from archive.segments.files import held
from flows.private import replace_whole
from flows.staff import STAFF, checked_id
from flows.times import utc_text
from flows.wiring import Office
from formats.errors import UsageError
from transfer import roster as rosters
from transfer import toml_text
from transfer.keys import PublicKey
from transfer.partner import FOREVER
from transfer.roster import ADMINISTRATORS, Person, Role, Roster, StaffKey

FILE: Final = f"{STAFF}/roster.toml"
_LOCK: Final = "keys/staff.lock"
_WHY: Final = "separation of posts (arts. 7, 26)"
_COMMENT: Final = """\
# The people of this office and their roles; read anew by every command. jiexu staff add, role and end write it, and
# enter it in the journal. What has ended stays: it says who was what when a case was approved.
"""


def load(home: Path) -> Roster:
    """The roster of this home, empty where there is none. Raises UsageError S401, S417, S475 naming the file."""
    try:
        text = (home / FILE).read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError):
        raise UsageError("S417", FILE) from None
    try:
        return rosters.parse(toml_text.table(text, "the roster"))
    except UsageError as error:
        raise UsageError(error.code, f"{FILE}: {error.detail}") from None


def allow(home: Path, who: str, at: datetime, role: str = "") -> None:
    """Whether this person (a staff id) may act at this time, in any role or in this one.

    Raises UsageError S470 (no role at all), S471 (not this one); S401, S417, S475 (the roster itself).
    """
    known = load(home)
    if not any(person.roles for person in known.values()):
        return
    person = known.get(who)
    if person is None or not person.roles_at(at):
        raise UsageError("S470", checked_id(who))
    if role and not person.holds(role, at):
        raise UsageError("S471", f"{who}: {role}")


def add(office: Office, person: str, certificate: PublicKey, who: str, at: datetime) -> Person:
    """Put a person with this certificate on the roster, or give one who is there a newer certificate.

    It becomes `staff/<staff id>.asc`, and stands in the roster behind the earlier ones. Raises UsageError S408 (it
    cannot sign), S470, S471 (who), S475 (somebody else has this key), S401, S417.
    """
    checked_id(person)
    if not any(not key.weak for key in certificate.signing):
        raise UsageError("S408", f"key {certificate.fingerprint} cannot sign, or is too weak (RSA < 3072)")
    key = StaffKey(certificate.fingerprint, certificate.armored)

    def changed(known: Person) -> Person:
        others = tuple(item for item in known.keys if item.fingerprint != key.fingerprint)
        return replace(known, keys=(*others, key))

    what: dict[str, str | int] = {"person": person, "fingerprint": key.fingerprint}
    entry = Entry(utc_text(at), "staff-added", what, _WHY, "the certificate was put on the roster", who)
    return _change(office, person, changed, lambda _: [entry], who, at, certificate=certificate.armored)


def give(
    office: Office, person: str, role: str, begins: datetime, ends: datetime | None, who: str, at: datetime
) -> Person:
    """Give a person a role from `begins` until `ends`, or for good.

    Raises UsageError S475 (it does not go with another role of the person), S470 (nobody on the roster; who), S471
    (who), S401, S417.
    """
    given = Role(role, _second(begins), _second(ends) if ends else FOREVER)
    if not given.valid_from < given.valid_to:
        raise UsageError("S401", "the role ends before it begins")
    what: dict[str, str | int] = {"person": person, "role": role, "from": utc_text(given.valid_from)}
    what["until"] = utc_text(given.valid_to) if ends else ""
    entry = Entry(utc_text(at), "staff-role-given", what, _WHY, "written into the roster", who)
    return _change(
        office, person, lambda known: replace(known, roles=(*known.roles, given)), lambda _: [entry], who, at
    )


def end(office: Office, person: str, roles: Sequence[str], until: datetime, who: str, at: datetime) -> Person:
    """End these roles of a person at `until`, or all of them; what has ended before stays. Raises as `give`."""
    last = _second(until)

    def ends(one: Role) -> bool:
        return one.valid_to > last and (not roles or one.role in roles)

    def changed(known: Person) -> Person:
        """Roles that would begin later are not given any more."""
        kept = (replace(one, valid_to=last) if ends(one) else one for one in known.roles)
        return replace(known, roles=tuple(one for one in kept if one.valid_from < one.valid_to))

    def entries(known: Person) -> list[Entry]:
        """One for each role that ends."""
        ended = dict.fromkeys(one.role for one in known.roles if ends(one))
        if not ended:
            raise UsageError("S471", f"{person}: nothing to end")
        what = {"person": person, "until": utc_text(last)}
        day, how = utc_text(at), "written into the roster"
        return [Entry(day, "staff-role-ended", {**what, "role": role}, _WHY, how, who) for role in ended]

    return _change(office, person, changed, entries, who, at)


def _change(
    office: Office,
    person: str,
    change: Callable[[Person], Person],
    entries: Callable[[Person], Iterable[Entry]],
    who: str,
    at: datetime,
    *,
    certificate: str = "",
) -> Person:
    """Write the roster with one person changed, and the certificate of that person where there is one.

    `change` and `entries` get the person as the roster has it while nobody else may write it.
    """
    home = office.settings.home
    with held(office.settings.path(_LOCK)):
        known = load(home)
        _may_change(known, who, at)
        before = known.get(person, Person(person, ())) if certificate else _known(known, person)
        changed = change(before)
        after = {**known, person: changed}
        rosters.check(after)
        with journal.around(office.ledger, *entries(before)):
            try:
                (home / STAFF).mkdir(mode=0o700, exist_ok=True)
                replace_whole(home / FILE, (_COMMENT + rosters.render(after.values())).encode())
                if certificate:
                    replace_whole(home / f"{STAFF}/{person}.asc", certificate.encode("ascii"))
            except OSError as error:
                raise UsageError("S417", f"{STAFF}: {error.strerror}") from None
    return changed


def _may_change(known: Roster, who: str, at: datetime) -> None:
    """Raises UsageError S470, S471."""
    administrators = [person.id for person in known.values() if person.holds(ADMINISTRATORS[0], at)]
    if administrators and who not in administrators:
        raise UsageError("S471", f"{checked_id(who)}: {ADMINISTRATORS[0]}")
    active = [person.id for person in known.values() if person.roles_at(at)]
    if active and who not in active:
        raise UsageError("S470", checked_id(who))


def _known(known: Roster, person: str) -> Person:
    if person not in known:
        raise UsageError("S470", checked_id(person))
    return known[person]


def _second(at: datetime) -> datetime:
    """A time as the file has it."""
    return at.astimezone(UTC).replace(microsecond=0)
