"""PostgreSQL as a source of a migration."""

from dataclasses import dataclass, field

from migration.catalog import Catalog, Oddity, Table
from migration.engine import Snapshot
from migration.engines.postgresql.catalog import read
from migration.engines.postgresql.census import take
from migration.engines.postgresql.connecting import Server
from migration.engines.postgresql.snapshot import PostgresqlSnapshot


@dataclass(frozen=True, slots=True)
class PostgresqlSource:
    """See `engine.Source`. `url` is SQLAlchemy's, with the password; it is not shown. `server` is what it names."""

    url: str
    server: Server = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Raises UsageError D601."""
        from migration.engines.postgresql import address  # noqa: PLC0415 - SQLAlchemy: not in a process that is given one

        object.__setattr__(self, "server", address.server(self.url))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"

    def catalog(self) -> Catalog:
        """See `engine.Source`. Its oddities are the objects that are not carried (D625)."""
        with self.snapshot() as snapshot:
            return read(snapshot)

    def census(self, snapshot: Snapshot, table: Table) -> tuple[Oddity, ...]:
        """See `engine.Source`; `snapshot` is one of this engine's."""
        assert isinstance(snapshot, PostgresqlSnapshot)
        return take(snapshot, table)

    def snapshot(self, shared: str = "") -> PostgresqlSnapshot:
        """See `engine.Source`."""
        return PostgresqlSnapshot(self.server, shared)
