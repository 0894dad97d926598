"""Keys that occur twice: hashes of all keys in a temporary file, in bounded memory, nothing of a person among them."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from hashlib import blake2b
from secrets import token_bytes
from typing import Final, Self

from migration import canon
from migration.catalog import Oddity, TableName
from migration.legacy.batches import Batch
from migration.legacy.cells import Unfit
from migration.legacy.rendering import Chosen

_SHOWN: Final = 20


class Seen:
    """The keys that were met. A context manager; the temporary file has no name and goes with it."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute("CREATE TABLE seen (hash BLOB, file TEXT, number INTEGER, line INTEGER)")
        self._database.execute("BEGIN")
        self._secret = token_bytes(16)

    def enter(self, batch: Batch, key: Sequence[Chosen]) -> None:
        """The keys of a batch; rows whose key can't be written are not entered."""
        if key:
            self._database.executemany("INSERT INTO seen VALUES (?, ?, ?, ?)", self._hashes(batch, key))

    def _hashes(self, batch: Batch, key: Sequence[Chosen]) -> Iterator[tuple[bytes, str, int, int]]:
        places = [column.at for column in key]
        lines = batch.lines or (0,) * len(batch.numbers)
        for row, found in _keys(batch, key):
            if row in batch.broken or any((row, at) in batch.bad for at in places):
                continue
            digest = blake2b(canon.line(found), digest_size=16, key=self._secret).digest()
            yield digest, batch.file, batch.numbers[row], lines[row]

    def repeated(self, table: TableName) -> tuple[Oddity, ...]:
        """D616 with the places of the first rows whose key was there before, if there are any."""
        rows, repeated = self._database.execute(
            "SELECT sum(n - 1), count(*) FROM (SELECT count(*) AS n FROM seen GROUP BY hash HAVING count(*) > 1)"
        ).fetchone()
        if not repeated:
            return ()
        again = self._database.execute(
            "SELECT file, number, line FROM (SELECT *, rowid AS at,"
            " row_number() OVER (PARTITION BY hash ORDER BY rowid) AS nth FROM seen) WHERE nth > 1 ORDER BY at LIMIT ?",
            (_SHOWN,),
        ).fetchall()
        places = [Batch(file, (number,), (), (line,) if line else ()).place(0) for file, number, line in again]
        detail = f"{repeated} keys occur more than once"
        return (Oddity("D616", table, "", rows, detail, tuple((place,) for place in places)),)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._database.close()


def _keys(batch: Batch, key: Sequence[Chosen]) -> Iterator[tuple[int, canon.Cells]]:
    """The canonical keys that can be written, with their rows."""
    try:
        columns = [column.cells.column(batch.columns[column.at]) for column in key]
    except Unfit:
        for row in range(len(batch.numbers)):
            with suppress(Unfit):
                yield row, tuple(column.cells.one(batch.columns[column.at][row]) for column in key)
    else:
        yield from enumerate(zip(*columns, strict=True))
