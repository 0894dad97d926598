# ruff: noqa: S608 -- names are quoted, everything else is of this package
"""What of a table's values does not go without saying: one look at every row."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from migration.catalog import Column, ForeignKey, Kind, Oddity, Table
from migration.engine import ReadColumn, Reading
from migration.engines.mariadb.names import full_name, quoted, word
from migration.engines.mariadb.rendering import cell
from migration.engines.mariadb.snapshot import MariadbSnapshot, unsound

_KEYS: Final = 20
# Regular expressions of the server: private-use characters, in the plane of everything and in the two made for them.
_PRIVATE: Final = r"'[\\x{E000}-\\x{F8FF}\\x{F0000}-\\x{FFFFD}\\x{100000}-\\x{10FFFD}]'"


@dataclass(frozen=True, slots=True)
class _Question:
    """A condition on a row, and what it is when it holds."""

    code: str
    column: str
    condition: str
    detail: str = ""


def census(snapshot: MariadbSnapshot, table: Table) -> tuple[Oddity, ...]:
    """The oddities of one table with the keys of the first rows. Raises IntegrityError D632 if it is gone."""
    questions = [question for column in table.columns for question in _questions(snapshot, table, column)]
    questions += [_orphans(key) for key in table.foreign if not key.table.schema]
    if not questions:
        return ()
    sums = ", ".join(f"COALESCE(SUM({question.condition}), 0)" for question in questions)
    ((*counts,),) = snapshot.fetch(table.name, f"SELECT {sums} FROM {full_name(table.name)} `row`")
    return tuple(_odd(snapshot, table, counts, questions))


def _odd(snapshot: MariadbSnapshot, table: Table, counts: list[object], questions: list[_Question]) -> Iterator[Oddity]:
    key = tuple(_read(table.column(name)) for name in table.order)
    for question, count in zip(questions, counts, strict=True):
        rows = int(str(count))
        if not rows:
            continue
        found = snapshot.rows(Reading(table.name, key, ()), question.condition, _KEYS) if key else ()
        keys = tuple(tuple(str(text) for text in cells) for cells in found)
        yield Oddity(question.code, table.name, question.column, rows, question.detail, keys)


def _questions(snapshot: MariadbSnapshot, table: Table, column: Column) -> Iterator[_Question]:
    name = quoted(column.name)
    written = cell(_read(column), snapshot.facts(table.name).charsets[column.name])
    if written.sound:
        yield _Question(written.code, column.name, unsound(column.name, written.sound))
    if word(column.native) == "enum":
        yield _Question("D615", column.name, f"({name} IS NOT NULL AND {name} + 0 = 0)", "no value of the enum")
    if column.kind is Kind.TEXT or word(column.native) == "json":
        yield _Question("D612", column.name, f"({name} IS NOT NULL AND LOCATE(X'00', CAST({name} AS BINARY)) > 0)")
        yield _Question("D619", column.name, f"({name} IS NOT NULL AND {written.text} REGEXP {_PRIVATE})")


def _read(column: Column) -> ReadColumn:
    return ReadColumn(column.name, column.kind, column.native, column.scale, column.padded)


def _orphans(key: ForeignKey) -> _Question:
    """Rows whose parent is missing: the server lets them in while foreign_key_checks is off."""
    filled = " AND ".join(f"`row`.{quoted(name)} IS NOT NULL" for name in key.columns)
    same = " AND ".join(
        f"parent.{quoted(there)} = `row`.{quoted(here)}" for here, there in zip(key.columns, key.referred, strict=True)
    )
    missing = f"NOT EXISTS (SELECT 1 FROM {full_name(key.table)} parent WHERE {same})"
    return _Question("D617", ", ".join(key.columns), f"({filled} AND {missing})", key.name)
