"""`LegacySource`: a described folder of legacy files as a source of a migration."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from formats.errors import IntegrityError, UsageError
from migration.catalog import Catalog, Oddity, Table, TableName
from migration.engine import Snapshot
from migration.legacy import census
from migration.legacy.description import Description, load
from migration.legacy.rendering import Fault
from migration.legacy.snapshot import LegacySnapshot, state_of
from migration.legacy.tables import LegacyTable, opened


@dataclass(frozen=True, slots=True)
class LegacySource:
    """Legacy files by the path of their folder, or of the description in it. Files are only ever opened to be read."""

    place: Path

    def catalog(self) -> Catalog:
        """The described tables; the number of rows in delimited files is estimated.

        Raises UsageError D629 for a description that is wrong or does not fit the files, IntegrityError D611, D628 for
        a damaged header, UnreachableError S409.
        """
        description, tables = self._opened()
        encodings = dict.fromkeys(table.described.raw.name for table in tables.values())
        found = tuple(table.table() for table in tables.values())
        return Catalog("legacy", "", description.name, ", ".join(encodings), found)

    def census(self, snapshot: Snapshot, table: Table) -> tuple[Oddity, ...]:
        """The table's oddities (D611–D628). Raises IntegrityError D632 if a file changed."""
        own, known = _own(snapshot, table.name)
        return census.census(known, own.state)

    def faults(self, snapshot: Snapshot, table: Table) -> Iterator[Fault]:
        """Every single row and cell that can't be read, for the operator's list; places only, no values.

        Raises IntegrityError D628 where reading can't go on, D632 if a file changed.
        """
        own, known = _own(snapshot, table.name)
        return census.every(known, own.state)

    def snapshot(self, shared: str = "") -> LegacySnapshot:
        """The files' state now: every file is read once for it. With `shared` nothing is read, but proved when it is.

        Raises as `catalog`, and IntegrityError D632 if the description or the set of files is not the shared one.
        """
        description, tables = self._opened()
        state = json.loads(shared) if shared else {}
        now = state_of(description, () if shared else tables.values())
        if any(state.get(name, sha256) != sha256 for name, sha256 in now.items()):
            raise IntegrityError("D632", "the description changed")
        found = LegacySnapshot(description, tables, state or now)
        if set(found.state) != found.names():
            raise IntegrityError("D632", "files came or went")
        return found

    def _opened(self) -> tuple[Description, dict[TableName, LegacyTable]]:
        description = load(self.place)
        tables = (opened(description, described) for described in description.tables)
        return description, {TableName("", table.described.name): table for table in tables}


def _own(snapshot: Snapshot, name: TableName) -> tuple[LegacySnapshot, LegacyTable]:
    if not isinstance(snapshot, LegacySnapshot) or name not in snapshot.tables:
        raise UsageError("D604", f"the snapshot has no table {name}")
    return snapshot, snapshot.tables[name]
