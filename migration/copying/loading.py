"""Frozen chunks into the target: each in one transaction with its ledger line, the next one read meanwhile.

What a killed process leaves is either a whole chunk with its line or nothing. A line that is there already is compared
with the chunk: the same is left alone, another is refused.
"""

import hashlib
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, cast

from formats.errors import IntegrityError
from migration.ahead import ahead
from migration.copying.conversion import converted
from migration.copying.rules import Rules
from migration.engine import Copied, Session, Target
from migration.freeze import Chunk, packing
from migration.plan import Plan

Held = Mapping[tuple[int, int], Copied]  # the target's ledger lines by table and chunk

_AHEAD: Final = 64  # blocks of a quarter of a megabyte: two chunks of the usual size
_KEPT: Final = 16 * 2**20  # bytes of one converted chunk that stay in memory; a larger one is converted once more


@dataclass(frozen=True, slots=True)
class Loaded:
    """A chunk that is in the target now: whether it was there before, and how many seconds its loading took."""

    copied: Copied
    before: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class _Heading:
    """What comes before a chunk's blocks; None comes behind them. `before`: it is in the target, no block comes."""

    copied: Copied
    before: bool


@dataclass(frozen=True, slots=True)
class CopyJob:
    """Some chunks to be loaded, as values that cross processes: what `copy_group` does.

    `folder` is the freeze's. `held` are the ledger's lines of these very chunks, where it has some.
    """

    target: Target
    folder: Path
    plan: Plan
    rules: Rules
    run: str
    chunks: tuple[Chunk, ...] = ()
    held: tuple[Copied, ...] = ()


def copy_group(job: CopyJob) -> tuple[Loaded, ...]:
    """Load these chunks. Raises IntegrityError D642, D644, D645, D646, D652; UnreachableError S409."""
    held = {(one.table, one.chunk): one for one in job.held}
    return tuple(load(job, job.chunks, held))


def load(job: CopyJob, chunks: Iterable[Chunk], held: Held) -> Iterator[Loaded]:
    """Load these chunks over one connection, if any is to be loaded, one after the other. Raises as `copy_group`."""
    session: Session | None = None
    with ExitStack() as opened, ahead(_coming(job, chunks, held), _AHEAD) as items:
        for heading in cast("Iterator[_Heading]", items):
            blocks = iter(lambda: cast("bytes | None", next(items)), None)
            began, before = time.monotonic(), heading.before
            if not before:
                session = session or opened.enter_context(job.target.session())
                before = not _load(job, session, heading.copied, blocks)
            deque(blocks, maxlen=0)
            yield Loaded(heading.copied, before, time.monotonic() - began)


def _load(job: CopyJob, session: Session, copied: Copied, blocks: Iterator[bytes]) -> bool:
    """Load one chunk; False when it is there already: a process thought dead has brought it to its end meanwhile."""
    try:
        session.load(job.run, copied, job.plan.table(copied.table).loading(), blocks)
    except IntegrityError as error:
        if error.code != "D643":
            raise
        known = {(one.table, one.chunk): one for one in job.target.copied(job.run)}
        same(copied, known.get((copied.table, copied.chunk)))
        return False
    return True


def plain(chunk: Chunk) -> Copied:
    """A chunk's line in the ledger, where no rule alters it on the way."""
    return Copied(chunk.table, chunk.chunk, chunk.rows, chunk.sha256)


def same(copied: Copied, known: Copied | None) -> None:
    """Raise IntegrityError D646 unless the ledger's line is this chunk's."""
    if copied != known:
        raise IntegrityError("D646", f"table {copied.table}, chunk {copied.chunk}")


def _coming(job: CopyJob, chunks: Iterable[Chunk], held: Held) -> Iterator[_Heading | bytes | None]:
    for chunk in chunks:
        table, own = job.plan.table(chunk.table), job.rules.get(chunk.table)
        copied, kept = plain(chunk), None
        if own is not None:
            digest, kept = _digest(converted(packing.unpacked(job.folder, chunk), table, own))
            copied = replace(copied, sha256=digest)
        known = held.get(chunk.place)
        if known is not None:
            same(copied, known)
        yield _Heading(copied, known is not None)
        if known is None:
            yield from converted(packing.unpacked(job.folder, chunk), table, own) if kept is None else kept
        yield None


def _digest(pieces: Iterator[bytes]) -> tuple[str, list[bytes] | None]:
    """SHA-256 (hex) of these bytes, and the bytes themselves where they are few enough to be kept."""
    digest, size, kept = hashlib.sha256(), 0, list[bytes]()
    for piece in pieces:
        digest.update(piece)
        size += len(piece)
        if size <= _KEPT:
            kept.append(piece)
        else:
            kept.clear()
    return digest.hexdigest(), kept if size <= _KEPT else None
