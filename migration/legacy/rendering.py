"""Batches of texts to blocks of canonical lines, or to the faults that stand against it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from formats.errors import IntegrityError
from migration import canon
from migration.engine import Block
from migration.legacy.batches import Batch
from migration.legacy.cells import Cells, Texts, Unfit

_BLOCK: Final = 256 * 1024
_NULL: Final = "\ud800"  # half a character: no decoded text has it


@dataclass(frozen=True, slots=True)
class Fault:
    """Why one row or cell can't be read: reason code, column (empty: the whole row), where it stands, and why.

    `row` is its place in the batch. Nothing here is a value.
    """

    code: str
    column: str
    row: int
    place: str
    why: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """A column that is read: its place among the file's columns, its name, and how its cells become canonical."""

    at: int
    name: str
    cells: Cells


def blocks(table: str, batch: Batch, columns: Sequence[Chosen]) -> Iterator[Block]:
    """The batch's rows as canonical lines. Raises IntegrityError D611–D628 for the first that can't be written."""
    if not batch.numbers:
        return
    try:
        found = [chosen.cells.column(batch.columns[chosen.at]) for chosen in columns]
    except Unfit:
        found = []
    fault = next(faults(batch, columns), None) if batch.broken or batch.bad or not found else None
    if fault:
        place = f"{table}.{fault.column}" if fault.column else table
        raise IntegrityError(fault.code, f"{place}: {fault.place}: {fault.why}")
    lines = list(map('","'.join, zip(*map(_quotable, found), strict=True)))
    data = _joined(lines)
    if len(data) <= _BLOCK:
        yield Block(data, len(lines))
        return
    step = max(1, _BLOCK * len(lines) // len(data))
    for start in range(0, len(lines), step):
        part = lines[start : start + step]
        yield Block(_joined(part), len(part))


def _quotable(column: Texts) -> Sequence[str]:
    """Texts that may be put between quotes, NULL marked."""
    texts = [_NULL if text is None else text for text in column] if None in column else column
    if '"' in "".join(texts):  # type: ignore[arg-type]
        return [text.replace('"', '""') for text in texts]  # type: ignore[union-attr]
    return texts  # type: ignore[return-value]


def _joined(lines: Sequence[str]) -> bytes:
    """Whole canonical lines of rows whose cells are already joined by `","`."""
    text = '"' + '"\n"'.join(lines) + '"\n'
    if _NULL in text:
        text = text.replace(f'"{_NULL}"', canon.NULL)
    return text.encode()


def faults(batch: Batch, columns: Sequence[Chosen]) -> Iterator[Fault]:
    """Everything that stands against writing the batch: broken rows, undecodable bytes, values not of their kind."""
    for row, why in batch.broken.items():
        yield Fault("D628", "", row, batch.place(row), why)
    names = {chosen.at: chosen.name for chosen in columns}
    for (row, at), byte in batch.bad.items():
        if at in names and row not in batch.broken:
            yield Fault("D611", names[at], row, batch.place(row), f"byte {byte} is not of the declared encoding")
    for chosen in columns:
        try:
            chosen.cells.column(batch.columns[chosen.at])
        except Unfit:
            yield from _cell_faults(batch, chosen)


def _cell_faults(batch: Batch, chosen: Chosen) -> Iterator[Fault]:
    for row, value in enumerate(batch.columns[chosen.at]):
        if row in batch.broken or (row, chosen.at) in batch.bad:
            continue
        try:
            chosen.cells.one(value)
        except Unfit as unfit:
            yield Fault(unfit.code, chosen.name, row, batch.place(row), unfit.why)
