"""Rows as they lie in a file, put in the order of their key (`canon`, rule 4), in bounded memory.

Rows that rise already only pass through `rising`, which looks at their keys alone. Others are sorted in runs as large
as memory allows; the runs wait in a temporary SQLite file beside the freeze and are merged. There every row gets a key
of bytes that compare as its `canon` order does, so that nothing but bytes is compared.
"""

import heapq
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import islice, pairwise
from operator import le, lt
from pathlib import Path
from typing import Any, Final

import apsw

from formats.errors import IntegrityError
from migration.catalog import Kind
from migration.engine import Block, ReadColumn, Reading
from migration.freeze import disk

Keyed = tuple[bytes, bytes]  # what a line is put in order by, and the line

_MEMORY: Final = 64 * 2**20  # bytes of rows that are sorted at once
_ROW: Final = 250  # bytes that a row takes in memory beside its own two
_BLOCK: Final = 256 * 1024
_CELL: Final = rb'"[^"]*+(?:""[^"]*+)*+"|NULL'
_BEGUN: Final = rb'"([^"\n]*+(?:""[^"\n]*+)*+)"'  # a cell without a line end
_NINES: Final = bytes.maketrans(b"0123456789", b"9876543210")


class OrderError(Exception):
    """The rows do not rise: they must be sorted."""


class Keys:
    """How the rows of one reading are told apart and put in order."""

    def __init__(self, reading: Reading) -> None:
        wanted = [column.name in reading.key or not reading.key for column in reading.columns]
        cells = [b"(" + _CELL + b")" if want else b"(?:" + _CELL + b")" for want in wanted]
        self._row = re.compile(b"(" + b",".join(cells) + b"\n)")
        found = [column for column, want in zip(reading.columns, wanted, strict=True) if want]
        names = [column.name for column in found]
        self._table = reading.table
        self._places = [names.index(name) + 1 for name in reading.key] or list(range(1, len(names) + 1))
        numeric = [bool(reading.key) and _numeric(found[place - 1]) for place in self._places]
        self._parts = list(zip(self._places, numeric, strict=True))
        self.unique = bool(reading.key)
        seen = b",".join(_BEGUN if want else b"(?:" + _CELL + b")" for want in wanted[: _last(wanted)])
        self._begun = re.compile(b"\n" + seen)

    def keyed(self, block: Block) -> list[Keyed]:
        """The block's rows with their keys. Raises IntegrityError D616 for NULL in a key, D671."""
        rows = self._row.findall(block.data)
        if sum(len(row[0]) for row in rows) != len(block.data):
            raise IntegrityError("D671", str(self._table))
        if self.unique and any(b"NULL" in row[1:] for row in rows):
            raise IntegrityError("D616", f"{self._table}: NULL in the key")
        if len(self._parts) == 1:
            ((place, numeric),) = self._parts
            part = _number if numeric else _text
            return [(part(row[place]), row[0]) for row in rows]
        return [(b"".join((_number if n else _text)(row[place]) for place, n in self._parts), row[0]) for row in rows]

    def ranks(self, block: Block) -> list[Any]:
        """By what the block's rows compare, in their order. Raises as `keyed`, but looks no further than the key."""
        if not self.unique:
            return [key for key, _ in self.keyed(block)]
        columns = self._columns(block)
        parts = [list(map(int, columns[p - 1])) if n else columns[p - 1] for p, n in self._parts]
        return list(zip(*parts, strict=True)) if len(parts) > 1 else list(parts[0])

    def _columns(self, block: Block) -> list[Sequence[bytes]]:
        """The cells of the key's columns, without their quotes. Where rows are one line each, a line end begins one."""
        if block.data.count(b"\n") == block.rows:
            found = self._begun.findall(b"\n" + block.data)
            if len(found) == block.rows:
                return [found] if self._begun.groups == 1 else list(zip(*found, strict=True))
        self.keyed(block)  # raises what there is to be raised
        rows = self._row.findall(block.data)
        return [[cell[1:-1] for cell in column] for column in list(zip(*rows, strict=True))[1:]]

    def repeated(self, count: int) -> IntegrityError:
        """The error for so many rows whose key another row has already."""
        return IntegrityError("D616", f"{self._table}: {count} rows")


