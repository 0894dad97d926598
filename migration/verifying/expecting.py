"""What should stand in an environment, out of the freeze: chunk by chunk, after the declared rules.

A `number` may have zeros at its end (`canon`, rule 3), which not every environment keeps: there they are left out.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from migration import canon
from migration.copying.conversion import converted
from migration.copying.rules import TableRules
from migration.engine import Block
from migration.freeze import Chunk, Frozen
from migration.freeze.lines import whole
from migration.freeze.ordering import by_key
from migration.freeze.stream import Stream
from migration.plan import TablePlan

_ZEROS: Final = re.compile(rb'\.[0-9]*0"')  # what a number with zeros at its end has in it


@dataclass(frozen=True, slots=True)
class Expected:
    """Some successive chunks of a table; all of them if the table has no key and rules, which change its order.

    `scratch` is where a temporary file may stand. `bare`: the places of columns whose numbers have no zeros at their
    end there.
    """

    frozen: Frozen
    table: TablePlan
    rules: TableRules | None
    chunks: tuple[Chunk, ...]
    scratch: Path
    bare: tuple[int, ...] = ()

    def digests(self) -> Iterator[str]:
        """The SHA-256 (hex) of each chunk in order. Raises IntegrityError D644, D645, D652, D671."""
        if self.rules is None and not self.bare:
            return (chunk.sha256 for chunk in self.chunks)
        if self.table.key:
            return (digest(self._converted(chunk)) for chunk in self.chunks)
        return (digest(block.data for block in blocks) for _, blocks in self._sorted(0, ".wanted"))

    def blocks(self, first: int) -> Iterator[tuple[int, Iterator[Block]]]:
        """The rows of the chunks from place `first` on, each chunk with its place. Raises as `digests`."""
        if (self.rules is not None or self.bare) and not self.table.key:
            return self._sorted(first, ".again")
        return ((place, whole(self._converted(self.chunks[place]))) for place in range(first, len(self.chunks)))

    def _converted(self, chunk: Chunk) -> Iterator[bytes]:
        data = converted(self.frozen.data(chunk), self.table, self.rules)
        return (bare(piece.data, self.bare) for piece in whole(data)) if self.bare else data

    def _sorted(self, first: int, suffix: str) -> Iterator[tuple[int, Iterator[Block]]]:
        """The rows in the order that the rules have given them, cut as before."""
        rows = (block for chunk in self.chunks for block in whole(self._converted(chunk)))
        stream = Stream(by_key(rows, self.table.reading_source(), self.scratch.with_suffix(suffix)))
        stream.skip(sum(chunk.rows for chunk in self.chunks[:first]))
        return ((place, stream.take(self.chunks[place].rows)) for place in range(first, len(self.chunks)))


def bare(data: bytes, places: tuple[int, ...]) -> bytes:
    """Whole rows with the numbers at these places as they are without zeros at their end: `1.50` as `1.5`."""
    if not _ZEROS.search(data):
        return data
    return b"".join(
        canon.line([_bare(cell) if place in places else cell for place, cell in enumerate(cells)])
        for cells in canon.rows(data)
    )


def _bare(number: str | None) -> str | None:
    return number.rstrip("0").rstrip(".") if number and "." in number else number


def digest(pieces: Iterable[bytes]) -> str:
    """SHA-256 (hex) of these bytes."""
    found = hashlib.sha256()
    for piece in pieces:
        found.update(piece)
    return found.hexdigest()
