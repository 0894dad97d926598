"""One look at every value of a table, in Python."""

import re
from collections import defaultdict
from typing import Any, Final

from migration.catalog import Kind, Oddity, Table
from migration.engine import ReadColumn, Reading
from migration.engines.generic import rendering
from migration.engines.generic.snapshot import GenericSnapshot, readable

KEYS: Final = 20  # of the first rows concerned
_PRIVATE: Final = re.compile("[\ue000-\uf8ff\U000f0000-\U0010ffff]")


def take(snapshot: GenericSnapshot, table: Table) -> tuple[Oddity, ...]:
    """What of its values will not go without saying (D612, D615, D618, D619, D620)."""
    columns = tuple(ReadColumn(one.name, one.kind, one.native, one.scale, one.padded) for one in table.columns)
    places = [place for place, column in enumerate(columns) if column.name in table.order]
    counts: defaultdict[tuple[str, str], int] = defaultdict(int)
    keys: defaultdict[tuple[str, str], list[tuple[str, ...]]] = defaultdict(list)
    for row in snapshot.values(Reading(table.name, columns, ())):
        for value, column in zip(row, columns, strict=True):
            code = _odd(value, column)
            if code:
                counts[code, column.name] += 1
                if len(keys[code, column.name]) < KEYS and places:
                    keys[code, column.name].append(tuple(str(row[place]) for place in places))
    return tuple(
        Oddity(code, table.name, column, rows, keys=tuple(keys[code, column]))
        for (code, column), rows in sorted(counts.items())
    )


def _odd(value: Any, column: ReadColumn) -> str:
    if value is None:
        return ""
    if not readable(value, column):
        return "D615"
    if column.kind is Kind.FLOAT:
        text = rendering.written(value, column)
        return {"NaN": "D618", "Infinity": "D618", "-Infinity": "D618", "-0": "D620"}.get(str(text), "")
    if column.kind in (Kind.TEXT, Kind.OTHER) and isinstance(value, str):
        if "\0" in value:
            return "D612"
        return "D619" if _PRIVATE.search(value) else ""
    return ""
