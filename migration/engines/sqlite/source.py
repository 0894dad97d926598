"""A SQLite file as a source of a migration."""

from dataclasses import dataclass

from migration.catalog import Catalog, Oddity, Table
from migration.engine import Snapshot
from migration.engines.sqlite import catalog, census
from migration.engines.sqlite.connecting import file
from migration.engines.sqlite.snapshot import SqliteSnapshot


@dataclass(frozen=True, slots=True)
class SqliteSource:
    """See `engine.Source`. `url` is SQLAlchemy's: `sqlite:////data/old.db`."""

    url: str

    def catalog(self) -> Catalog:
        """See `engine.Source`. Its oddities are what is not carried (D625): virtual tables, collations."""
        with self.snapshot() as snapshot:
            return catalog.read(snapshot)

    def census(self, snapshot: Snapshot, table: Table) -> tuple[Oddity, ...]:
        """See `engine.Source`; `snapshot` is one of this engine's."""
        assert isinstance(snapshot, SqliteSnapshot), "a snapshot of SQLite"
        return census.take(snapshot, table)

    def snapshot(self, shared: str = "") -> SqliteSnapshot:
        """See `engine.Source`. Raises UsageError D601, UnreachableError S409, IntegrityError D628, D632."""
        return SqliteSnapshot(file(self.url), shared)
