"""Change of the office's own exchange key, in three steps that a person takes, with time between them.

*Begin*: the next key is made beside the present one. Packages to either are opened from now on; the card has the new
key, endorsed by the present one; this office still signs with the present one. Partners add the card.

*Switch*, when they have: (1) the present key gets a number, (2) and a time until which it opens what still arrives for
it, (3) the next key takes its place, (4) the file of the next key goes, (5) the archive's description of itself gets
the new public key.

*End*: the earlier key opens no arrivals any more. It stays for good: kept packages are opened with it.

Each file is written beside, flushed and renamed. A process killed anywhere leaves keys with which everything can be
opened, and the same step, taken again, goes on where it stopped.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from archive import journal
from archive.entries import Entry
from archive.segments.files import held
from flows import describing, keyring, new_keys, own_keys
from flows.own_keys import OwnKey
from flows.steps import Steps, quiet
from flows.times import utc_text
from flows.wiring import Office
from formats.errors import UsageError
from transfer.keys import generate_key

_LOCK = "keys/change.lock"
_WHY = "the office's exchange key is changed"


@dataclass(frozen=True, slots=True)
class Rotation:
    """How far a change is: fingerprints of the present key, the next and the last earlier one, empty where none is.

    `until` is the time (UTC text) until which packages to the earlier key are opened, empty where they are not.
    """

    present: str
    following: str
    earlier: str
    until: str


def begin(office: Office, who: str, at: datetime, key: str = "") -> Rotation:
    """Make the next key, or take `key`, an armored secret key under the office's passphrase; the present one signs on.

    A change that was begun is gone on with. Raises UsageError S408, S480 (another next key is there than the one
    given), S417; UnreachableError S409.
    """
    home, passphrase = office.settings.home, office.settings.passphrase()
    with held(office.settings.path(_LOCK)):
        there = _role(home, "next")
        if there and key and keyring.public_half(key).fingerprint != there.public.fingerprint:
            raise UsageError("S480", f"a change to {there.public.fingerprint} is under way")
        armored = (
            there.armored if there else key or generate_key(f"{office.code} <{office.code}@jiexu>", passphrase, at)
        )
        public = new_keys.checked(armored, passphrase, at)
        if public.fingerprint in {item.public.fingerprint for item in own_keys.listed(home) if item.role != "next"}:
            raise UsageError("S480", f"{public.fingerprint} is, or was, the office's key already")
        how = "a change that was begun is gone on with" if there else "the next key is made"
        entry = Entry(utc_text(at), "office-key-begun", {"fingerprint": public.fingerprint}, _WHY, how, who)
        with journal.around(office.ledger, entry):
            new_keys.write_key(home / own_keys.NEXT, armored.encode("ascii"))
    return standing(home, at)


def switch(
    office: Office, who: str, at: datetime, overlap: timedelta, *, reopen: bool = False, steps: Steps = quiet
) -> Rotation:
    """Sign with the next key from now on; what arrives for the earlier one is opened for the time of `overlap`.

    After a switch, once more: the overlap begins anew; when it is over, only with `reopen`. Raises UsageError S480 (no
    change was begun), S408, S417; UnreachableError S409, S416.
    """
    home = office.settings.home
    with held(office.settings.path(_LOCK)):
        new, old = _sides(home, at, reopen=reopen)
        until = utc_text(at + overlap)
        what: dict[str, str | int] = {
            "fingerprint": new.public.fingerprint,
            "earlier": old.public.fingerprint,
            "until": until,
        }
        entry = Entry(utc_text(at), "office-key-changed", what, _WHY, "signs from now on", who)
        with journal.around(office.ledger, entry):
            _put(home, new, old, until, steps)
    with Office(office.settings) as anew:  # an office unlocks its key once
        describing.describe(anew, at)
    return standing(home, at)


def end(office: Office, who: str, at: datetime) -> Rotation:
    """Open no more arrivals with any earlier key; one whose time is over has ended already.

    Raises UsageError S480 (there never was another key), S408, S417; UnreachableError S409.
    """
    home = office.settings.home
    with held(office.settings.path(_LOCK)):
        if _last(home) is None:
            raise UsageError("S480", "the office never had another key")
        open_ones = [key for key in own_keys.listed(home) if key.role == "earlier" and key.opens(at)]
        how = "it opens what is kept, not what arrives"
        entries = [
            Entry(utc_text(at), "office-key-ended", {"fingerprint": key.public.fingerprint}, _WHY, how, who)
            for key in open_ones
        ]
        with journal.around(office.ledger, *entries):
            for key in open_ones:
                _bound(key.path, utc_text(at))
    return standing(home, at)


def standing(home: Path, at: datetime) -> Rotation:
    """How far a change of key is. Raises UsageError S408."""
    following, earlier = _role(home, "next"), _last(home)
    return Rotation(
        present=_present(home).public.fingerprint,
        following=following.public.fingerprint if following else "",
        earlier=earlier.public.fingerprint if earlier else "",
        until=utc_text(earlier.until) if earlier and earlier.until and earlier.opens(at) else "",
    )


def _sides(home: Path, at: datetime, *, reopen: bool) -> tuple[OwnKey, OwnKey]:
    """The key that is to sign from now on, and the one before it."""
    following, earlier = _role(home, "next"), _last(home)
    if following is not None:
        return following, _present(home)
    if earlier is None or earlier.until is None or not (reopen or earlier.opens(at)):
        raise UsageError("S480", "no change of the office's key was begun")
    return _present(home), earlier


def _put(home: Path, new: OwnKey, old: OwnKey, until: str, steps: Steps) -> None:
    """The files of a switch, each step such that it may be the last."""
    place = old.path if old.role == "earlier" else _copy_of(home, old)
    if not place.exists():
        new_keys.write_key(place, old.armored.encode("ascii"))
    steps("numbered", 1)
    _bound(place, until)
    steps("bounded", 1)
    if new.role == "next":
        new_keys.write_key(home / own_keys.PRESENT, new.armored.encode("ascii"))
    steps("replaced", 1)
    new_keys.remove_file(home / own_keys.NEXT)
    steps("switched", 1)


def _bound(path: Path, until: str) -> None:
    """Have the earlier key in this file open arrivals until then."""
    new_keys.write_key(path.with_suffix(own_keys.UNTIL), f"{until}\n".encode("ascii"))


def _copy_of(home: Path, key: OwnKey) -> Path:
    """Where the present key lies under a number: where a killed switch has put it, else the next free name."""
    copies = [path for path in own_keys.numbered(home) if path.read_text(encoding="ascii") == key.armored]
    return copies[0] if copies else own_keys.free_name(home)


def _present(home: Path) -> OwnKey:
    return own_keys.listed(home)[0]


def _role(home: Path, role: str) -> OwnKey | None:
    return next((key for key in own_keys.listed(home) if key.role == role), None)


def _last(home: Path) -> OwnKey | None:
    """The earlier key that was replaced last."""
    return _role(home, "earlier")
