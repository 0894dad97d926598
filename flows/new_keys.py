"""New keys for keeping: made when an office is founded or upgraded, and when the archive key is changed.

Each file is written beside, flushed and renamed, its folder flushed: what has been encrypted to a key must not outlive
it. No secret key that was ever in use is lost: one that is replaced stays under a number. Running anything here once
more goes on where it stopped.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from archive.checkpoints import JournalKey
from archive.flushing import flush
from flows import keyring
from flows.private import replace_whole
from formats.errors import UsageError
from transfer.keys import PublicKey, generate_key, load_public, load_public_half, load_secret

_NEXT = "keys/archive-next.asc"


def make_missing(home: Path, code: str, passphrase: str, at: datetime, escrow: str = "") -> tuple[str, ...]:
    """Make the archive key, the escrow key and the journal's key, those that are not there yet; the names of the new.

    `escrow` is the armored public key of an escrow that exists already; without it, the escrow key is made too, its
    secret half locked with a passphrase of its own, both for somebody to take away. Raises UsageError S408 (the escrow
    key cannot be encrypted to), S417 (a file cannot be written).
    """
    made = []
    with _writable():
        if not (home / keyring.ARCHIVE).exists():
            replace_whole(home / keyring.ARCHIVE, new_archive_key(code, passphrase, at))
            made.append(keyring.ARCHIVE)
        if not (home / keyring.ESCROW).exists():
            made += _given_escrow(home, escrow, at) if escrow else _new_escrow(home, code, at)
        if not (home / keyring.JOURNAL).exists():
            replace_whole(home / keyring.JOURNAL, JournalKey.generate(f"jiexu/{code}/journal").dump(passphrase))
            made.append(keyring.JOURNAL)
        if not (home / keyring.JOURNAL_VERIFIER).exists():
            key = JournalKey.load((home / keyring.JOURNAL).read_bytes(), passphrase)
            replace_whole(home / keyring.JOURNAL_VERIFIER, f"{key.verifier}\n".encode("ascii"))
            made.append(keyring.JOURNAL_VERIFIER)
    return tuple(made)


def new_archive_key(code: str, passphrase: str, at: datetime) -> bytes:
    """A new archive key, armored and locked."""
    return generate_key(f"archive of {code} <archive-{code}@jiexu>", passphrase, at).encode("ascii")


def _given_escrow(home: Path, armored: str, at: datetime) -> list[str]:
    load_public(armored).recipient(at)
    replace_whole(home / keyring.ESCROW, armored.encode("ascii"))
    return [keyring.ESCROW]


def _new_escrow(home: Path, code: str, at: datetime) -> list[str]:
    passphrase = secrets.token_urlsafe(32)
    armored = generate_key(f"escrow of {code} <escrow-{code}@jiexu>", passphrase, at)
    replace_whole(home / keyring.ESCROW_PASSPHRASE, f"{passphrase}\n".encode("ascii"))
    replace_whole(home / keyring.ESCROW_SECRET, armored.encode("ascii"))
    replace_whole(home / keyring.ESCROW, load_public_half(armored).armored.encode("ascii"))
    return [keyring.ESCROW, keyring.ESCROW_SECRET, keyring.ESCROW_PASSPHRASE]


def change_begun(home: Path) -> bool:
    """Whether a change of the archive key was begun and has not ended."""
    return (home / _NEXT).exists()


def begin_change(home: Path, code: str, passphrase: str, at: datetime) -> None:
    """Put a new archive key in the place of the present one, which stays under a number.

    From then on everything new is wrapped for the new key and everything old can still be opened. A change that was
    begun and not ended is gone on with, not begun again. Raises UsageError S408, S417.
    """
    present, following = home / keyring.ARCHIVE, home / _NEXT
    with _writable():
        if not following.exists():
            replace_whole(following, new_archive_key(code, passphrase, at))
        new, old = following.read_bytes(), present.read_bytes()
        if old != new:
            if not any(path.read_bytes() == old for path in keyring.archive_keys(home)[1:]):
                replace_whole(keyring.earlier_key_name(home), old)
            replace_whole(present, new)


def end_change(home: Path) -> None:
    """Forget that a change of key was begun: every segment has been wrapped for the new one. Raises UsageError S417."""
    with _writable():
        (home / _NEXT).unlink(missing_ok=True)
        flush(home / "keys")


def replace_escrow(home: Path, armored: str, at: datetime) -> None:
    """Have everything new wrapped for another escrow key. Raises UsageError S408, S417."""
    load_public(armored).recipient(at)
    with _writable():
        replace_whole(home / keyring.ESCROW, armored.encode("ascii"))


def checked(armored: str, passphrase: str, at: datetime) -> PublicKey:
    """The public half of a secret key that can sign and be encrypted to at this time. Raises UsageError S408."""
    key = load_secret(armored, passphrase)
    key.signer(at)
    key.public.recipient(at)
    return key.public


def write_key(path: Path, data: bytes) -> None:
    """A file of keys/ with these bytes, whole or as it was before, flushed. Raises UsageError S417."""
    with _writable():
        replace_whole(path, data)


def remove_file(path: Path) -> None:
    """A file of keys/ goes, if it is there. Raises UsageError S417."""
    with _writable():
        path.unlink(missing_ok=True)
        flush(path.parent)


@contextmanager
def _writable() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError("S417", f"keys: {error.strerror}") from None
