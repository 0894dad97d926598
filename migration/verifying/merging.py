"""Two streams of rows in the same order, laid side by side down to the cell. Pure."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from migration import canon
from migration.canon import Cells
from migration.catalog import Kind
from migration.freeze.ordering import Keyed
from migration.plan import TablePlan

MISSING: Final = "D661"
EXTRA: Final = "D662"
CELL: Final = "D663"
OFTEN: Final = "D664"

_FINITE: Final = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?", re.ASCII)
_TIED: Final = 2.0**54  # from here on the shortest digits of a double may lie between two of them


@dataclass(frozen=True, slots=True)
class Pair:
    """A row as it should be and as it is, both as lines; one of them is empty where the other has no partner.

    `chunk` is the place of the chunk that the row is of, or would be.
    """

    chunk: int
    expected: bytes
    found: bytes


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that differs: reason code, the source's table, the row's key (all cells where the table has none).

    Of a D663 also the source's column and both cells; of a D662 the column of the key that is NULL; of a value that
    can't be read (D611 … D618) the column, and the key where it is known. Keys and cells may be personal: for the
    operator's list only.
    """

    code: str
    table: str
    key: Cells
    column: str = ""
    expected: str | None = None
    found: str | None = None


def aligned(expected: Iterable[tuple[int, Keyed]], found: Iterable[Keyed], last: int) -> Iterator[Pair]:
    """The pairs in order: rows of one key together, others alone; rows behind all expected ones are of chunk `last`."""
    left, right = iter(expected), iter(found)
    wanted, have = next(left, None), next(right, None)
    while wanted or have:
        if wanted is None or (have and have[0] < wanted[1][0]):
            assert have is not None
            yield Pair(wanted[0] if wanted else last, b"", have[1])
            have = next(right, None)
        elif have is None or wanted[1][0] < have[0]:
            yield Pair(wanted[0], wanted[1][1], b"")
            wanted = next(left, None)
        else:
            yield Pair(wanted[0], wanted[1][1], have[1])
            wanted, have = next(left, None), next(right, None)


def differences(pairs: Iterable[Pair], table: TablePlan) -> Iterator[tuple[Pair, tuple[Difference, ...]]]:
    """Each pair with what differs in it."""
    both = b""
    for pair in pairs:
        if pair.expected == pair.found:
            both = pair.expected
            yield pair, ()
            continue
        again = not table.key and both == (pair.expected or pair.found)
        yield pair, tuple(_differences(pair, table, again=again))


def spelled(pair: Pair) -> int:
    """How many cells of a pair without differences have other digits for the same double."""
    if pair.expected == pair.found:
        return 0
    rows = (next(canon.rows(line)) for line in (pair.expected, pair.found))
    return sum(wanted != have for wanted, have in zip(*rows, strict=True))


def _same_double(kind: Kind, wanted: str | None, have: str | None) -> bool:
    """Whether two texts are one double, large enough that environments write its shortest digits in two ways."""
    if kind is not Kind.FLOAT or wanted is None or have is None:
        return False
    if not (_FINITE.fullmatch(wanted) and _FINITE.fullmatch(have)):
        return False
    return float(wanted) == float(have) and abs(float(wanted)) >= _TIED


def _differences(pair: Pair, table: TablePlan, *, again: bool) -> Iterator[Difference]:
    name = str(table.source)
    if not (pair.expected and pair.found):
        cells = next(canon.rows(pair.expected or pair.found))
        code, key = OFTEN if again else MISSING if pair.expected else EXTRA, _key(cells, table)
        empty = (column for column, cell in zip(table.key, key, strict=False) if cell is None)
        yield Difference(code, name, key, next(empty, ""))
        return
    expected, found = next(canon.rows(pair.expected)), next(canon.rows(pair.found))
    key = _key(expected, table)
    for column, wanted, have in zip(table.columns, expected, found, strict=True):
        if wanted != have and not _same_double(column.kind, wanted, have):
            yield Difference(CELL, name, key, column.source, wanted, have)


def _key(cells: Cells, table: TablePlan) -> Cells:
    if not table.key:
        return cells
    places = {column.source: place for place, column in enumerate(table.columns)}
    return tuple(cells[places[name]] for name in table.key)
