"""A database as a source, through SQLAlchemy."""

from dataclasses import dataclass

from migration.catalog import Catalog, Oddity, Table
from migration.engine import Snapshot
from migration.engines.generic import catalog, census, connecting
from migration.engines.generic.snapshot import GenericSnapshot


@dataclass(frozen=True, slots=True)
class GenericSource:
    """See `engine.Source`. `url` is SQLAlchemy's."""

    url: str

    def catalog(self) -> Catalog:
        """See `engine.Source`."""
        engine = connecting.engine(self.url)
        with connecting.meanings(engine.dialect.name), connecting.open_reading(engine) as connection:
            return catalog.read(connection)

    def census(self, snapshot: Snapshot, table: Table) -> tuple[Oddity, ...]:
        """See `engine.Source`."""
        assert isinstance(snapshot, GenericSnapshot), "a census is taken of this engine's own snapshot"
        return census.take(snapshot, table)

    def snapshot(self, shared: str = "") -> GenericSnapshot:
        """See `engine.Source`; none is shared, so `shared` is always empty."""
        assert not shared, "no snapshot of this engine is shared"
        return GenericSnapshot(self.url)
