"""The keyring: the keys with which an office keeps its originals, and the one with which it signs its journal.

    keys/archive.asc            the archive key, secret, locked with the office's passphrase
    keys/archive-1.asc, …       earlier ones, kept because backups made under them need them
    keys/escrow.asc             the escrow key, public: everything can also be read with its secret half, kept elsewhere
    keys/escrow-secret.asc      that half, and keys/escrow-passphrase: only until somebody has taken them away
    keys/journal.pem            the journal's key, secret, locked with the office's passphrase
    keys/journal.vkey           its public line

Key files are read when they are needed and unlocked once in a process, so that a change of key needs no restart.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Final, Self

from archive.checkpoints import JournalKey
from flows.settings import Settings
from flows.times import now
from formats.errors import IntegrityError, RefusedError, UsageError
from transfer import wrapping
from transfer.keys import OfficeKey, PublicKey, load_public, load_public_half, load_secret

ARCHIVE: Final = "keys/archive.asc"
ESCROW: Final = "keys/escrow.asc"
ESCROW_SECRET: Final = "keys/escrow-secret.asc"  # noqa: S105 - where it lies, not what it is
ESCROW_PASSPHRASE: Final = "keys/escrow-passphrase"  # noqa: S105 - where it lies, not what it is
JOURNAL: Final = "keys/journal.pem"
JOURNAL_VERIFIER: Final = "keys/journal.vkey"

unlocked = cache(load_secret)
_public = cache(load_public)
public_half = cache(load_public_half)

Keys = Callable[[], Iterable[OfficeKey]]
Recipients = Callable[[], Iterable[PublicKey]]


class ArchiveWrap:
    """Keys of segments and backups, wrapped so that the archive key and the escrow key open each alone.

    An `archive.segments.keys.KeyWrap`: what is wrapped is text that a person can use.
    """

    def __init__(self, recipients: Recipients, keys: Keys, clock: Callable[[], datetime] = now) -> None:
        """`recipients` and `keys` are asked anew each time; keys are tried in order, only as far as needed."""
        self._recipients = recipients
        self._keys = keys
        self._clock = clock

    @classmethod
    def of(cls, settings: Settings, *more: OfficeKey) -> Self:
        """That of an office: its archive keys, the newest first, and `more`, such as an escrow key handed in."""

        def keys() -> Iterator[OfficeKey]:
            yield from more
            yield from (unlocked(_text(path), settings.passphrase()) for path in archive_keys(settings.home))

        return cls(lambda: recipients(settings.home), keys)

    @classmethod
    def with_key(cls, armored: str, passphrase: str) -> Self:
        """One secret key alone, archive or escrow: it opens what is there and wraps nothing. Raises UsageError S408."""
        key = unlocked(armored, passphrase)
        return cls(tuple, lambda: (key,))

    def wrap(self, key: bytes) -> bytes:
        """The text of a key as an OpenPGP message to all recipients. Raises UsageError S408 if one cannot be read."""
        return wrapping.wrap(key, tuple(self._recipients()), self._clock())

    def unwrap(self, message: bytes) -> bytes:
        """The text in a message. Raises IntegrityError A509 if none of the keys opens it.

        Raises UsageError S408 if a key of this office that might have opened it cannot be read or unlocked.
        """
        for key in self._keys():
            try:
                return wrapping.unwrap(message, (key,))
            except RefusedError as error:
                if error.code != "T111":
                    raise IntegrityError("A509", str(error)) from None
        raise IntegrityError("A509", "it is wrapped for other keys")


def archive_keys(home: Path) -> list[Path]:
    """The files of this home's archive keys: the present one, then the earlier ones, the newest first."""
    earlier = [(int(number), path) for number, path in _numbered(home)]
    return [home / ARCHIVE, *(path for _, path in sorted(earlier, reverse=True))]


def earlier_key_name(home: Path) -> Path:
    """The next free name for an archive key that is replaced."""
    taken = [int(number) for number, _ in _numbered(home)]
    return home / f"keys/archive-{max(taken, default=0) + 1}.asc"


def _numbered(home: Path) -> Iterator[tuple[str, Path]]:
    for path in (home / "keys").glob("archive-*.asc"):
        number = path.stem.removeprefix("archive-")
        if number.isascii() and number.isdigit():
            yield number, path


def recipients(home: Path) -> tuple[PublicKey, PublicKey]:
    """The archive key's public half and the escrow key. Raises UsageError S408."""
    return public_half(_text(home / ARCHIVE)), _public(_text(home / ESCROW))


def journal_key(settings: Settings) -> JournalKey:
    """The key that signs the journal's heads, unlocked once in a process. Raises UsageError S408."""
    return _journal_key(_bytes(settings.path(JOURNAL)), settings.passphrase())


@cache
def _journal_key(pem: bytes, passphrase: str) -> JournalKey:
    return JournalKey.load(pem, passphrase)


def journal_verifier(home: Path) -> str:
    """The public line of the journal's key, empty for a home that has none yet. Raises UsageError S408."""
    path = home / JOURNAL_VERIFIER
    return _text(path).strip() if path.exists() else ""


def escrow_at_home(home: Path) -> tuple[str, ...]:
    """The escrow's secrets that still lie in this home, by their names in it; whoever sees any should say so.

    While they lie here, who has the machine has the escrow key too, and who loses the machine loses both.
    """
    return tuple(name for name in (ESCROW_SECRET, ESCROW_PASSPHRASE) if (home / name).exists())


def _text(path: Path) -> str:
    try:
        return _bytes(path).decode("ascii")
    except UnicodeDecodeError:
        raise UsageError("S408", f"keys/{path.name} is not an armored key") from None


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError("S408", f"keys/{path.name}: {error.strerror}") from None