def rising(blocks: Iterable[Block], reading: Reading) -> Iterator[Block]:
    """The blocks as they come. Raises OrderError at the first block with rows out of order or with equal keys."""
    keys, before = Keys(reading), list[Any]()
    for block in blocks:
        here = before + keys.ranks(block)
        if not all(map(lt if keys.unique else le, here, islice(here, 1, None))):
            raise OrderError
        before = here[-1:]
        yield block


def by_key(blocks: Iterable[Block], reading: Reading, file: Path) -> Iterator[Block]:
    """The same rows in order; `file` is used and removed again if they do not fit into memory.

    Raises IntegrityError D616 naming the table when keys occur twice, with how many rows; D671; UnreachableError S416.
    """
    keys, batch, weight = Keys(reading), list[Keyed](), 0
    with closing(_Runs(file)) as runs:
        for block in blocks:
            batch += keys.keyed(block)
            weight += 2 * len(block.data) + _ROW * block.rows
            if weight > _MEMORY:
                runs.add(sorted(batch))
                batch, weight = [], 0
        merged = heapq.merge(*runs.read(), sorted(batch))
        yield from _blocks(_distinct(merged, keys) if keys.unique else (line for _, line in merged))


class _Runs:
    """Sorted runs in a temporary SQLite file, which is made with the first."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._connection: apsw.Connection | None = None
        self._ends = [0]

    def add(self, rows: list[Keyed]) -> None:
        """Keep a sorted run."""
        with disk.refusals():
            if self._connection is None:
                self._file.unlink(missing_ok=True)
                self._file.touch(0o600)
                self._connection = apsw.Connection(str(self._file))
                self._connection.pragma("journal_mode", "off")  # nobody needs the file after a crash
                self._connection.pragma("synchronous", "off")
                self._connection.execute("BEGIN")
                self._connection.execute("CREATE TABLE rows (n INTEGER PRIMARY KEY, key BLOB, line BLOB)")
            self._connection.executemany("INSERT INTO rows (key, line) VALUES (?, ?)", rows)
        self._ends.append(self._ends[-1] + len(rows))

    def read(self) -> list[Iterator[Keyed]]:
        """The runs, each from its beginning."""
        return [self._run(after, to) for after, to in pairwise(self._ends)]

    def _run(self, after: int, to: int) -> Iterator[Keyed]:
        assert self._connection is not None, "there is no run before the first"
        wanted = "SELECT key, line FROM rows WHERE n > ? AND n <= ? ORDER BY n"
        yield from self._connection.execute(wanted, (after, to))

    def close(self) -> None:
        """Remove the file."""
        if self._connection is not None:
            self._connection.close(True)  # noqa: FBT003 - apsw takes `force` by place alone
            self._file.unlink()


def _distinct(rows: Iterable[Keyed], keys: Keys) -> Iterator[bytes]:
    """The lines. Once a key has occurred twice the rest is only counted, and an error says how many."""
    before, repeated = b"", 0
    for key, line in rows:
        if key == before:
            repeated += 1
        elif not repeated:
            yield line
        before = key
    if repeated:
        raise keys.repeated(repeated)


def _blocks(lines: Iterable[bytes]) -> Iterator[Block]:
    held, size = list[bytes](), 0
    for line in lines:
        held.append(line)
        size += len(line)
        if size >= _BLOCK:
            yield Block(b"".join(held), len(held))
            held, size = [], 0
    if held:
        yield Block(b"".join(held), len(held))


def _last(wanted: list[bool]) -> int:
    """How many columns there are up to the last that is wanted."""
    return len(wanted) - wanted[::-1].index(True)


def _numeric(column: ReadColumn) -> bool:
    return column.kind is Kind.INTEGER or (column.kind is Kind.DECIMAL and column.scale == 0)


def _text(cell: bytes) -> bytes:
    """A cell so that it compares by its bytes whatever follows, NULL before all. Doubled quotes change no order."""
    return b"\x00" if cell == b"NULL" else b"\x01" + cell[1:-1].replace(b"\x00", b"\x00\xff") + b"\x00\x00"


def _number(cell: bytes) -> bytes:
    """A whole number so that it compares by value: sign, how many digits, digits; of negative ones the complement."""
    digits = cell[1:-1]
    if digits.startswith(b"-"):
        return b"\x01" + (0x10000 - len(digits)).to_bytes(2) + digits[1:].translate(_NINES)
    return b"\x02" + len(digits).to_bytes(2) + digits
