"""A SQLite file as a source of a migration."""

from dataclasses import dataclass, field
from pathlib import Path

from migration.catalog import Catalog, Oddity, Table
from migration.engine import Snapshot
from migration.engines.sqlite import catalog, census
from migration.engines.sqlite.snapshot import SqliteSnapshot


@dataclass(frozen=True, slots=True)
class SqliteSource:
    """See `engine.Source`. `url` is SQLAlchemy's: `sqlite:////data/old.db`; `path` is the file that it names."""

    url: str
    path: Path = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Raises UsageError D601."""
        from migration.engines.sqlite import address  # noqa: PLC0415 - SQLAlchemy: not in a process that is given one

        object.__setattr__(self, "path", address.file(self.url))

    def catalog(self) -> Catalog:
        """See `engine.Source`. Its oddities are what is not carried (D625): virtual tables, collations."""
        with self.snapshot() as snapshot:
            return catalog.read(snapshot)

    def census(self, snapshot: Snapshot, table: Table) -> tuple[Oddity, ...]:
        """See `engine.Source`; `snapshot` is one of this engine's."""
        assert isinstance(snapshot, SqliteSnapshot), "a snapshot of SQLite"
        return census.take(snapshot, table)

    def snapshot(self, shared: str = "") -> SqliteSnapshot:
        """See `engine.Source`. Raises UnreachableError S409, IntegrityError D628, D632."""
        return SqliteSnapshot(self.path, shared)
