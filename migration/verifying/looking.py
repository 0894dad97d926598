"""An environment beside the freeze, table by table: chunks compared here or in several processes, and what it comes to.

The environment is read over a connection of its own, in one state of it.
"""

import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Final

from formats import merkle
from formats.merkle import Frontier
from migration.copying.copy import groups
from migration.copying.crew import Crew, in_order
from migration.copying.listing import Listed, Listing
from migration.copying.progress import Pace, Progress
from migration.copying.rules import Rules
from migration.engine import Snapshot, Source
from migration.freeze import Frozen
from migration.freeze.disk import make_folder, refusals
from migration.freeze.manifest import canonical
from migration.plan import TablePlan
from migration.verifying.comparing import COLUMNS, ChunkVerdict, Part, VerifyJob, compare, entry, verify_group

_PARTS: Final = "differences.parts"
_PIECE: Final = 2**20
_GROUP_BYTES: Final = 64 * 2**20
_GROUP_PARTS: Final = 64


@dataclass(frozen=True, slots=True)
class TableVerdict:
    """One table: rows frozen and found, chunks and how many are equal, differences, and both roots (hex).

    A difference is a row missing or too many, or one cell; `spelled` cells are none: they have other digits for the
    same double. `root` is over the leaves as they should be, `found_root` as they were read.
    """

    number: int
    source: str
    target: str
    rows: int
    found_rows: int
    chunks: int
    equal_chunks: int
    differences: int
    spelled: int
    root: str
    found_root: str
    seconds: float

    @property
    def equal(self) -> bool:
        """Whether every chunk is the same."""
        return self.equal_chunks == self.chunks and self.root == self.found_root


@dataclass(frozen=True, slots=True)
class Verdict:
    """All tables in the plan's order, the roots over the leaves of all, and the list of differences (0600)."""

    tables: tuple[TableVerdict, ...]
    root: str
    found_root: str
    differences: Listed

    @property
    def equal(self) -> bool:
        """Whether the environment holds exactly what was frozen, after the declared rules."""
        return self.root == self.found_root and all(table.equal for table in self.tables)


def leaf(table: int, chunk: int, rows: int, sha256: str) -> bytes:
    """What a chunk is in the tree (RFC 9162) of a verdict: canonical JSON of its place, its rows and its digest."""
    return canonical({"table": table, "chunk": chunk, "rows": rows, "sha256": sha256})


@dataclass(frozen=True, slots=True)
class Look:
    """How one environment is compared with the freeze, and where the differences go.

    `bare` are, by the number of their table, the places of columns whose numbers it keeps without zeros at their end.
    """

    environment: Source
    frozen: Frozen
    folder: Path
    file: str
    workers: int
    rules: Rules
    reads_target: bool
    crew: Crew | None = None
    bare: Mapping[int, tuple[int, ...]] = field(default_factory=dict)

    def verdict(self, tables: Iterable[TablePlan], progress: Progress) -> Verdict:
        """Compare these tables."""
        wanted = tuple(tables)
        pace = Pace(progress, sum(self.frozen.rows(table.number) for table in wanted))
        found: list[TableVerdict] = []
        trees = Frontier(), Frontier()
        with self.environment.snapshot() as snapshot, Listing(self.folder / self.file, COLUMNS) as listing:
            chunks = self._chunks(snapshot, self._parts(snapshot, wanted), listing)
            by_table = groupby(chunks, key=lambda one: one.table)
            for table, (_, own) in zip(wanted, by_table, strict=True):
                verdict, trees = _folded(table, own, pace, trees)
                found.append(verdict)
            listed = listing.finish()
        return Verdict(tuple(found), trees[0].root().hex(), trees[1].root().hex(), listed)

    def _parts(self, snapshot: Snapshot, tables: Iterable[TablePlan]) -> Iterator[Part]:
        for table in tables:
            reading = table.reading_target() if self.reads_target else table.reading_source()
            chunks = self.frozen.chunks(table.number)
            whole = Part(
                table,
                reading,
                self.rules.get(table.number),
                chunks,
                streamed=True,
                bare=self.bare.get(table.number, ()),
            )
            if not (table.key and snapshot.ranged(reading)):
                yield whole
                continue
            yield from (replace(whole, chunks=group, streamed=False) for group in groups(chunks))

    def _chunks(self, snapshot: Snapshot, parts: Iterable[Part], listing: Listing) -> Iterator[ChunkVerdict]:
        """The verdicts in order; every chunk once."""
        if (self.workers <= 1 and self.crew is None) or not snapshot.shared:
            scratch = self.folder / f"{self.file}.sort"
            for part in parts:
                yield from compare(snapshot, self.frozen, part, scratch, entry(listing))
            return
        place = self.folder / _PARTS
        with refusals():
            if place.exists():  # a verification that was killed
                shutil.rmtree(place)
            make_folder(place)
        jobs = (
            VerifyJob(self.environment, snapshot.shared, self.frozen.folder, some, place / f"{number:08}.csv")
            for number, some in enumerate(_together(parts))
        )
        for group in (self.crew or in_order)(verify_group, jobs, self.workers):
            _take_in(listing, place / group.listed.file, group.listed.lines)
            yield from group.chunks
        with refusals():
            place.rmdir()


def _together(parts: Iterable[Part]) -> Iterator[tuple[Part, ...]]:
    """Parts in groups that are worth a connection of their own."""
    group: list[Part] = []
    for part in parts:
        group.append(part)
        if sum(chunk.bytes for one in group for chunk in one.chunks) > _GROUP_BYTES or len(group) == _GROUP_PARTS:
            yield tuple(group)
            group = []
    if group:
        yield tuple(group)


def _folded(
    table: TablePlan, chunks: Iterable[ChunkVerdict], pace: Pace, trees: tuple[Frontier, Frontier]
) -> tuple[TableVerdict, tuple[Frontier, Frontier]]:
    """A table's verdict out of its chunks', and the trees of all tables with its leaves."""
    found = TableVerdict(table.number, str(table.source), str(table.target), 0, 0, 0, 0, 0, 0, "", "", 0.0)
    wanted_tree = found_tree = Frontier()
    for one in chunks:
        wanted = merkle.leaf_hash(leaf(one.table, one.chunk, one.rows, one.sha256))
        seen = merkle.leaf_hash(leaf(one.table, one.chunk, one.found_rows, one.found_sha256))
        wanted_tree, found_tree = wanted_tree.append(wanted), found_tree.append(seen)
        trees = trees[0].append(wanted), trees[1].append(seen)
        found = replace(
            found,
            rows=found.rows + one.rows,
            found_rows=found.found_rows + one.found_rows,
            chunks=found.chunks + 1,
            equal_chunks=found.equal_chunks + one.equal,
            differences=found.differences + one.differences,
            spelled=found.spelled + one.spelled,
            seconds=found.seconds + one.seconds,
        )
        pace.done(found.source, one.rows)
    return replace(found, root=wanted_tree.root().hex(), found_root=found_tree.root().hex()), trees


def _take_in(listing: Listing, part: Path, entries: int) -> None:
    """Add a group's list to the whole one, without its heading."""
    with refusals(), part.open("rb") as file:
        file.readline()
        while piece := file.read(_PIECE):
            listing.add(piece, 0)
        part.unlink()
    listing.add(b"", entries)
