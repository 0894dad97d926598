"""Mailboxes: the place where packages arrive for one office.

A sender puts parcels into the receiver's mailbox, the receiver lists, fetches and removes them. A parcel is written
under its name with `.part` behind it and renamed when every byte is stored, so that a listing never shows half a
package. `folder.py` keeps a mailbox on a disk, `sftp.py` on an SSH server; both show the behaviour written here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Final, Protocol, Self

from formats.errors import ServiceError, UsageError

# What is behind a name until the parcel is whole.
PART: Final = ".part"

# One listing shows no more names than this, so that a flooded mailbox costs bounded memory; the next pass sees the rest
# once these are fetched and removed.
LISTING_MOST: Final = 100_000

# File systems take 255 bytes; the name must still fit with `.part` behind it.
_NAME_BYTES: Final = 255 - len(PART)


@dataclass(frozen=True, slots=True)
class Parcel:
    """A package under its final name."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """One whole package lying in a mailbox; `size` in bytes."""

    name: str
    size: int


class Mailbox(Protocol):
    """One office's place for arriving packages. A context manager; one thread at a time.

    Every method may raise UnreachableError: S404 when the mailbox cannot be reached or does not answer in time, S407
    when it refuses. UsageError: S405 wrong host key, S406 refused login, S408 unreadable key, and S401 for a name that
    is not `is_name`. A failed call leaves the mailbox usable: the next call connects anew.
    """

    def put(self, parcels: Iterable[Parcel]) -> tuple[tuple[str, ServiceError | None], ...]:
        """Store the parcels and say of each, in order, whether it is stored (None) or why not.

        A parcel is written under `.part`, its size compared, flushed where the mailbox can, and renamed; a file of the
        same name is replaced in one step where the mailbox can. One that fails does not stop the others. Parcels are
        taken from the iterable only as fast as they are stored. A connection lost on the way is not taken up again:
        every parcel whose storing was not confirmed has S404 as its result, and may yet be there. A name that comes
        twice in one call fails the second time. An error of the iterable itself is raised as it is.
        Two senders must not put the same name at the same time; the ledger's claims see to that.
        """

    def list(self) -> tuple[Entry, ...]:
        """The whole packages, sorted by name; never a `.part` or a hidden file; at most LISTING_MOST."""

    def fetch(self, name: str, most: int) -> bytes:
        """The bytes of one package. Raises RefusedError T102 when it is larger than `most` bytes."""

    def remove(self, name: str) -> None:
        """Remove one package; removing what is gone is fine."""

    def sweep(self, older_than: timedelta, at: datetime) -> int:
        """Remove the `.part` files last written more than `older_than` before `at`; how many there were."""

    def close(self) -> None:
        """Give back the connection, if there is one. Closing twice is fine."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def is_name(name: str) -> bool:
    """Whether a file of this name can be a package: one visible path component, no `.part`, at most 250 bytes."""
    return (
        name.isprintable()
        and 0 < len(name.encode("utf-8", "replace")) <= _NAME_BYTES
        and not name.startswith(".")
        and not name.endswith(PART)
        and not any(separator in name for separator in "/\\")
    )


def is_part(name: str) -> bool:
    """Whether a file of this name is a package still being written, or one that its sender never finished."""
    return name.endswith(PART) and is_name(name.removesuffix(PART))


def check_name(name: str) -> None:
    """Raise UsageError S401 when this cannot be the name of a package. The name itself is not repeated."""
    if not is_name(name):
        raise UsageError("S401", "a package must have a plain file name")


def check_new(name: str, seen: set[str]) -> None:
    """Raise UsageError S401 when this cannot be a package's name or was put before in this call; else add it."""
    check_name(name)
    if name in seen:
        raise UsageError("S401", "the same name comes twice in one call")
    seen.add(name)
