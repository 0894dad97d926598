"""Entries of a list of differences, read back: by their places, so that nothing of a row is shown but its key."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from formats.digest import sha256
from migration import canon
from migration.plan import Plan

_SHOWN: Final = 12  # hexadecimal digits of a digest: enough to find the row in the list, nothing to find the person by


@dataclass(frozen=True, slots=True)
class Named:
    """One difference by its place: reason code, table, key (canonical text), column. The values stay in the list.

    Of a row in a table without a key all cells are its key: in their place stand twelve digits of its SHA-256.
    """

    code: str
    table: str
    key: str
    column: str


def entries(file: Path) -> Iterator[tuple[str, str, str, str]]:
    """Reason code, table, key and column of each entry, one after another."""
    with file.open("rb") as lines:
        lines.readline()
        waiting = b""
        for line in lines:
            waiting += line
            if waiting.count(b'"') % 2 == 0:  # a cell may hold line ends
                code, table, key, column, *_ = next(canon.rows(waiting))
                yield code or "", table or "", key or "", column or ""
                waiting = b""


def named(file: Path, plan: Plan) -> Iterator[Named]:
    """The entries as they may be shown: `row 5f2c09a1b7d3` for a row of a table without a key."""
    keyless = {str(table.source) for table in plan.tables if not table.key}
    for code, table, key, column in entries(file):
        yield Named(code, table, digest(key) if key and table in keyless else key, column)


def digest(row: str) -> str:
    """What is shown of a whole row: the beginning of the SHA-256 of its canonical line."""
    return "row " + sha256(row.encode() + b"\n")[:_SHOWN]
