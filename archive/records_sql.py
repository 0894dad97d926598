"""The SQL of the records database, made from the mapping profile and compiled once.

A working life has a thousand contributions that differ, within a year, in their months and dates only. So a row comes
out of the database as its months and dates, cell by cell, and all else as one JSON text; of equal texts only one is
taken apart and converted, which halves the time. JSON keeps text, integers and floating-point numbers apart. On
PostgreSQL every cell is cast to text first, so that a NUMERIC arrives with exactly its digits.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from formats.conversions import Cell, Rule, to_record
from formats.errors import UsageError
from formats.profile import Field, Profile, RowProfile
from formats.record import Employer

# What stands for two cells that should be equal and are not: no month, date, amount or code.
UNLIKE = "'<>'"


class Statement(NamedTuple):
    """Compiled SQL: its text, the names of its parameters in order, and the values of those that never change."""

    text: str
    names: tuple[str, ...]
    fixed: dict[str, Any]

    def run(self, connection: sa.Connection, parameters: dict[str, Any]) -> sa.CursorResult[Any]:
        """Execute with these parameters."""
        values = {**self.fixed, **parameters}
        return connection.exec_driver_sql(self.text, tuple(values[name] for name in self.names))

    def rows(self, connection: sa.Connection, parameters: dict[str, Any]) -> list[Any]:
        """Execute, and fetch what is found as the driver gives it: SQLAlchemy's rows would take a third longer."""
        result = self.run(connection, parameters)
        assert result.cursor is not None
        found = list(result.cursor.fetchall())
        result.close()
        return found


