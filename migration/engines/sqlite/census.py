"""One look at every value of a table: what will not go without saying, with the keys of the first rows.

Rows are glanced at many at a time (`glance`). Those in which something may be the matter, and tables that can't be
glanced at, are read one by one: what is plainly in order is passed over in SQL; whatever else goes to
`jiexu_look(number, class, value)`, a function in Python that gives the codes of what is the matter with it. Rows with a
code, and no others, come out of the database.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import apsw

from migration.catalog import Column, Kind, Oddity, Table
from migration.engine import ReadColumn
from migration.engines.sqlite import glance, rendering
from migration.engines.sqlite.cells import BEYOND, PRIVATE, Stored, Stray, written
from migration.engines.sqlite.connecting import meaning, quote, table
from migration.engines.sqlite.declared import DATES
from migration.engines.sqlite.snapshot import SqliteSnapshot

_FUNCTION: Final = "jiexu_look"
_FIRST: Final = 20  # rows whose keys are kept
_FINITE: Final = "1.7976931348623157e308"

_Columns = list[tuple[int, Column]]  # with their places in the table


@dataclass(slots=True)
class _Count:
    """What was found of one code in one column: rows, keys of the first, storage classes."""

    rows: int = 0
    keys: list[tuple[str, ...]] = field(default_factory=list)
    stored: set[str] = field(default_factory=set)


def take(snapshot: SqliteSnapshot, found: Table) -> tuple[Oddity, ...]:
    """The oddities of a table's values (D611-D619). Raises UnreachableError S409, IntegrityError D628, D632."""
    try:
        return (*_values(snapshot, found), *_orphans(snapshot.connection, found))
    except apsw.Error as error:
        raise meaning(error, str(found.name)) from None


def look(column: Column, stored: Stored, *, key: bool) -> tuple[str, ...]:
    """The codes of what is the matter with a value; a text has been read from its encoding already."""
    if stored is None:
        return ("D616",) if key else ()
    try:
        text = written(ReadColumn(column.name, column.kind, column.native, column.scale), stored)
    except Stray as stray:
        return (stray.code,)
    codes = []
    if column.kind in (Kind.TEXT, Kind.OTHER):
        codes += ["D612"] * ("\0" in text) + ["D619"] * bool(PRIVATE.search(text))
    if column.kind in DATES and BEYOND.fullmatch(text):
        codes.append("D618")
    if text in ("NaN", "Infinity", "-Infinity") and column.kind is Kind.FLOAT:
        codes.append("D618")
    return (*codes, "D614") if _wide(column, text) else tuple(codes)


def _wide(column: Column, text: str) -> bool:
    """Whether a value is wider than its column: characters, bytes, or digits before the point."""
    if column.kind is Kind.DECIMAL:
        whole = text.lstrip("-").partition(".")[0].lstrip("0")
        return len(whole) > (column.precision or 0) - (column.scale or 0)
    if column.length is None:
        return False
    return (len(text) - 2) // 2 > column.length if column.kind is Kind.BYTES else len(text) > column.length


def _values(snapshot: SqliteSnapshot, found: Table) -> Iterable[Oddity]:
    keys = _keys(snapshot.connection, found)
    snapshot.connection.create_scalar_function(_FUNCTION, _looked(snapshot.encoding, found), 3)
    counts: dict[tuple[str, str], _Count] = {}
    columns = [(at, column) for at, column in enumerate(found.columns) if column.generated is None]
    for start in range(0, len(columns), 400):  # an expression has at most so many parts
        for part, where in _closely(snapshot, found, columns[start : start + 400]):
            for row in snapshot.connection.execute(_query(found, part, keys) + where):
                _count(part, row, counts)
    order = {column.name: at for at, column in enumerate(found.columns)}
    for (name, code), count in sorted(counts.items(), key=lambda each: (order[each[0][0]], each[0][1])):
        detail = ", ".join(sorted(count.stored)) if code == "D615" else ""
        yield Oddity(code, found.name, name, count.rows, detail, tuple(count.keys))


