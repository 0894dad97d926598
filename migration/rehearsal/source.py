"""The sample as a source: canonical lines in memory, in the order in which they were chosen."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from formats.errors import UsageError
from migration import canon
from migration.catalog import Catalog, Oddity, Table, TableName
from migration.engine import Block, Bound, Identity, Reading, Snapshot

_LINES = 2000


@dataclass(frozen=True, slots=True)
class SampledSource:
    """A sample: its catalog, and the canonical lines of each table. A `migration.engine.Source`."""

    held: Catalog
    lines: Mapping[TableName, bytes]

    def catalog(self) -> Catalog:
        """What the sample holds."""
        return self.held

    def census(self, snapshot: Snapshot, table: Table) -> tuple[Oddity, ...]:  # noqa: ARG002 - the protocol's
        """Nothing: what was odd was found in the source that it was taken from."""
        return ()

    def snapshot(self, shared: str = "") -> Snapshot:  # noqa: ARG002 - one process has it
        """The sample, which never changes."""
        return Held(self)


class Held:
    """A sample that is read. A `migration.engine.Snapshot`."""

    def __init__(self, source: SampledSource) -> None:
        self._source = source
        digest = hashlib.sha256(b"".join(source.lines[name] for name in sorted(source.lines)))
        catalog = source.held
        self._identity = Identity(catalog.engine, catalog.version, catalog.name, "", digest.hexdigest())

    @property
    def identity(self) -> Identity:
        """The digest of the lines tells samples apart."""
        return self._identity

    @property
    def shared(self) -> str:
        """Another process can't read it."""
        return ""

    @property
    def ordered(self) -> bool:
        """Pseudonyms stand in another order than what they stand for."""
        return False

    def refused(self) -> str:
        """A sample is a value in memory: there is nothing that a write could reach."""
        return "a sample in memory has no place to write to"

    def ranged(self, reading: Reading) -> bool:  # noqa: ARG002 - the protocol's
        """It is read whole."""
        return False

    def bounds(self, reading: Reading, rows: int) -> tuple[tuple[str, ...], ...]:  # noqa: ARG002 - the protocol's
        """It has no ranges."""
        return ()

    def blocks(self, reading: Reading, after: Bound = None, to: Bound = None) -> Iterator[Block]:
        """The lines of a table, their cells as the reading names them. Raises UsageError D609 for a range."""
        if after is not None or to is not None:
            raise UsageError("D609", "a sample is read whole")
        table = self._source.held.table(reading.table)
        places = [[column.name for column in table.columns].index(column.name) for column in reading.columns]
        rows: list[bytes] = []
        for cells in canon.rows(self._source.lines[reading.table]):
            rows.append(canon.line(cells[place] for place in places))
            if len(rows) == _LINES:
                yield Block(b"".join(rows), len(rows))
                rows = []
        if rows:
            yield Block(b"".join(rows), len(rows))

    def close(self) -> None:
        """Nothing is open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
