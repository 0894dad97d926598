"""Whether the records database is what its mapping profile says: tables, columns and codes, in counts alone.

Nothing of a row comes out of here: neither a value nor whose row it is, only how many there are.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from archive import intake
from formats.profile import Profile, RowProfile

MISSING_TABLE, MISSING_COLUMN, UNMAPPED = "missing table", "missing column", "unmapped codes"
LEFT_OUT, NOT_OURS, UNLIKE_CELLS = "left out by kind", "other fixed value", "second column differs"
# What of these makes reading or taking in fail, with its reason code; the others are told so that nobody wonders.
CODES = {MISSING_TABLE: "S415", MISSING_COLUMN: "S415", UNMAPPED: "S460", UNLIKE_CELLS: "S415"}


@dataclass(frozen=True, slots=True)
class Deviation:
    """One difference between profile and database.

    `what` is one of the words above, `code` its reason or empty where it is only told; `rows` and `values` are how many
    rows and how many different codes it concerns, 0 where a table or a column is missing.
    """

    table: str
    column: str
    what: str
    rows: int = 0
    values: int = 0

    @property
    def code(self) -> str:
        """The reason code: S415, S460, or empty."""
        return CODES.get(self.what, "")


def deviations(connection: sa.Connection, profile: Profile) -> Iterator[Deviation]:
    """All differences, by row type in the order of the record. Raises what the connection raises."""
    inspector = sa.inspect(connection)
    yield from (Deviation(name, "", MISSING_TABLE) for name in intake.metadata.tables if not inspector.has_table(name))
    seen = set[str]()
    tables = Counter(row.table for row in profile.rows)
    for row in (row for row in profile.rows if row.table):
        if not inspector.has_table(row.table):
            if row.table not in seen:
                yield Deviation(row.table, "", MISSING_TABLE)
            seen.add(row.table)
            continue
        there = {column["name"] for column in inspector.get_columns(row.table)}
        lost = [column for column in _columns(row) if column not in there]
        yield from (Deviation(row.table, column, MISSING_COLUMN) for column in lost)
        yield from _of_rows(connection, row, set(lost))
        if tables[row.table] == 1:  # in a table of two row types the rows of the one are not those of the other
            yield from _others(connection, row, set(lost))


def _columns(row: RowProfile[Any]) -> list[str]:
    """All columns that the profile names for a row type."""
    number = [row.person_number] if row.person_number else []
    second = [field.also for field in row.fields if field.also]
    return [*number, *row.columns, *second, *(column for column, _ in row.always)]


def _of_rows(connection: sa.Connection, row: RowProfile[Any], lost: set[str]) -> Iterator[Deviation]:
    """What the rows themselves say: codes without a mapping, rows that are not read."""
    always = [(column, value) for column, value in row.always if column not in lost]
    ours = [_text(column) == value for column, value in always]
    for field in row.fields:
        if field.column in lost or not field.column:
            continue
        if field.rule.codes:
            known = [local for local, _ in field.rule.codes]
            leave = row.leave if field.name == "kind" else ()
            strange = _text(field.column).not_in([*known, *leave, ""])
            yield from _counted(connection, row, field.column, UNMAPPED, [*ours, strange])
            if leave:
                yield from _counted(connection, row, field.column, LEFT_OUT, [*ours, _text(field.column).in_(leave)])
        if field.also and field.also not in lost:
            differs = sa.column(field.column).is_distinct_from(sa.column(field.also))
            yield from _counted(connection, row, field.column, UNLIKE_CELLS, [*ours, differs])


def _others(connection: sa.Connection, row: RowProfile[Any], lost: set[str]) -> Iterator[Deviation]:
    """Rows with another value in a column that the profile fixes: they are not read."""
    for column, value in row.always:
        if column not in lost:
            yield from _counted(connection, row, column, NOT_OURS, [_text(column).is_distinct_from(value)])


def _counted(
    connection: sa.Connection, row: RowProfile[Any], column: str, what: str, where: list[sa.ColumnElement[bool]]
) -> Iterator[Deviation]:
    """The deviation, where there are such rows."""
    counts = sa.select(sa.func.count(), sa.func.count(sa.distinct(sa.column(column))))
    rows, values = connection.execute(counts.select_from(sa.table(row.table)).where(*where)).one()
    if rows:
        yield Deviation(row.table, column, what, int(rows), int(values))


def _text(column: str) -> sa.ColumnElement[Any]:
    return sa.cast(sa.column(column), sa.Text)
