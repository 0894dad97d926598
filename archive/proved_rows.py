"""Rows that each stand under a journal entry of their own: holds, lookups, backups, partners' signed heads.

The entry says which row it is and what is in it. Of holds and lookups it has a digest and not the content, since who
was looked up, and why a case is held, is nobody's business who reads the journal: SHA-256 over the row with its random
salt of 128 bits, so that nobody finds the content by trying. A hold has two entries, the later one counts.

A row that was changed, removed or inserted is found by reading both side by side, in any journal that holds.
"""

import json
import secrets
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Final

from sqlalchemy import Connection, Row, Table, and_, select
from sqlalchemy.sql.expression import ColumnElement

from archive.tables import journal
from archive.upkeep_tables import backups, holds, lookups, witnessed
from formats.digest import sha256
from formats.errors import IntegrityError

Values = Mapping[str, Any]
Key = tuple[Any, ...]

CHANGED: Final = "the row was changed"
MISSING: Final = "the row is missing"
INSERTED: Final = "no such row was entered"

_PAGE = 2000  # rows read at once


@dataclass(frozen=True, slots=True)
class Proved:
    """A table and the entries that prove its rows.

    `enters` are the kinds of entries that enter a row, `changes` those that change it; `key` names the row: column ->
    field of `what`; `said` is what an entry (its fields, `at` among them) says of the rest, `has` what a row has.
    """

    table: Table
    enters: tuple[str, ...]
    changes: tuple[str, ...]
    key: Mapping[str, str]
    said: Callable[[Values], Any]
    has: Callable[[Values], Any]

    def where(self, key: Key) -> ColumnElement[bool]:
        """The rows with this key."""
        return and_(*(self.table.c[name] == value for name, value in zip(self.key, key, strict=True)))


@dataclass(frozen=True, slots=True)
class Wrong:
    """A row that is not what the journal says: which, how, and the entry that counts (0: none).

    `row` is the id of a row that nobody entered; `what` are the entry's fields, with `at` and `who`.
    """

    proved: Proved
    key: Key
    how: str
    entry: int = 0
    row: int = 0
    what: Values | None = None

    @property
    def name(self) -> str:
        """Table and key, as `holds 3`."""
        return " ".join([self.proved.table.name, *map(str, self.key)])


def salt() -> str:
    """A new salt: 128 random bits in hex."""
    return secrets.token_hex(16)


def digest(table: Table, row: Values) -> str:
    """SHA-256 (hex) over the canonical JSON of all of the row's values, the salt too, in the order of the columns."""
    values = [row[column.name] for column in table.columns]
    return sha256(json.dumps(values, ensure_ascii=False, separators=(",", ":"), default=repr).encode())


def _of(*names: str) -> Callable[[Values], tuple[Any, ...]]:
    return lambda values: tuple(values.get(name) for name in names)


def _head(row: Values) -> tuple[Any, ...]:
    return row["at"], sha256(str(row["note"]).encode())


HOLDS = Proved(holds, ("hold-placed",), ("hold-lifted",), {"id": "hold"}, _of("row"), lambda row: (digest(holds, row),))
LOOKUPS = Proved(
    lookups, ("looked-up", "lookup-counted"), (), {"id": "lookup"}, _of("row"), lambda row: (digest(lookups, row),)
)
_BACKUP = _of("at", "files", "bytes", "digest")
BACKUPS = Proved(backups, ("backed-up",), (), {"snapshot": "snapshot", "place": "place"}, _BACKUP, _BACKUP)
WITNESSED = Proved(
    witnessed,
    ("witnessed",),
    (),
    {"partner": "partner", "size": "size", "root": "root"},
    _of("at", "note"),
    _head,
)
ALL = (HOLDS, LOOKUPS, BACKUPS, WITNESSED)


def differing(connection: Connection, proved: Proved) -> list[Wrong]:
    """The rows of this table that are not what the journal says. It proves nothing in a journal that does not hold.

    Memory is bounded as long as rows and entries come in the same order. Raises IntegrityError A504 for an entry that
    cannot be read.
    """
    said: dict[Key, tuple[int, Values]] = {}
    there: dict[Key, tuple[int, Any]] = {}
    wrong: list[Wrong] = []
    with closing(_entries(connection, proved)) as entries, closing(_rows(connection, proved)) as rows:
        for entry, row in zip_longest(entries, rows):
            if entry is not None:
                kind, key, number, what = entry
                if kind in proved.enters and key in said:  # its number was given out again, so the row had gone
                    wrong.append(Wrong(proved, key, MISSING, said[key][0], what=said[key][1]))
                said[key] = number, what
                _settle(proved, key, said, there)
            if row is not None:
                key, number, has = row
                if key in there:
                    wrong.append(Wrong(proved, key, INSERTED, row=number))
                else:
                    there[key] = number, has
                    _settle(proved, key, said, there)
    for key, (number, what) in said.items():
        # A row may have agreed with the entry that entered it and not with the one that changed it.
        stands = there.pop(key, None) or connection.execute(select(proved.table.c.id).where(proved.where(key))).first()
        wrong.append(Wrong(proved, key, CHANGED if stands else MISSING, number, what=what))
    return wrong + [Wrong(proved, key, INSERTED, row=number) for key, (number, _) in there.items()]


def _settle(proved: Proved, key: Key, said: dict[Key, tuple[int, Values]], there: dict[Key, tuple[int, Any]]) -> None:
    """Forget a row that is what its entry says."""
    if key in said and key in there and proved.said(said[key][1]) == there[key][1]:
        del said[key], there[key]


def require(connection: Connection, proved: Proved, key: Key | None = None) -> None:
    """Before something irrevocable rests on these rows, or on the one with this key.

    Raises IntegrityError A507 naming the first that is not what the journal says; A504.
    """
    for item in differing(connection, proved):
        if key is None or item.key == key:
            raise IntegrityError("A507", f"{item.name}: {item.how}")


def _entries(connection: Connection, proved: Proved) -> Generator[tuple[str, Key, int, Values], None, None]:
    columns = journal.c.n, journal.c.at, journal.c.kind, journal.c.what, journal.c.who
    wanted = select(*columns).where(journal.c.kind.in_((*proved.enters, *proved.changes))).order_by(journal.c.n)
    with connection.execute(wanted.execution_options(yield_per=_PAGE)) as found:
        for row in found:
            what = {**_parsed(row), "at": row.at, "who": row.who}
            yield row.kind, tuple(what.get(field) for field in proved.key.values()), row.n, what


def _parsed(row: Row[Any]) -> Values:
    try:
        what = json.loads(row.what)
    except (ValueError, TypeError, RecursionError):
        what = None
    if not isinstance(what, dict):
        raise IntegrityError("A504", f"entry {row.n} was changed")
    return what


def _rows(connection: Connection, proved: Proved) -> Generator[tuple[Key, int, Any], None, None]:
    wanted = select(proved.table).order_by(proved.table.c.id).execution_options(yield_per=_PAGE)
    with connection.execute(wanted) as found:
        for row in map(dict[str, Any], found.mappings()):
            yield tuple(row[name] for name in proved.key), row["id"], proved.has(row)