def _looked(encoding: str, found: Table) -> Callable[..., str | None]:
    """The function that looks at a value of this table."""
    primary = found.primary.columns if found.primary else ()

    def looked(*given: Any) -> str | None:
        number, storage, value = given
        column = found.columns[number]
        try:
            value = value.decode(encoding) if storage == "text" else value
        except UnicodeDecodeError:
            return "D611"
        return " ".join(look(column, value, key=column.name in primary)) or None

    return looked


def _closely(snapshot: SqliteSnapshot, found: Table, columns: _Columns) -> Iterator[tuple[_Columns, str]]:
    """Which of these columns must be looked at one by one, and in which rows: the rest of the query's condition."""
    number = _number(snapshot.connection, found)
    if snapshot.wide or not number:
        yield columns, ""
        return
    primary = found.primary.columns if found.primary else ()
    looks = [glance.Look(at, column, _passed(column, key=column.name in primary)) for at, column in columns]
    for rows in glance.suspects(snapshot.connection, found.name, number, looks):
        where = f" AND {number} BETWEEN {rows.first} AND {rows.last} ORDER BY {number}"
        yield [(at, column) for at, column in columns if at in rows.places], where


def _query(found: Table, columns: _Columns, keys: list[str]) -> str:
    """Rows with something the matter: for each column its codes and its storage class, then the key."""
    primary = found.primary.columns if found.primary else ()
    looks = [_look(at, column, key=column.name in primary) for at, column in columns]
    wanted = [part for look, (_, column) in zip(looks, columns, strict=True) for part in (look, _class(column))]
    some = f"coalesce({', '.join([*looks, 'NULL'])}) IS NOT NULL"
    return f"SELECT {', '.join([*wanted, *keys])} FROM {table(found.name)} WHERE {some}"  # noqa: S608 -- names are quoted


def _count(columns: _Columns, row: tuple[Any, ...], counts: dict[tuple[str, str], _Count]) -> None:
    key = tuple(part.decode(errors="backslashreplace") for part in row[2 * len(columns) :])
    for at, (_, column) in enumerate(columns):
        for code in (row[2 * at] or "").split():
            count = counts.setdefault((column.name, code), _Count())
            count.rows += 1
            count.stored.add(row[2 * at + 1])
            if len(count.keys) < _FIRST:
                count.keys.append(key)


def _keys(connection: apsw.Connection, found: Table) -> list[str]:
    """Expressions for what tells a row: its key, else its number; bytes, since a key may be no valid text."""
    number = _number(connection, found)
    names = [quote(name) for name in found.order] or ([number] if number else [])
    return [f"CAST(CAST(coalesce({name}, 'NULL') AS TEXT) AS BLOB)" for name in names]


def _number(connection: apsw.Connection, found: Table) -> str:
    """What a row's number is called in SQL; empty in a table without such numbers, or if all its names are taken."""
    query = "SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?"
    if connection.execute(query, (found.name.name,)).fetchall() != [(0,)]:
        return ""
    taken = {column.name.lower() for column in found.columns}
    return next((name for name in ("rowid", "oid", "_rowid_") if name not in taken), "")


def _class(column: Column) -> str:
    return f"typeof({quote(column.name)})"


def _look(number: int, column: Column, *, key: bool) -> str:
    name = quote(column.name)
    return _unless(_fine(column, name), name, f"{_FUNCTION}({number}, {rendering.given(name)})", key=key)


def _passed(column: Column, *, key: bool) -> str:
    """NULL for a value that a glance passes over: of a text it is enough that it is one, and not too long."""
    name = quote(column.name)
    if column.kind not in glance.TEXTS:
        return _unless(_fine(column, name), name, "1", key=key)
    held = f"typeof({name})='text'" if column.kind is Kind.TEXT else f"typeof({name})<>'blob'"
    width = f" AND length({name})<={column.length}" if column.length is not None else ""
    return _unless(held + width, name, "1", key=key)


