"""The seam to an environment: what the rest of this package asks of a database, and what every engine answers.

Implementations: `engines/` (databases), `siard/`, `legacy/` and `freeze/` (files, sources only). One behaviour suite
runs over all of them. A source is read through a `Snapshot`: one consistent state, opened so that a write is refused.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

from migration.catalog import Catalog, Kind, Oddity, Table, TableName

Bound = tuple[str, ...] | None  # the canonical texts of a key's columns; None: no bound


@dataclass(frozen=True, slots=True)
class Block:
    """Some whole canonical lines, at most about a quarter of a megabyte unless one row is longer, and how many.

    `utf8`: whoever made them has found them to be UTF-8, which is not looked at again then.
    """

    data: bytes
    rows: int
    utf8: bool = False


@dataclass(frozen=True, slots=True)
class ReadColumn:
    """A column as it shall be written: `kind` and `scale` say how, `native` what the environment read has it in.

    The two differ when a target holds a column in another type than the source has: it is read back in the form of the
    source. `padded`: blanks at the end do not count.
    """

    name: str
    kind: Kind
    native: str
    scale: int | None = None
    padded: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """How one table is read: its name there, its columns in order, and the names of the key's columns in order.

    An empty `key` means the order of all columns (see `canon`, rule 4).
    """

    table: TableName
    columns: tuple[ReadColumn, ...]
    key: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Identity:
    """Which state of which database a snapshot is.

    `token` is equal for two snapshots only if nothing was written between them; empty where that can't be known.
    """

    engine: str
    version: str
    name: str
    at: str
    token: str


class Snapshot(Protocol):
    """One consistent state of a source. A context manager; `close` may be called twice. Not for several threads."""

    @property
    def identity(self) -> Identity:
        """Which state this is."""

    @property
    def shared(self) -> str:
        """What another process passes to `Source.snapshot` to read this same state while this snapshot is open.

        Empty where the environment can't share one: then one process alone reads.
        """

    @property
    def ordered(self) -> bool:
        """Whether `blocks` gives rows in the order of their key: databases do, files give them as they lie there."""

    def refused(self) -> str:
        """Try to write through this very connection and return the environment's refusal.

        Raises IntegrityError D630 if the write was not refused.
        """

    def ranged(self, reading: Reading) -> bool:
        """Whether ranges of keys can be read by themselves at a cost that grows with the range, not with the table."""

    def bounds(self, reading: Reading, rows: int) -> tuple[tuple[str, ...], ...]:
        """The keys that end ranges of `rows` rows each, in order; what lies behind the last is one range more.

        Only for a reading that is `ranged`. An empty or short table has none.
        """

    def blocks(self, reading: Reading, after: Bound = None, to: Bound = None) -> Iterator[Block]:
        """The canonical lines of the rows whose key is > `after` and <= `to`, in order, in bounded memory.

        Bounds are given only for a reading that is `ranged`; without bounds it is the whole table.

        Raises IntegrityError D61x naming table and column for a value that can't be written as its kind.
        """

    def close(self) -> None:
        """Let the state go."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *error: object) -> None: ...


class Source(Protocol):
    """An environment that is read. Nothing is opened before it is needed; values only, so it crosses processes."""

    def catalog(self) -> Catalog:
        """What it holds, without oddities of values. Raises UnreachableError S409, UsageError S402."""

    def census(self, snapshot: Snapshot, table: Table) -> tuple[Oddity, ...]:
        """What of the table's values will not go without saying (D61x): one look at every row."""

    def snapshot(self, shared: str = "") -> Snapshot:
        """A state of its own, or one that another process shares."""


@dataclass(frozen=True, slots=True)
class LoadColumn:
    """A column to be loaded: its name and type in the target, and the kind in which its cells are written."""

    name: str
    kind: Kind
    native: str
    scale: int | None = None


@dataclass(frozen=True, slots=True)
class Loading:
    """What one chunk is loaded into: the target's table and its columns in the order of the lines' cells."""

    table: TableName
    columns: tuple[LoadColumn, ...]


@dataclass(frozen=True, slots=True)
class Copied:
    """A chunk that the target holds, as its own ledger says: which, how many rows, SHA-256 of what was loaded."""

    table: int
    chunk: int
    rows: int
    sha256: str


class Target(Source, Protocol):
    """An environment that is written. It keeps a ledger of the chunks that it holds in a table `jiexu_copied`."""

    def occupied(self, tables: Sequence[TableName]) -> tuple[TableName, ...]:
        """Which of these tables exist already. The ledger's table is never named and never in a catalog."""

    def execute(self, statements: Sequence[str]) -> None:
        """Run these statements in order, each for good. Raises IntegrityError D641 with the statement's number."""

    def copied(self, run: str) -> tuple[Copied, ...]:
        """The chunks of this run that it holds; makes the ledger's table when it is missing."""

    def held(self, run: str) -> tuple[Copied, ...]:
        """As `copied`, but nothing is written: none where the ledger's table, or the database, is missing."""

    def withdraw(self, run: str, number: int, table: TableName) -> None:
        """Take all rows out of a table that this run has made, and its chunks out of the ledger: one transaction.

        `number` is the table's there. Raises UnreachableError S409, and what the environment refuses (D6xx).
        """

    def session(self) -> "Session":
        """A connection of its own for loading; a context manager."""

    def refresh(self, tables: Sequence[TableName]) -> None:
        """Let the environment count its rows anew, so that it reads them well (ANALYZE)."""


class Session(Protocol):
    """A connection that loads chunks. A context manager."""

    def load(self, run: str, chunk: Copied, loading: Loading, data: Iterable[bytes]) -> None:
        """Load a chunk's canonical bytes and enter it in the target's ledger, all in one transaction.

        Raises IntegrityError D642 when the target refuses a row or takes another number of rows than the chunk has,
        D643 when the ledger has this chunk already; whatever is raised, nothing of the chunk stays in the target.
        """

    def __enter__(self) -> Self: ...
    def __exit__(self, *error: object) -> None: ...
