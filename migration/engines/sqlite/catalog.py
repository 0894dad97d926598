"""What a SQLite database holds, from its PRAGMAs and the statements that it keeps."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

import apsw

from migration.catalog import (
    Catalog,
    Column,
    ForeignKey,
    Index,
    Key,
    Kind,
    Oddity,
    Sequence,
    Table,
    TableName,
    Trigger,
    View,
)
from migration.engines.sqlite import create, declared, ledger
from migration.engines.sqlite.connecting import meaning, quote, table
from migration.engines.sqlite.keys import index_columns, rowid_column
from migration.engines.sqlite.snapshot import SqliteSnapshot

_GENERATED: Final = (2, 3)  # `hidden` of table_xinfo: virtual, stored


def read(snapshot: SqliteSnapshot) -> Catalog:
    """The catalog of a snapshot's state. Raises IntegrityError D628 and UnreachableError S409."""
    try:
        return _Reader(snapshot.connection).catalog(snapshot)
    except apsw.Error as error:
        raise meaning(error, snapshot.identity.name) from None


class _Reader:
    """Reads one database's catalog."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        listed = self._rows("SELECT name, type, strict FROM pragma_table_list WHERE schema = 'main'")
        self._types = {name: what for name, what, _ in listed if not _internal(name)}
        self._strict = sorted(name for name, _, strict in listed if strict)
        self._statements = {
            (kind, name): sql or "" for kind, name, sql in self._rows("SELECT type, name, sql FROM sqlite_schema")
        }
        self._names = {name.lower(): name for name in self._types}
        self._sizes = dict(self._rows("SELECT name, pgsize FROM dbstat WHERE aggregate = 1"))

    def catalog(self, snapshot: SqliteSnapshot) -> Catalog:
        tables = tuple(self._table(name) for name in self._of("table"))
        identity = snapshot.identity
        return Catalog(
            "sqlite",
            identity.version,
            identity.name,
            snapshot.encoding,
            tables,
            views=tuple(
                View(TableName("", name), create.view(name, self._statements["view", name]))
                for name in self._of("view")
            ),
            sequences=tuple(each for found in tables for each in self._sequences(found)),
            triggers=self._triggers(),
            oddities=(*self._not_carried(), *(each for found in tables for each in self._collations(found))),
        )

    def _rows(self, query: str, *given: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(query, given).fetchall()

    def _of(self, what: str) -> list[str]:
        return sorted(name for name, found in self._types.items() if found == what)

    def _table(self, name: str) -> Table:
        written = create.table(self._statements["table", name])
        columns = self._columns(name, written)
        origins = _grouped(self._rows('SELECT origin, name, "unique", partial FROM pragma_index_list(?)', name))
        primary = self._primary(name)
        return Table(
            TableName("", name),
            columns,
            Key(_named(written, "primary", primary), primary) if primary else None,
            tuple(
                self._unique(written, index)
                for index, *_ in sorted(origins["u"], key=lambda each: (len(each[0]), each[0]))
            ),
            self._foreign(name, written),
            tuple(written.checks),
            tuple(self._index(*index) for index in sorted(origins["c"])),
            rows=int(self._rows(f"SELECT count(*) FROM {table(TableName('', name))}")[0][0]),  # noqa: S608 -- quoted
            size=int(self._sizes.get(name, 0)),
        )

    def _columns(self, name: str, written: create.Written) -> tuple[Column, ...]:
        rows = self._rows('SELECT name, type, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(?)', name)
        rows = [row for row in rows if row[5] in (0, *_GENERATED)]
        natives = {column: declared.native(native, strict=name in self._strict) for column, native, *_ in rows}
        kinds = self._kinds(name, natives)
        rowid = rowid_column(self._connection, name)
        return tuple(_column(row, natives[row[0]], kinds[row[0]], written, identity=row[0] == rowid) for row in rows)

    def _kinds(self, name: str, natives: dict[str, str]) -> dict[str, Kind]:
        """The kinds of columns; values are looked at where the declared words do not decide (see `declared`)."""
        said = {column: declared.read(native).kind for column, native in natives.items()}
        kinds = {column: kind for column, kind in said.items() if kind}
        open_ = [column for column, kind in said.items() if kind is None]
        dated = [column for column, kind in said.items() if kind in declared.DATES]
        for column in (*open_, *(one for one in dated if not self._worded(name, one))):
            stored = self._storages(name, column)
            if stored or column in open_:
                kinds[column] = declared.by_storage(stored)
        return kinds

    def _worded(self, name: str, column: str) -> bool:
        """Whether one of a column's values is no number; the first such row ends the search."""
        query = f"SELECT 1 FROM {table(TableName('', name))} WHERE typeof({quote(column)}) IN ('text', 'blob') LIMIT 1"  # noqa: S608 -- quoted
        return bool(self._rows(query))

    def _storages(self, name: str, column: str) -> frozenset[str]:
        """In which classes a column's values are stored, NULL left out: one look at every row."""
        query = f"SELECT DISTINCT typeof({quote(column)}) FROM {table(TableName('', name))}"  # noqa: S608 -- quoted
        return frozenset(storage for (storage,) in self._rows(query)) - {"null"}

    def _primary(self, name: str) -> tuple[str, ...]:
        rows = self._rows("SELECT name FROM pragma_table_xinfo(?) WHERE pk ORDER BY pk", name)
        return tuple(column for (column,) in rows)

    def _unique(self, written: create.Written, index: str) -> Key:
        columns = tuple(str(column) for column, _ in index_columns(self._connection, index))
        return Key(_named(written, "unique", columns), columns)

    def _index(self, name: str, unique: int, partial: int) -> Index:
        """An index made by CREATE INDEX; its statement is kept where columns do not say all of it."""
        columns = index_columns(self._connection, name)
        query = 'SELECT max("desc") FROM pragma_index_xinfo(?) WHERE "key"'
        plain = (
            not partial
            and not self._rows(query, name)[0][0]
            and all(column and by == "BINARY" for column, by in columns)
        )
        definition = "" if plain else self._statements["index", name]
        return Index(name, tuple(column for column, _ in columns if column), bool(unique), definition)

    def _foreign(self, name: str, written: create.Written) -> tuple[ForeignKey, ...]:
        query = (
            'SELECT id, "table", "from", "to", on_delete, on_update'
            " FROM pragma_foreign_key_list(?) ORDER BY id DESC, seq"
        )
        return tuple(self._foreign_key(rows, written) for rows in _grouped(self._rows(query, name)).values())

    def _foreign_key(self, rows: list[tuple[Any, ...]], written: create.Written) -> ForeignKey:
        to, _, _, on_delete, on_update = rows[0]
        other = self._names.get(to.lower(), to)
        columns = tuple(row[1] for row in rows)
        referred = self._primary(other) if rows[0][2] is None else tuple(row[2] for row in rows)
        known = {column.lower(): column for (column,) in self._rows("SELECT name FROM pragma_table_xinfo(?)", other)}
        return ForeignKey(
            _named(written, "foreign", columns),
            columns,
            TableName("", other),
            tuple(known.get(column.lower(), column) for column in referred),
            _action(on_delete),
            _action(on_update),
        )

    def _sequences(self, found: Table) -> Iterable[Sequence]:
        """One for a column that numbers rows by itself: behind the highest number, and with AUTOINCREMENT any ever."""
        for column in found.columns:
            if column.identity:
                highest = self._rows(f"SELECT max({quote(column.name)}) FROM {table(found.name)}")[0][0] or 0  # noqa: S608 -- quoted
                if self._connection.column_metadata("main", found.name.name, column.name)[4]:
                    query = "SELECT seq FROM sqlite_sequence WHERE name = ?"
                    highest = max(
                        [highest, *(seq for (seq,) in self._rows(query, found.name.name) if isinstance(seq, int))]
                    )
                yield Sequence(found.name, max(highest, 0) + 1, owner=(found.name, column.name))

    def _triggers(self) -> tuple[Trigger, ...]:
        rows = self._rows("SELECT tbl_name, name, sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY name")
        return tuple(Trigger(TableName("", self._names.get(on.lower(), on)), name, sql) for on, name, sql in rows)

    def _not_carried(self) -> Iterable[Oddity]:
        for name in self._of("virtual"):
            yield Oddity("D625", TableName("", name), detail="a virtual table")
        for name in self._of("shadow"):
            yield Oddity("D625", TableName("", name), detail="belongs to a virtual table")
        for name in self._strict:
            yield Oddity("D625", TableName("", name), detail="STRICT: values of another type would be refused")

    def _collations(self, found: Table) -> Iterable[Oddity]:
        """Columns that are compared by a rule of their own: keys and indexes of them mean less in the target."""
        for column in found.columns:
            collation = self._connection.column_metadata("main", found.name.name, column.name)[1]
            if collation.upper() != "BINARY":
                yield Oddity("D625", found.name, column.name, detail=f"collation {collation}")


def _column(row: tuple[Any, ...], native: str, kind: Kind, written: create.Written, *, identity: bool) -> Column:
    name, _, not_null, default, primary, hidden = row
    said = declared.read(native)
    known = said.kind is kind
    return Column(
        name,
        kind,
        native,
        nullable=not not_null and not primary,
        length=said.length if known else None,
        precision=said.precision if known else None,
        scale=said.scale if known else None,
        default=default,
        generated=written.generated.get(name.lower()) if hidden in _GENERATED else None,
        identity=identity,
    )


def _named(written: create.Written, what: str, columns: tuple[str, ...]) -> str:
    return written.names.get((what, tuple(column.lower() for column in columns)), "")


def _action(words: str) -> str:
    return "" if words == "NO ACTION" else words.lower()


def _internal(name: str) -> bool:
    return name.lower().startswith("sqlite_") or name.lower() == ledger.TABLE


def _grouped(rows: Iterable[tuple[Any, ...]]) -> dict[Any, list[tuple[Any, ...]]]:
    """Rows by their first cell, without it, in order."""
    found: dict[Any, list[tuple[Any, ...]]] = defaultdict(list)
    for first, *rest in rows:
        found[first].append(tuple(rest))
    return found