def _unless(fine: str, name: str, otherwise: str, *, key: bool) -> str:
    """NULL where this condition holds, and for NULL itself, if it may stand there."""
    null = "" if key else f"WHEN {name} IS NULL THEN NULL "
    return f"CASE {null}WHEN {fine} THEN NULL ELSE {otherwise} END"


def _fine(column: Column, name: str) -> str:
    """A condition in SQL under which there is nothing the matter with a value."""
    storage = f"typeof({name})"
    match column.kind:
        case Kind.INTEGER:
            return f"{storage}='integer'"
        case Kind.NUMBER:
            return f"{storage}='integer' OR ({storage}='real' AND {_between(name, _FINITE)})"
        case Kind.FLOAT:
            return f"{storage}='real' AND {_between(name, _FINITE)}"
        case Kind.BOOLEAN:
            return f"{storage}='integer' AND {name} IN (0,1)"
        case Kind.BYTES:
            return f"{storage}='blob'" + (f" AND length({name})<={column.length}" if column.length is not None else "")
        case Kind.DECIMAL:
            return _fine_decimal(column, name)
        case Kind.TEXT | Kind.OTHER:
            # Printable ASCII: whoever counts as many bytes as characters found no NUL, where counting ends.
            width = f" AND length({name})<={column.length}" if column.length is not None else ""
            plain = f"octet_length({name})=length({name}) AND {name} NOT GLOB '*[^ -~]*'"
            return f"{storage}='text' AND {plain}{width}"
        case Kind.DATE | Kind.TIME | Kind.TIMESTAMP | Kind.TIMESTAMPTZ:
            read = ReadColumn(column.name, column.kind, column.native)
            return " OR ".join(f"({when})" for when, _ in rendering.branches(read))


def _fine_decimal(column: Column, name: str) -> str:
    limit = f"{10 ** max((column.precision or 0) - (column.scale or 0), 0)}.0"
    digits = f"CAST(printf('%.{column.scale or 0}f',{name}) AS REAL)={name}"
    storage = f"typeof({name})"
    within = f"{name}<{limit} AND {name}>-{limit}"
    return f"{within} AND ({storage}='integer' OR ({storage}='real' AND {digits}))"


def _between(name: str, limit: str) -> str:
    """Written without abs(), which fails for the least of all whole numbers."""
    return f"{name} BETWEEN -{limit} AND {limit}"


def _orphans(connection: apsw.Connection, found: Table) -> Iterable[Oddity]:
    """Rows that refer to none, by SQLite's own check; one oddity for each foreign key."""
    name = found.name.name
    columns: dict[int, list[str]] = {}
    for number, column in connection.execute(
        'SELECT id, "from" FROM pragma_foreign_key_list(?) ORDER BY id, seq', (name,)
    ):
        columns.setdefault(number, []).append(column)
    counts: dict[int, _Count] = {}
    rowids: dict[int, list[int]] = {}
    try:
        for _, rowid, _, number in connection.execute(f'PRAGMA "main".foreign_key_check({quote(name)})'):
            counts.setdefault(number, _Count()).rows += 1
            if rowid is not None and len(rowids.setdefault(number, [])) < _FIRST:
                rowids[number].append(rowid)
    except apsw.SQLError:
        yield Oddity("D617", found.name, detail="a foreign key refers to columns that are no key")
        return
    for number, count in sorted(counts.items()):
        keys = tuple(_key(connection, found, rowid) for rowid in rowids.get(number, []))
        yield Oddity("D617", found.name, ", ".join(columns[number]), count.rows, keys=keys)


def _key(connection: apsw.Connection, found: Table, rowid: int) -> tuple[str, ...]:
    names = ", ".join(_keys(connection, found)) or "''"
    query = f"SELECT {names} FROM {table(found.name)} WHERE rowid = ?"  # noqa: S608 -- names are quoted
    row: Any = connection.execute(query, (rowid,)).fetchall()[0]
    return tuple(part.decode(errors="backslashreplace") for part in row)
