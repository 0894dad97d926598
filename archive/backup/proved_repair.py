"""Repair of rows that have a journal entry each: holds, lookups, backups, partners' signed heads.

A row is put back when it is what its entry says: from the dump, or, of a hold, as it was before or after it was lifted.
What nobody entered goes. A row aside has nothing of a person: of a lookup it is not said of whom it was, nor who asked.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, select
from sqlalchemy.sql.expression import ColumnElement

from archive import proved_rows
from archive.backup.aside import Aside
from archive.backup.dump import plain
from archive.backup.journal_repair import Mended
from archive.backup.restoring import Dump
from archive.proved_rows import ALL, HOLDS, INSERTED, Proved, Wrong

Values = Mapping[str, Any]

_PERSONAL = ("subject", "requester_id", "basis", "salt")


def mend(connection: Connection, dumped: Dump, aside: Aside) -> list[Mended]:
    """Put these rows right, as far as the dump goes. The journal must hold. Gives what was put right."""
    mended: list[Mended] = []
    for proved in ALL:
        wrong = proved_rows.differing(connection, proved)
        if not wrong:
            continue
        keys = {item.key for item in wrong}
        known = {key: row.values for row in dumped.rows(proved.table.name) if (key := _key(proved, row.values)) in keys}
        ordered = sorted(wrong, key=lambda item: item.how != INSERTED)  # first what is in the way goes
        mended += [
            Mended("A507", item.name) for item in ordered if _is_mended(connection, item, known.get(item.key), aside)
        ]
    return mended


def _is_mended(connection: Connection, wrong: Wrong, known: Values | None, aside: Aside) -> bool:
    table = wrong.proved.table
    if wrong.how == INSERTED:
        _take(connection, wrong.proved, table.c.id == wrong.row, aside)
        return True
    where = wrong.proved.where(wrong.key)
    here = connection.execute(select(table).where(where)).mappings().first()
    for values in _candidates(wrong, dict(here) if here else None, known):
        if wrong.proved.said(wrong.what or {}) == wrong.proved.has(values):
            _take(connection, wrong.proved, where, aside)
            _put(connection, table, values)
            return True
    return False


def _candidates(wrong: Wrong, here: Values | None, known: Values | None) -> Iterator[Values]:
    for values in (known, here):
        if values is not None:
            yield values
            if wrong.proved is HOLDS and wrong.what:
                yield {**values, "lifted": "", "lifted_by": ""}
                yield {**values, "lifted": wrong.what["at"], "lifted_by": wrong.what["who"]}


def _put(connection: Connection, table: Table, values: Values) -> None:
    """Put a row in, under its id if nobody has that by now; where the id is its key, it is free."""
    taken = connection.execute(select(table.c.id).where(table.c.id == values["id"])).first()
    connection.execute(
        insert(plain(table.name)), {name: value for name, value in values.items() if name != "id" or taken is None}
    )


def _take(connection: Connection, proved: Proved, where: ColumnElement[bool], aside: Aside) -> None:
    taken = connection.execute(select(proved.table).where(where)).mappings()
    aside.rows(
        proved.table.name,
        [{name: value for name, value in row.items() if name not in _PERSONAL} for row in taken],
    )
    connection.execute(delete(proved.table).where(where))


def _key(proved: Proved, values: Values) -> tuple[Any, ...]:
    return tuple(values[name] for name in proved.key)
