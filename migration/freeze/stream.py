"""A table's rows as one stream, cut into chunks of so many rows."""

from collections.abc import Iterable, Iterator

from formats.errors import IntegrityError
from migration.catalog import TableName
from migration.engine import Block
from migration.freeze import lines


class Stream:
    """Blocks to be taken chunk by chunk; at most one block of them is held. Not for several threads."""

    def __init__(self, blocks: Iterable[Block]) -> None:
        self._blocks = iter(blocks)
        self._held = next(self._blocks, None)
        self.last = b""  # the last whole lines that were given

    @property
    def over(self) -> bool:
        """Whether every row was given."""
        return self._held is None

    def take(self, rows: int) -> Iterator[Block]:
        """The next rows, so many or all that are left. The iterator must be used up before the next is taken."""
        while rows and self._held:
            block = self._held
            if block.rows > rows:
                first, rest = lines.cut(block.data, rows)
                block, self._held = Block(first, rows), Block(rest, block.rows - rows)
            else:
                self._held = next(self._blocks, None)
            rows -= block.rows
            self.last = block.data
            yield block

    def skip(self, rows: int) -> None:
        """Leave out the next rows."""
        for _ in self.take(rows):
            continue


def _decoded(block: Block, table: TableName) -> None:
    try:
        block.data.decode()
    except UnicodeDecodeError:
        raise IntegrityError("D611", str(table)) from None


def checked(blocks: Iterable[Block], table: TableName) -> Iterator[Block]:
    """The blocks that hold rows. Raises IntegrityError D611 naming the table: not UTF-8; D671: not whole lines."""
    for block in blocks:
        if not block.utf8:
            _decoded(block, table)
        if block.data and not block.data.endswith(b"\n"):
            raise IntegrityError("D671", str(table))
        if block.rows:
            yield block
