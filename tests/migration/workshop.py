"""A small migration for the tests of copying and verifying: two real databases of one engine, and a plan by hand."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from formats.digest import sha256
from migration import canon, catalog_file
from migration.canon import Cells
from migration.catalog import Catalog, Column, Table, TableName
from migration.copying import CopyReport, copy
from migration.engine import Copied, LoadColumn, Loading, Target
from migration.engines.postgresql import PostgresqlTarget
from migration.freeze import Frozen, FrozenTable, freeze
from migration.mapping import Conversion, Mapping
from migration.plan import Act, Carry, ColumnPlan, Needs, Plan, Step, TablePlan
from migration.verifying import Verdict, verify
from tests.servers import PostgreSQL

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
RUN = "5e1f0a77"


def quote(name: str) -> str:
    """A name as both SQLite and PostgreSQL take it."""
    return '"' + name.replace('"', '""') + '"'


def named(table: TableName) -> str:
    """A table's name in SQL."""
    return ".".join(map(quote, filter(None, (table.schema, table.name))))


@dataclass(frozen=True, slots=True)
class Workshop:
    """A source and a target of the same engine, and the migration's own folder. It crosses processes."""

    engine: str
    source: Target
    target: Target
    folder: Path
    chunk_rows: int = 10
    conversions: tuple[Conversion, ...] = ()

    @property
    def mapping(self) -> Mapping:
        """What the site decides."""
        return Mapping(conversions=self.conversions)

    @property
    def schema(self) -> str:
        """Where tables stand by default."""
        return "public" if self.engine == "postgresql" else ""

    def table(self, name: str) -> TableName:
        """A table's name in the default schema."""
        return TableName(self.schema, name)

    def make(self, name: str, columns: dict[str, str], rows: Iterable[Cells], key: Sequence[str] = ()) -> None:
        """A table of the source with these rows, given in the order of its columns."""
        lines = [f"{quote(column)} {native}" for column, native in columns.items()]
        if key:
            lines.append(f"PRIMARY KEY ({', '.join(map(quote, key))})")
        self.source.execute([f"CREATE TABLE {named(self.table(name))} ({', '.join(lines)})"])
        self.fill(name, rows)

    def fill(self, name: str, rows: Iterable[Cells]) -> None:
        """More rows in a table of the source."""
        load(self.source, self.source.catalog().table(self.table(name)), rows)

    def freeze(self) -> tuple[Frozen, Plan]:
        """All tables of the source as they are, and a plan for them."""
        catalog = self.source.catalog()
        plan = self.plan(catalog)
        tables = [FrozenTable(table.number, table.reading_source(), table.chunk_rows) for table in plan.tables]
        return freeze(self.source, tables, catalog, self.folder / "freeze", at=AT), plan

    def copy(self, frozen: Frozen, plan: Plan, workers: int = 1) -> CopyReport:
        """Copy, or go on with it."""
        return copy(frozen, plan, self.mapping, self.target, self.folder, RUN, at=AT, workers=workers)

    def verify(self, frozen: Frozen, plan: Plan, workers: int = 1) -> Verdict:
        """Compare the target with the freeze."""
        return verify(frozen, plan, self.mapping, self.target, self.folder, workers=workers)

    def migrated(self) -> tuple[Frozen, Plan]:
        """All of it done; the target is equal."""
        frozen, plan = self.freeze()
        self.copy(frozen, plan)
        return frozen, plan

    def listed(self, file: str = "differences.csv") -> list[Cells]:
        """The entries of a list in the folder."""
        data = (self.folder / file).read_bytes()
        return list(canon.rows(data[data.index(b"\n") + 1 :]))

    def plan(self, catalog: Catalog) -> Plan:
        """A plan for all tables of this catalog of the source."""
        tables = tuple(self._table(number, table) for number, table in enumerate(catalog.tables, 1))
        numbers = itertools.count(1)
        steps = [
            Step(next(numbers), *made) for act in Act for table in catalog.tables for made in self._steps(act, table)
        ]
        needs = Needs(0, 0, 0, 0)
        return Plan(self.engine, self.engine, catalog_file.digest(catalog), "", tables, tuple(steps), (), needs)

    def _table(self, number: int, table: Table) -> TablePlan:
        columns = tuple(_column(column) for column in table.columns)
        return TablePlan(number, table.name, table.name, columns, table.order, self.chunk_rows, table.rows)

    def _steps(self, act: Act, table: Table) -> Iterable[tuple[Act, str, str]]:
        name, subject = named(table.name), str(table.name)
        keys = [f"PRIMARY KEY ({', '.join(map(quote, table.primary.columns))})"] if table.primary else []
        inside = self.engine == "sqlite"
        if act is Act.CREATE_TABLE:
            lines = [f"{quote(c.name)} {c.native}{'' if c.nullable else ' NOT NULL'}" for c in table.columns]
            yield act, subject, f"CREATE TABLE {name} ({', '.join([*lines, *(keys if inside else [])])})"
        elif act is Act.ADD_KEY and not inside:
            for key in keys:
                yield act, subject, f"ALTER TABLE {name} ADD {key}"
        elif act is Act.ADD_INDEX:
            for index in table.indexes:
                on = f"{name} ({', '.join(map(quote, index.columns))})"
                yield act, f"{subject}.{index.name}", f"CREATE INDEX {quote(index.name)} ON {on}"


def _column(column: Column) -> ColumnPlan:
    kind = (column.kind, column.scale, column.padded, column.native, column.native)
    return ColumnPlan(column.name, column.name, *kind, Carry.EXACT, "same")


def load(target: Target, table: Table, rows: Iterable[Cells]) -> None:
    """Rows into a table, past any copy."""
    columns = tuple(LoadColumn(column.name, column.kind, column.native, column.scale) for column in table.columns)
    lines = [canon.line(row) for row in rows]
    digest = sha256(b"".join(lines))
    number = len(target.copied("seed")) + 1
    with target.session() as session:
        session.load("seed", Copied(0, number, len(lines), digest), Loading(table.name, columns), lines)


@pytest.fixture(params=["postgresql", "sqlite"])
def workshop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Workshop]:
    """A workshop with two empty databases, once of each engine."""
    folder = tmp_path / "migration"
    folder.mkdir(mode=0o700)
    if request.param == "sqlite":
        from migration.engines.sqlite import SqliteTarget

        source, target = (SqliteTarget(f"sqlite:///{tmp_path / name}") for name in ("source.db", "target.db"))
        yield Workshop("sqlite", source, target, folder)
        return
    server: PostgreSQL = request.getfixturevalue("postgresql_server")
    with server.database() as source_url, server.database() as target_url:
        yield Workshop("postgresql", PostgresqlTarget(source_url), PostgresqlTarget(target_url), folder)
