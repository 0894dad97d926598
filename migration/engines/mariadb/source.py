"""A MariaDB or MySQL database as a source."""

from dataclasses import dataclass, field

from formats.errors import UsageError
from migration.catalog import Catalog, Oddity, Table
from migration.engine import Snapshot
from migration.engines.mariadb.census import census
from migration.engines.mariadb.connection import Options, connect
from migration.engines.mariadb.faults import told
from migration.engines.mariadb.objects import catalog
from migration.engines.mariadb.snapshot import ENGINE, MariadbSnapshot


@dataclass(frozen=True, slots=True)
class MariadbSource:
    """See `migration.engine.Source`. `url` is SQLAlchemy's: `mysql+pymysql://user:password@host/database`.

    `options` is what the driver is given of it.
    """

    url: str = field(repr=False)
    options: Options = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Raises UsageError D601."""
        from migration.engines.mariadb import address  # noqa: PLC0415 - SQLAlchemy: not in a process that is given one

        object.__setattr__(self, "options", address.options(self.url))

    def catalog(self) -> Catalog:
        """See `Source`. It tells of a table what its engine and columns show (D621, D624, D625), nothing of values."""
        with connect(self.options) as wire, told("reading the catalog"):
            wire.fetch("SET SESSION TRANSACTION READ ONLY")
            return catalog(wire, ENGINE, str(self.options["database"]))

    def census(self, snapshot: Snapshot, table: Table) -> tuple[Oddity, ...]:
        """See `Source`. Finds D611, D612, D613, D615, D617 and D619."""
        assert isinstance(snapshot, MariadbSnapshot)
        return census(snapshot, table)

    def snapshot(self, shared: str = "") -> MariadbSnapshot:
        """See `Source`. Raises UsageError D609 when told to share one."""
        if shared:
            raise UsageError("D609", "MariaDB can't share one state")
        return MariadbSnapshot(self.options)
