"""What should stand in an environment, out of the freeze: chunk by chunk, after the declared rules."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from migration.copying.conversion import converted
from migration.copying.rules import TableRules
from migration.engine import Block
from migration.freeze import Chunk, Frozen
from migration.freeze.lines import whole
from migration.freeze.ordering import by_key
from migration.freeze.stream import Stream
from migration.plan import TablePlan


@dataclass(frozen=True, slots=True)
class Expected:
    """Some successive chunks of a table; all of them if the table has no key and rules, which change its order.

    `scratch` is where a temporary file may stand.
    """

    frozen: Frozen
    table: TablePlan
    rules: TableRules | None
    chunks: tuple[Chunk, ...]
    scratch: Path

    def digests(self) -> Iterator[str]:
        """The SHA-256 (hex) of each chunk in order. Raises IntegrityError D644, D645, D652, D671."""
        if self.rules is None:
            return (chunk.sha256 for chunk in self.chunks)
        if self.table.key:
            return (digest(self._converted(chunk)) for chunk in self.chunks)
        return (digest(block.data for block in blocks) for _, blocks in self._sorted(0, ".wanted"))

    def blocks(self, first: int) -> Iterator[tuple[int, Iterator[Block]]]:
        """The rows of the chunks from place `first` on, each chunk with its place. Raises as `digests`."""
        if self.rules is not None and not self.table.key:
            return self._sorted(first, ".again")
        return ((place, whole(self._converted(self.chunks[place]))) for place in range(first, len(self.chunks)))

    def _converted(self, chunk: Chunk) -> Iterator[bytes]:
        return converted(self.frozen.data(chunk), self.table, self.rules)

    def _sorted(self, first: int, suffix: str) -> Iterator[tuple[int, Iterator[Block]]]:
        """The rows in the order that the rules have given them, cut as before."""
        rows = (block for chunk in self.chunks for block in whole(self._converted(chunk)))
        stream = Stream(by_key(rows, self.table.reading_source(), self.scratch.with_suffix(suffix)))
        stream.skip(sum(chunk.rows for chunk in self.chunks[:first]))
        return ((place, stream.take(self.chunks[place].rows)) for place in range(first, len(self.chunks)))


def digest(pieces: Iterable[bytes]) -> str:
    """SHA-256 (hex) of these bytes."""
    found = hashlib.sha256()
    for piece in pieces:
        found.update(piece)
    return found.hexdigest()
