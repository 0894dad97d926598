"""What an audit finds, as values."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from archive.journal import Head
from archive.segments.layout import Layout

# Told after each step: bytes read so far, bytes that this audit means to read, the segment that was just read.
Progress = Callable[[int, int, int], None]


class Store(Protocol):
    """What the audit needs of the store of originals; only its samples and the drafts need the archive's key."""

    @property
    def layout(self) -> Layout:
        """Where its files lie, and whose they are."""

    def read(self, digest: str) -> bytes:
        """The original, checked. Raises IntegrityError A501, A502, A509 and other errors with a code."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """What does not hold: a code of the step `archive`, and what it is about.

    `subject`: the digest of an original, a case number, a journal entry, a path under the archive's folder, or a table
    with a digest and a column. `place`: where the damage lies, a path under the archive's folder or `entry N`.
    """

    code: str
    subject: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of the archive was read lately: bytes in all and bytes read within `days`, segments likewise."""

    days: int
    bytes: int
    covered: int
    segments: int
    lately: int

    @property
    def share(self) -> float:
        """The covered share of the bytes, 1.0 where there are none."""
        return self.covered / self.bytes if self.bytes else 1.0


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What was looked at and what was found.

    `originals` and `cases` are those of the ledger, `bytes` those of the originals that no problem names. `segments`,
    `members` and `read` (bytes) were read this time. `drafts` were kept by a pass that never said so, `leftover` are
    bytes behind the end of an open segment, as an interrupted keep leaves them; both are no problem. `locked`: no
    original could be decrypted, since the archive key, or its passphrase, is not here; bytes were read all the same.
    """

    originals: int
    bytes: int
    cases: int
    problems: tuple[Problem, ...]
    head: Head
    drafts: int
    segments: int = 0
    members: int = 0
    read: int = 0
    leftover: int = 0
    seconds: float = 0.0
    coverage: Coverage = field(default_factory=lambda: Coverage(0, 0, 0, 0, 0))
    locked: bool = False
