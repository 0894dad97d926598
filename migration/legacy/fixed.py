"""Files of fixed width: records of so many bytes, fields at byte positions, to batches of texts.

A Chinese character takes as many positions as it has bytes. A border that cuts a character makes it undecodable.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from formats.charsets import Charset, byte_order_mark
from formats.errors import IntegrityError
from migration.legacy.batches import BATCH, Batch, Watched, without_end_mark
from migration.legacy.cells import Field


@dataclass(frozen=True, slots=True)
class Layout:
    """A record's bytes without its line end, and the line end."""

    record: int
    end: bytes

    @property
    def step(self) -> int:
        """Bytes from one record to the next."""
        return self.record + len(self.end)


def unpacker(fields: Sequence[tuple[int, int]], length: int) -> struct.Struct:
    """What cuts a record of `length` bytes into fields of (start, size), which rise and do not overlap."""
    form, place = "", 0
    for start, size in fields:
        form += f"{start - place}x{size}s"
        place = start + size
    return struct.Struct(f"{form}{length - place}x")


def batches(file: Watched, charset: Charset, layout: Layout, fields: Sequence[Field]) -> Iterator[Batch]:
    """The records of one file.

    Raises IntegrityError D628 for a record that does not end where it must, D632 if the file changed.
    """
    name, step, size = file.path.name, layout.step, layout.record
    cut = unpacker([(field.start, field.size) for field in fields], step)
    number = 1
    for chunk in without_end_mark(file.chunks(step * BATCH)):
        data = chunk
        if len(data) % step == size and layout.end:
            data += layout.end  # only the very last record may be without its line end
        if number == 1 and byte_order_mark(data):
            raise IntegrityError("D628", f"{name} begins with a byte order mark")
        if layout.end:
            _aligned(name, data, number, layout)
        elif len(data) % step:
            raise IntegrityError("D628", f"{name} record {number + len(data) // step}: shorter than {size} bytes")
        start = (number - 1) * step
        columns, bad = [], {}
        for place, cells in enumerate(zip(*cut.iter_unpack(data), strict=True)):
            texts, undecoded = charset.column(cells)
            columns.append(texts)
            bad.update({(row, place): start + row * step + fields[place].start + at for row, at in undecoded.items()})
        count = len(data) // step
        yield Batch(name, range(number, number + count), columns, bad=bad)
        number += count


def _aligned(name: str, data: bytes, number: int, layout: Layout) -> None:
    """Raise IntegrityError D628 for the first record that does not have its line end at its place."""
    size, step, end = layout.record, layout.step, layout.end
    count, odd = divmod(len(data), step)
    if not odd and all(data[size + at :: step].count(end[at]) == count for at in range(len(end))):
        return
    wrong = next(row for row in range(count + 1) if data[row * step + size : (row + 1) * step] != end)
    raise IntegrityError("D628", f"{name} record {number + wrong}: not {size} bytes and its line end")
