"""One state of a folder of legacy files: known by the SHA-256 of every file, and proved while it is read."""

import datetime as dt
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from formats.errors import IntegrityError, UsageError
from migration.catalog import TableName
from migration.engine import Block, Bound, Identity, ReadColumn, Reading
from migration.legacy.batches import sha256_of, unread
from migration.legacy.cells import cells
from migration.legacy.description import Description
from migration.legacy.rendering import Chosen, blocks
from migration.legacy.tables import LegacyTable


@dataclass(frozen=True, slots=True)
class LegacySnapshot:
    """A state of the files: `state` is SHA-256 by name. No file is held open: a change is noticed in reading."""

    description: Description
    tables: Mapping[TableName, LegacyTable]
    state: Mapping[str, str]

    @property
    def identity(self) -> Identity:
        """Which state this is; `at` is when the newest of the files was written."""
        newest = max(path.stat().st_mtime for path in files(self.description, self.tables.values()))
        at = dt.datetime.fromtimestamp(newest, dt.UTC).isoformat(timespec="seconds")
        return Identity("legacy", "", self.description.name, at, hashlib.sha256(self.shared.encode()).hexdigest())

    @property
    def shared(self) -> str:
        """The state as text: whoever reads by it reads these very bytes, or is refused (D632)."""
        return json.dumps(self.state, ensure_ascii=False, sort_keys=True)

    @property
    def ordered(self) -> bool:
        """Files give rows as they lie there."""
        return False

    def refused(self) -> str:
        """The system's refusal to write through a file opened as all are. Raises IntegrityError D630."""
        path = next(iter(self.tables.values())).paths[0]
        with unread(path) as file:
            try:
                os.write(file.fileno(), b"\0")
            except OSError as error:
                return f"{path.name}: {error.strerror}"
        raise IntegrityError("D630", path.name)

    def ranged(self, reading: Reading) -> bool:
        """A file is read from its begin to its end."""
        del reading
        return False

    def bounds(self, reading: Reading, rows: int) -> tuple[tuple[str, ...], ...]:
        """None: nothing is ranged."""
        del reading, rows
        return ()

    def blocks(self, reading: Reading, after: Bound = None, to: Bound = None) -> Iterator[Block]:
        """The table's canonical lines in the order of its files.

        Raises IntegrityError D611–D616, D623, D628 for the first row that can't be written, D632 if a file changed;
        UsageError D604 for a reading of columns that the table does not have.
        """
        assert after is None, "nothing is ranged"
        assert to is None, "nothing is ranged"
        table = self.tables.get(reading.table)
        if table is None:
            raise UsageError("D604", f"there is no table {reading.table}")
        columns = [_chosen(table, column) for column in reading.columns]
        wanted = {column.name for column in columns}
        for batch in table.batches(self.state, table.described.charset, wanted):
            yield from blocks(str(reading.table), batch, columns)

    def names(self) -> set[str]:
        """The names of all files that the source consists of now."""
        return {path.name for path in files(self.description, self.tables.values())}

    def close(self) -> None:
        """Nothing is held."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _chosen(table: LegacyTable, column: ReadColumn) -> Chosen:
    for at, field in enumerate(table.fields):
        own = field.column
        if own.name == column.name and own.kind is column.kind and own.scale == column.scale:
            return Chosen(at, own.name, cells(field))
    raise UsageError("D604", f"{table.described.name}.{column.name} is not there as {column.kind}")


def files(description: Description, tables: Iterable[LegacyTable]) -> tuple[Path, ...]:
    """Every file that a source consists of: the description, the sites' tables, the data."""
    found = {description.folder / description.file}
    for table in tables:
        found |= {*table.paths, *table.memos}
        if table.described.site:
            found.add(description.folder / table.described.site)
    return tuple(sorted(found))


def state_of(description: Description, tables: Iterable[LegacyTable]) -> dict[str, str]:
    """SHA-256 of every file by name. Raises UnreachableError S409."""
    return {path.name: sha256_of(path) for path in files(description, tables)}
