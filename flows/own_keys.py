"""The office's own exchange keys: the one that signs, the next, and the earlier ones, as files in the home.

    keys/office.asc             the present key, secret, under the office's passphrase: it signs and opens
    keys/office-next.asc        the next one, while a change of key is under way: it opens, the card has it
    keys/office-1.asc, …        earlier ones; kept for good, since what was received is kept as it came
    keys/office-1.until         until when an earlier key opens packages that arrive (UTC); without it, none

The files are read in an order in which a change of key (`rotating.py`), killed or under way, hides none: the next one
before the present one, that before the earlier ones.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from flows import keyring
from flows.settings import Settings
from formats.errors import UsageError
from transfer.keys import OfficeKey, PublicKey

PRESENT: Final = "keys/office.asc"
NEXT: Final = "keys/office-next.asc"
UNTIL: Final = ".until"

_FORM: Final = "%Y-%m-%dT%H:%M:%SZ"

Role = Literal["present", "next", "earlier"]


@dataclass(frozen=True, slots=True)
class OwnKey:
    """One of the office's keys: its file, what it is today, its secret key armored, and until when it opens arrivals.

    `until` is None for the present and the next key, which have no end of this office's making.
    """

    path: Path
    role: Role
    armored: str
    until: datetime | None = None

    @property
    def public(self) -> PublicKey:
        """The public half. Raises UsageError S408."""
        return keyring.public_half(self.armored)

    def opens(self, at: datetime) -> bool:
        """Whether packages that arrive at this time are opened with it."""
        return self.role != "earlier" or (self.until is not None and at < self.until)


def listed(home: Path) -> tuple[OwnKey, ...]:
    """The office's keys, each once: the present one, the next one if there is one, the earlier ones newest first.

    Raises UsageError S408.
    """
    following = _read(home / NEXT) if (home / NEXT).exists() else ""
    present = OwnKey(home / PRESENT, "present", _read(home / PRESENT))
    found = [present]
    if following not in ("", present.armored):
        found.append(OwnKey(home / NEXT, "next", following))
    for path in numbered(home):
        armored = _read(path)
        if armored not in {key.armored for key in found}:
            found.append(OwnKey(path, "earlier", armored, until_of(path)))
    return tuple(found)


def unlocked(settings: Settings, key: OwnKey) -> OfficeKey:
    """The secret key, unlocked once in a process. Raises UsageError S408."""
    return keyring.unlocked(key.armored, settings.passphrase())


def present(settings: Settings) -> OfficeKey:
    """The key that signs. Raises UsageError S408."""
    return keyring.unlocked(_read(settings.home / PRESENT), settings.passphrase())


def every(settings: Settings) -> tuple[OfficeKey, ...]:
    """All keys of this office, the present one first: they open what is kept. Raises UsageError S408."""
    return tuple(unlocked(settings, key) for key in listed(settings.home))


def publics(home: Path) -> tuple[PublicKey, ...]:
    """The public halves of all keys of this office, the present one first. Raises UsageError S408."""
    return tuple(key.public for key in listed(home))


def until_of(path: Path) -> datetime | None:
    """Until when the earlier key in this file opens what arrives. Raises UsageError S408 for what is no time."""
    file = path.with_suffix(UNTIL)
    if not file.exists():
        return None
    try:
        return datetime.strptime(file.read_text(encoding="ascii").strip(), _FORM).replace(tzinfo=UTC)
    except (OSError, ValueError):
        raise UsageError("S408", f"keys/{file.name} is not a time like 2026-11-22T08:00:00Z") from None


def free_name(home: Path) -> Path:
    """The next free name for a key that is replaced."""
    return home / f"keys/office-{max((_number(path) for path in numbered(home)), default=0) + 1}.asc"


def numbered(home: Path) -> list[Path]:
    """The files of earlier keys, the newest first; other names than numbers, such as a person gives, come last."""
    found = [path for path in (home / "keys").glob("office-*.asc") if path.name != Path(NEXT).name]
    return sorted(found, key=lambda path: (-_number(path), path.name))


def _number(path: Path) -> int:
    number = path.stem.removeprefix("office-")
    return int(number) if number.isascii() and number.isdigit() else 0


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except UnicodeDecodeError:
        raise UsageError("S408", f"keys/{path.name} is not an armored key") from None
    except OSError as error:
        raise UsageError("S408", f"keys/{path.name}: {error.strerror}") from None