class Statements:
    """The statements on one database; each is compiled when it is first needed."""

    def __init__(self, profile: Profile, dialect: sa.Dialect) -> None:
        """`dialect`: of SQLite or of PostgreSQL."""
        self._profile = profile
        self._dialect = dialect
        self._sqlite = dialect.name == "sqlite"
        self._split = {row.name: _split(row) for row in profile.rows}
        self._inserts = {row.name: self._insert(row) for row in profile.rows if row.table}
        self._person_found = self._compile(self._select_person())
        self._compiled: dict[tuple[str, str, int], Statement] = {}

    def of_person(
        self, connection: sa.Connection, row: RowProfile[Any], person: str, kinds: Sequence[Cell] = ()
    ) -> list[list[str]]:
        """The values of the person's rows of one type, one list a field; only of these kinds, if any are given.

        Raises UsageError S415 and S460; the latter also where a row's kind is neither mapped nor left out: nobody can
        say then that it is not one of these kinds.
        """
        if not row.table:
            return [[] for _ in row.fields]
        parameters = {"person": person} | {f"kind_{index}": kind for index, kind in enumerate(kinds)}
        return self._values(connection, row, self._select(row, row.person_number, "person", len(kinds)), parameters)

    def person_found(self, connection: sa.Connection, number: Cell) -> tuple[str, str] | None:
        """(person number, name) of the person whose social security number the database writes like this."""
        row = self._profile.person
        found = self._person_found.run(connection, {"number": number}).first()
        return (_number(found[0]), row.values(row.field("name"), [found[1]])[0]) if found else None

    def persons(self, connection: sa.Connection) -> list[str]:
        """All person numbers."""
        row = self._profile.person
        query = sa.select(self._cell(sa.column(row.person_number))).select_from(sa.table(row.table))
        return [_number(number) for number in connection.scalars(self._always(query, row))]

    def employers(self, connection: sa.Connection, ids: Sequence[Cell]) -> tuple[Employer, ...]:
        """The employers whose ids the database writes like these."""
        row = self._profile.employer
        statement = self._select(row, row.field("employerId").column, "id", len(ids))
        parameters = {f"id_{index}": id_ for index, id_ in enumerate(ids)}
        return row.assemble(self._values(connection, row, statement, parameters))

    def insert(self, connection: sa.Connection, row: RowProfile[Any], rows: Iterable[tuple[Cell, ...]]) -> None:
        """Insert rows with the cells of `written_columns`. Raises UsageError S415 where the office has no such rows."""
        text = self._inserts.get(row.name)
        if text is None:
            raise UsageError("S415", f"{row.name}: the profile says that the office has no such rows")
        if self._sqlite:
            connection.exec_driver_sql(text, list(rows))
            return
        # psycopg's executemany takes ten times as long as COPY.
        with connection.connection.cursor().copy(text) as copy:
            for cells in rows:
                copy.write_row(cells)

    def update_employer(self, connection: sa.Connection, cells: tuple[Cell, ...]) -> None:
        """Give the employer with this id these values; `cells` are those of the profile's columns."""
        row = self._profile.employer
        key = row.field("employerId").column
        self._update(connection, row, key, cells[row.columns.index(key)], cells)

    def update_person(self, connection: sa.Connection, person: str, cells: tuple[Cell, ...]) -> None:
        """Give the person with this number these values; `cells` are those of the profile's columns."""
        self._update(connection, self._profile.person, self._profile.person.person_number, person, cells)

    def count(self, connection: sa.Connection, row: RowProfile[Any], cells: Sequence[Cell]) -> int:
        """How many rows stand there just as these cells of `written_columns` were written."""
        query = sa.select(sa.func.count()).select_from(sa.table(row.table)).where(*self._written(row))
        return int(self._compile(query).run(connection, _named(cells)).scalar_one())

    def delete(self, connection: sa.Connection, row: RowProfile[Any], cells: Sequence[Cell]) -> None:
        """Remove every such row."""
        query = sa.delete(sa.table(row.table)).where(*self._written(row))
        self._compile(query).run(connection, _named(cells))

    def _written(self, row: RowProfile[Any]) -> list[sa.ColumnElement[bool]]:
        """That a row's columns hold the cells `cell_0`, …; the person number by equality, which an index serves."""
        conditions = []
        for number, name in enumerate(written_columns(row)):
            column: sa.ColumnClause[Any] = sa.column(name)
            cell: sa.BindParameter[Any] = sa.bindparam(f"cell_{number}")
            conditions.append(column == cell if name == row.person_number else column.is_not_distinct_from(cell))
        return conditions

    def _update(
        self, connection: sa.Connection, row: RowProfile[Any], key: str, value: Cell, cells: tuple[Cell, ...]
    ) -> None:
        values = dict(zip(row.columns, cells, strict=True))
        values |= {field.also: values[field.column] for field in seconds(row)}
        columns: list[sa.ColumnClause[Any]] = [sa.column(column) for column in values]
        wanted: sa.ColumnClause[Any] = sa.column(key)
        connection.execute(sa.update(sa.table(row.table, *columns)).where(wanted == value).values(values))

    def _select(self, row: RowProfile[Any], key: str, parameter: str, count: int) -> Statement:
        """The rows where the key column is `person`, of `count` kinds, or (employers) one of `count` ids."""
        known = (row.name, parameter, count)
        if known in self._compiled:
            return self._compiled[known]
        apart, together = self._split[row.name]
        cells = [self._field_cell(field) for field in together]
        array = sa.func.json_array(*cells) if self._sqlite else sa.cast(sa.func.json_build_array(*cells), sa.Text)
        query = sa.select(*map(self._field_cell, apart), array)
        query = self._always(query.select_from(sa.table(row.table)), row)
        wanted: list[sa.BindParameter[Any]] = [
            sa.bindparam(f"{'kind' if parameter == 'person' else parameter}_{index}") for index in range(count)
        ]
        if parameter == "id":
            query = query.where(sa.column(key).in_(wanted))
        else:
            query = query.where(sa.column(key) == sa.bindparam("person"))
            query = query.where(_of_kinds(row.field("kind"), wanted)) if count and row.field("kind").column else query
        self._compiled[known] = self._compile(query)
        return self._compiled[known]

    def _select_person(self) -> sa.Select[Any]:
        row = self._profile.person
        columns: list[sa.ColumnClause[Any]] = [sa.column(row.person_number), sa.column(row.field("name").column)]
        key: sa.ColumnClause[Any] = sa.column(row.field("socialSecurityNumber").column)
        query = sa.select(*map(self._cell, columns)).select_from(sa.table(row.table))
        return self._always(query.where(key == sa.bindparam("number")), row)

    def _insert(self, row: RowProfile[Any]) -> str:
        """INSERT for SQLite, COPY for PostgreSQL."""
        columns = written_columns(row)
        if self._sqlite:
            table = sa.table(row.table, *(sa.column(column) for column in columns))
            return str(sa.insert(table).compile(dialect=self._dialect, column_keys=columns))
        quote = self._dialect.identifier_preparer.quote
        return f"COPY {quote(row.table)} ({', '.join(quote(column) for column in columns)}) FROM STDIN"

    def _compile(self, query: sa.Select[Any] | sa.Delete) -> Statement:
        compiled = query.compile(dialect=self._dialect)
        return Statement(str(compiled), tuple(compiled.positiontup or ()), dict(compiled.params))

    def _values(
        self, connection: sa.Connection, row: RowProfile[Any], statement: Statement, parameters: dict[str, Any]
    ) -> list[list[str]]:
        """The values of the rows that a statement of `_select` finds, one list a field."""
        found = statement.rows(connection, parameters)
        if not found:
            return [[] for _ in row.fields]
        apart, together = self._split[row.name]
        *cells, texts = zip(*found, strict=True)
        values = {field.name: row.values(field, column) for field, column in zip(apart, cells, strict=True)}
        distinct = list(dict.fromkeys(texts))
        rows = zip(*json.loads(f"[{','.join(distinct)}]"), strict=True)
        converted = [row.values(field, column) for field, column in zip(together, rows, strict=True)]
        by_text = dict(zip(distinct, zip(*converted, strict=True), strict=True))
        columns = zip(*map(by_text.__getitem__, texts), strict=True)
        values |= {field.name: list(column) for field, column in zip(together, columns, strict=True)}
        return row.complete(values, len(found))

    def _cell(self, column: sa.ColumnClause[Any]) -> sa.ColumnElement[Any]:
        return column if self._sqlite else sa.cast(column, sa.Text)

    def _field_cell(self, field: Field) -> sa.ColumnElement[Any]:
        """A field's cell; where a second column must hold the same and does not, no value that a conversion takes."""
        cell = self._cell(sa.column(field.column))
        return sa.case((_alike(field), cell), else_=sa.literal_column(UNLIKE)) if field.also else cell

    def _always(self, query: sa.Select[Any], row: RowProfile[Any]) -> sa.Select[Any]:
        for number, (column, value) in enumerate(row.always):
            query = query.where(sa.column(column) == sa.bindparam(f"always_{number}", value))
        return query.where(kept(row)) if row.leave else query


