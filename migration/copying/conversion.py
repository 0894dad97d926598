"""Canonical bytes on the way: cells altered by declared rules, each alteration listed. Pure.

The same bytes and rules always give the same bytes, so that whoever verifies computes them again.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from formats.errors import IntegrityError
from migration import canon
from migration.canon import Cells
from migration.copying.rules import Rule, TableRules
from migration.freeze.lines import whole
from migration.plan import TablePlan

UNLISTED: Final = "D644"
IN_A_KEY: Final = "D645"

_CELL: Final = rb'"[^"]*+(?:""[^"]*+)*+"|NULL'


@dataclass(frozen=True, slots=True)
class Alteration:
    """One cell that a rule altered: the source's names, the row's key (all cells where the table has none)."""

    table: str
    key: Cells
    column: str
    old: str
    new: str | None
    rule: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A cell that a rule refuses: a reason code, the source's column, the rule. `value` may be personal."""

    code: str
    place: str
    rule: str
    value: str


@dataclass(frozen=True, slots=True)
class Converted:
    """Canonical bytes after the rules, what they altered in the order of rows and columns, and what they refuse.

    Where something is refused the bytes are not for the target.
    """

    data: bytes
    alterations: tuple[Alteration, ...]
    refusals: tuple[Refusal, ...]


def convert(data: bytes, table: TablePlan, rules: TableRules) -> Converted:
    """Whole rows of a table after its rules. Bytes without anything to do for them are given back as they are.

    Raises IntegrityError D671.
    """
    active = rules.active(data)
    if not active:
        return Converted(data, (), ())
    key = [place for place, column in enumerate(table.columns) if column.source in table.key]
    lines: list[bytes] = []
    altered: list[Alteration] = []
    refused: list[Refusal] = []
    for line, *cells in _rows(data, table):
        changes = _changes(cells, active)
        if not changes:
            lines.append(line)
            continue
        row = list(cells)
        named = tuple(_text(cells[place]) for place in key or range(len(cells)))
        for rule, old, new in changes:
            if rule.refuses(old):
                code = IN_A_KEY if rule.key else UNLISTED
                refused.append(Refusal(code, f"{table.source}.{rule.column}", rule.name, old))
            else:
                altered.append(Alteration(str(table.source), named, rule.column, old, new, rule.name))
                row[rule.place] = canon.cell(new).encode()
        lines.append(b",".join(row) + b"\n")
    return Converted(b"".join(lines), tuple(altered), tuple(refused))


def converted(blocks: Iterable[bytes], table: TablePlan, rules: TableRules | None) -> Iterator[bytes]:
    """A chunk's canonical bytes as they go to the target.

    Raises IntegrityError D644 for cells that a conversion does not list, D645 for such in a key's column, D671.
    """
    if rules is None:
        yield from blocks
        return
    refused: Counter[tuple[str, str, str]] = Counter()
    for piece in whole(blocks):
        found = convert(piece.data, table, rules)
        refused.update((refusal.code, refusal.place, refusal.rule) for refusal in found.refusals)
        if not refused:
            yield found.data
    refuse(refused)


def refuse(cells: Mapping[tuple[str, str, str], int]) -> None:
    """Raise IntegrityError with these refusals, counted by code, column and rule, if there are any."""
    if cells:
        detail = "; ".join(f"{place}: {count} cells ({rule})" for (_, place, rule), count in sorted(cells.items()))
        raise IntegrityError(min(cells)[0], detail)


def _rows(data: bytes, table: TablePlan) -> list[tuple[bytes, ...]]:
    """Each row's line and its cells as they stand there, quotes and all."""
    rows: list[tuple[bytes, ...]] = _row(len(table.columns)).findall(data)
    if sum(len(row[0]) for row in rows) != len(data):
        raise IntegrityError("D671", str(table.source))
    return rows


@cache
def _row(columns: int) -> re.Pattern[bytes]:
    return re.compile(b"(" + b",".join([b"(" + _CELL + b")"] * columns) + b"\n)")


def _text(cell: bytes) -> str | None:
    return None if cell == b"NULL" else cell[1:-1].replace(b'""', b'"').decode()


def _changes(cells: Sequence[bytes], active: tuple[Rule, ...]) -> list[tuple[Rule, str, str | None]]:
    """By which rule which cell's text is altered or refused, in the order of columns."""
    changes: list[tuple[Rule, str, str | None]] = []
    before: dict[int, str | None] = {}  # cells that an earlier rule has altered
    for rule in active:
        old = before[rule.place] if rule.place in before else _text(cells[rule.place])
        if old is None or not rule.concerns(old):
            continue
        if rule.refuses(old):
            changes.append((rule, old, old))
        elif (new := rule.new(old)) != old:
            changes.append((rule, old, new))
            before[rule.place] = new
    return sorted(changes, key=lambda change: change[0].place) if len(changes) > 1 else changes
