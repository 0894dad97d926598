"""The records of a DBF file, as batches of texts, in the order in which they lie there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Final

from formats.errors import IntegrityError
from migration.legacy.batches import BATCH, Batch, Watched, regrouped
from migration.legacy.cells import Texts
from migration.legacy.dbf.header import DbfColumn, Header
from migration.legacy.dbf.values import Decoder
from migration.legacy.fixed import unpacker

_DELETED: Final = b"*"
_MARKS: Final = (b" ", _DELETED)
_VARYING: Final = "VQ"


@dataclass(frozen=True, slots=True)
class Reader:
    """What reads one file: a decoder for every column that is wanted, None for the others and the hidden ones.

    `deleted`: deleted records are carried, and the last column says which they are.
    """

    file: Watched
    header: Header
    decoders: tuple[Decoder | None, ...]
    deleted: bool = False

    def batches(self) -> Iterator[Batch]:
        """Its records. Raises IntegrityError D628 for more or fewer than the header says, D632 if the file changed."""
        name, header = self.file.path.name, self.header
        pieces = regrouped(self.file.chunks(), header.start, header.record * BATCH)
        next(pieces, b"")
        done, tail = 0, b""
        for piece in pieces:
            count = min(len(piece) // header.record, header.records - done)
            if count:
                yield self._batch(piece[: count * header.record], done + 1)
            done += count
            tail = (tail + piece[count * header.record :])[: 2 * header.record + 1]
        if done < header.records:
            raise IntegrityError("D628", f"{name}: cut off behind record {done} of {header.records}")
        if tail and not (tail[:1] == b"\x1a" and (header.version == 0x02 or not tail.strip(b"\x1a\0 "))):
            raise IntegrityError("D628", f"{name}: more behind the last of its {header.records} records")

    def _batch(self, data: bytes, number: int) -> Batch:
        header = self.header
        cut = unpacker([(0, 1), *((column.start, column.size) for column in header.columns)], header.record)
        marks, *cells = zip(*cut.iter_unpack(data), strict=True)
        numbers: Sequence[int] = range(number, number + len(marks))
        deleted = [record for record, mark in zip(numbers, marks, strict=True) if mark == _DELETED]
        if deleted and not self.deleted:
            kept = [mark != _DELETED for mark in marks]
            marks, *cells = (tuple(compress(values, kept)) for values in (marks, *cells))
            numbers = list(compress(numbers, kept))
        broken = {
            row: "the mark of deletion is neither blank nor *" for row, mark in enumerate(marks) if mark not in _MARKS
        }
        columns, bad = self._columns(cells, numbers, broken)
        if self.deleted:
            columns.append(["1" if mark == _DELETED else "0" for mark in marks])
        return Batch(self.file.path.name, numbers, columns, (), bad, broken, deleted)

    def _columns(
        self, cells: list[tuple[bytes, ...]], numbers: Sequence[int], broken: dict[int, str]
    ) -> tuple[list[Texts], dict[tuple[int, int], int]]:
        """Every visible column's texts, and the places of undecodable bytes; damaged rows go into `broken`."""
        nulls = _nulls(self.header.columns, cells)
        columns: list[Texts] = []
        bad: dict[tuple[int, int], int] = {}
        for at, column in enumerate(self.header.columns):
            if column.hidden:
                continue
            decoder = self.decoders[at]
            if decoder is None:
                columns.append((None,) * len(numbers))
                continue
            sizes, empty = nulls.get(at, ((), ()))
            found = decoder.texts(_cut(cells[at], sizes) if sizes else cells[at])
            for row, place in found.bad.items():
                start = self.header.start + (numbers[row] - 1) * self.header.record + column.start
                bad[row, len(columns)] = place if column.type == "M" else start + place
            broken |= found.broken
            texts = found.texts
            columns.append([None if row in empty else text for row, text in enumerate(texts)] if empty else texts)
        return columns, bad


_Nulls = dict[int, tuple[Sequence[bool], frozenset[int] | tuple[()]]]


def _nulls(columns: Sequence[DbfColumn], cells: list[tuple[bytes, ...]]) -> _Nulls:
    """By column: whether each row's value is shorter than its field, and which rows are NULL.

    The hidden column has, in the order of the columns, a bit for each varying one and then one for each nullable one.
    """
    hidden = next((at for at, column in enumerate(columns) if column.type == "0"), None)
    if hidden is None:
        return {}
    flags = [int.from_bytes(cell, "little") for cell in cells[hidden]]
    found: _Nulls = {}
    bit = 1
    for at, column in enumerate(columns):
        sizes: Sequence[bool] = ()
        empty: frozenset[int] | tuple[()] = ()
        if column.type in _VARYING:
            sizes, bit = [bool(flag & bit) for flag in flags], bit << 1
        if column.nullable and not column.hidden:
            empty, bit = frozenset(row for row, flag in enumerate(flags) if flag & bit), bit << 1
        found[at] = (sizes, empty)
    return found


def _cut(cells: Sequence[bytes], shorter: Sequence[bool]) -> list[bytes]:
    """Values of varying length: where a value is shorter than its field, the field's last byte is its length."""
    return [cell[: cell[-1]] if short else cell for cell, short in zip(cells, shorter, strict=True)]