def kept(row: RowProfile[Any]) -> sa.ColumnElement[bool]:
    """That a row's kind is none of the codes that the profile leaves out; a row without a kind stays."""
    column: sa.ColumnClause[Any] = sa.column(row.field("kind").column)
    return sa.or_(column.is_(None), column.not_in([_literal(code) for code in row.leave]))


def _of_kinds(kind: Field, wanted: Sequence[sa.BindParameter[Any]]) -> sa.ColumnElement[bool]:
    """That a row is of a wanted kind, or of one that no code table has: converting that names it."""
    column: sa.ColumnClause[Any] = sa.column(kind.column)
    known = [_literal(local) for local, _ in kind.rule.codes]
    return sa.or_(column.in_(wanted), column.not_in(known)) if known else column.in_(wanted)


def _alike(field: Field) -> sa.ColumnElement[bool]:
    """That both columns of a field hold the same, or neither anything."""
    return sa.column(field.column).is_not_distinct_from(sa.column(field.also))


def _literal(code: str) -> sa.ColumnElement[Any]:
    """A code of the profile as a literal: a statement is compiled once, and its parameters are the caller's."""
    return sa.literal_column(f"'{code.replace(chr(39), chr(39) * 2)}'")


def _split(row: RowProfile[Any]) -> tuple[tuple[Field, ...], tuple[Field, ...]]:
    """The fields that are read cell by cell, months and dates, and those that are read together."""
    fields = [
        (field, field.rule.kind in ("month6", "date8", "date10", "date19")) for field in row.fields if field.column
    ]
    return tuple(field for field, apart in fields if apart), tuple(field for field, apart in fields if not apart)


def _named(cells: Sequence[Cell]) -> dict[str, Any]:
    return {f"cell_{number}": cell for number, cell in enumerate(cells)}


def _number(cell: Any) -> str:
    """A person number: text, or a whole number in the office's database."""
    return str(to_record(Rule())[cell])


def written_columns(row: RowProfile[Any]) -> tuple[str, ...]:
    """The columns of an inserted row: the person number (not for employers), the fields, their second, the fixed."""
    number = (row.person_number,) if row.person_number else ()
    return (*number, *row.columns, *(field.also for field in seconds(row)), *(column for column, _ in row.always))


def seconds(row: RowProfile[Any]) -> tuple[Field, ...]:
    """The fields whose cell a second column must hold too."""
    return tuple(field for field in row.fields if field.also)


def schema(profile: Profile, dialect: sa.Dialect) -> sa.MetaData:
    """The tables that the profile names, with exact types and with indexes on the person number.

    Row types that share a table share its columns. SQLite has no exact decimals: there they are text.
    """
    metadata = sa.MetaData()
    for row in (row for row in profile.rows if row.table):
        table = metadata.tables.get(row.table)
        if table is None:
            table = sa.Table(row.table, metadata)
        types = {column: _type(f.rule, dialect) for f in row.fields for column in (f.column, f.also) if column}
        unique = row.person_number if row.name == "person" else ""
        if row.name == "employer":
            unique = row.field("employerId").column
        for name in written_columns(row):
            if name not in table.columns:
                table.append_column(sa.Column(name, types.get(name, sa.Text()), primary_key=name == unique))
        if row.name not in ("person", "employer"):
            index = f"ix_{row.table}_{row.person_number}"
            if index not in {known.name for known in table.indexes}:
                sa.Index(index, table.columns[row.person_number])
    person = profile.person
    number = person.field("socialSecurityNumber").column
    sa.Index(f"uq_{person.table}_{number}", metadata.tables[person.table].columns[number], unique=True)
    return metadata


def _type(rule: Rule, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
    match rule.kind:
        case "money" | "rate" if dialect.name == "sqlite":
            return sa.Text()
        case "money":
            return sa.Numeric(16, 2)
        case "rate":
            return sa.Numeric(10, rule.places)
        case "months":
            return sa.Integer()
        case "month6":
            return sa.String(6)
        case "date8" | "date10" | "date19":
            return sa.String(int(rule.kind.removeprefix("date")))
        case "text":
            return sa.Text()
