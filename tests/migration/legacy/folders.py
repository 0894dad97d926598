"""Folders of legacy files for tests: a description, its files, and what comes out of them."""

from collections.abc import Iterator
from pathlib import Path

from migration import canon
from migration.catalog import Oddity, Table
from migration.engine import ReadColumn, Reading
from migration.legacy import LegacySource


def source(folder: Path, description: str, **files: bytes) -> LegacySource:
    """A source over these files; `name__csv` is the file `name.csv`."""
    for name, data in files.items():
        (folder / name.replace("__", ".")).write_bytes(data)
    (folder / "legacy.toml").write_text(description, encoding="utf-8")
    return LegacySource(folder)


def reading(table: Table) -> Reading:
    """All of a table's columns."""
    columns = tuple(ReadColumn(c.name, c.kind, c.native, c.scale, c.padded) for c in table.columns)
    return Reading(table.name, columns, table.order)


def rows(legacy: LegacySource, at: int = 0) -> list[canon.Cells]:
    """The canonical rows of one table."""
    return list(_rows(legacy, at))


def _rows(legacy: LegacySource, at: int) -> Iterator[canon.Cells]:
    table = legacy.catalog().tables[at]
    with legacy.snapshot() as snapshot:
        for block in snapshot.blocks(reading(table)):
            found = list(canon.rows(block.data))
            assert len(found) == block.rows
            yield from found


def census(legacy: LegacySource, at: int = 0) -> dict[tuple[str, str], Oddity]:
    """The oddities of one table by code and column; each of them once."""
    table = legacy.catalog().tables[at]
    with legacy.snapshot() as snapshot:
        found = legacy.census(snapshot, table)
    by_place = {(oddity.code, oddity.column): oddity for oddity in found}
    assert len(by_place) == len(found)
    return by_place


def column(name: str, kind: str = "text", **options: object) -> str:
    """A described column."""
    lines = [f"{option} = {_toml(value)}" for option, value in options.items()]
    return "\n".join(["[[table.column]]", f'name = "{name}"', f'kind = "{kind}"', *lines, ""])


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return str(value) if isinstance(value, int) else '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def table(form: str, file: str, *columns: str, encoding: str = "utf-8", **options: object) -> str:
    """A described table named `t`."""
    head = f'[[table]]\nname = "t"\nform = "{form}"\nfile = "{file}"\nencoding = "{encoding}"\n'
    return head + "".join(f"{option} = {_toml(value)}\n" for option, value in options.items()) + "".join(columns)
