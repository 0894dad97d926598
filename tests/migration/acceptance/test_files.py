"""Legacy files that nobody here wrote into each environment, and from there into the next one."""

import csv
import shutil
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from flows.wiring import Office
from tests.migration.acceptance import plainly
from tests.migration.acceptance.pipeline import migrate
from tests.migration.acceptance.places import ENGINES, Places
from tests.parts import shared_data

NEXT = {"sqlite": "postgresql", "postgresql": "mariadb", "mariadb": "sqlite"}


def divisions(folder: Path, encoding: str) -> str:
    """The divisions of China as CSV files in this encoding, described; the URL of the folder."""
    folder.mkdir()
    said = [f'encoding = "{encoding}"']
    for file in sorted(shared_data("databases/divisions").glob("*.csv")):
        text = file.read_text(encoding="utf-8")
        (folder / file.name).write_text(text, encoding=encoding, newline="")
        said += ["[[table]]", f'name = "{file.stem}"', f'file = "{file.name}"', 'form = "csv"', 'key = ["code"]']
        for name in next(csv.reader([text.splitlines()[0]])):
            kind = "text" if name == "name" else "integer"
            said += ["[[table.column]]", f'name = "{name}"', f'kind = "{kind}"', "nullable = false"]
    (folder / "legacy.toml").write_text("\n".join(said), encoding="utf-8")
    return f"legacy:{folder}"


def divided() -> plainly.Held:
    """The rows of those files as Python's own reader gives them."""
    found = {}
    for file in shared_data("databases/divisions").glob("*.csv"):
        with file.open(encoding="utf-8", newline="") as lines:
            found[file.stem] = Counter(tuple(row) for row in list(csv.reader(lines))[1:])
    return found


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
@pytest.mark.parametrize("engine", ENGINES)
def test_the_divisions_of_china(engine: str, encoding: str, places: Places, office: Office) -> None:
    """44,703 rows of CSV, in UTF-8 and in GB18030, are in the target what Python's reader sees, and in the next too."""
    source, there, beyond = (
        divisions(places.folder / "files", encoding),
        places.fresh(engine),
        places.fresh(NEXT[engine]),
    )
    done = migrate(office, places.run(), source, there)
    again = migrate(office, places.run(), there, beyond)
    assert plainly.held(there) == plainly.held(beyond) == divided()
    assert (done.losses, again.losses, done.report.rows) == ([], [], 44_703)
    assert done.carried == ({"text -> longtext: widened": 4} if engine == "mariadb" else {})


@dataclass(frozen=True, slots=True)
class Plain:
    """A DBF file read with `struct` alone: its columns of texts, digits, dates, booleans and integers, and its rows."""

    names: list[str]
    places: list[int]
    rows: Counter[plainly.Row]


def plain(file: Path, encoding: str) -> Plain:
    """The file's plain columns; memos, moments and money are left out, so are deleted records and what hides."""
    data = file.read_bytes()
    if data[0] == 2:
        count, start, length, columns = _of_dbase_2(data)
    else:
        count, start, length = struct.unpack_from("<IHH", data, 4)
        columns = list(_described(data))
    kept, at = [], 1
    for number, (name, kind, size) in enumerate(columns):
        if kind in "CNFDLI":
            kept.append((number, name, kind, at, size))
        at += size
    records = [data[start + length * n :][:length] for n in range(count)]
    rows = Counter(
        tuple(_cell(record[at : at + size], kind, encoding) for _, _, kind, at, size in kept)
        for record in records
        if record[:1] != b"*"
    )
    return Plain([name.decode(encoding) for _, name, *_ in kept], [number for number, *_ in kept], rows)


def _described(data: bytes) -> Iterator[tuple[bytes, str, int]]:
    at = 32
    while data[at] != 0x0D:
        name, size = data[at : at + 11].partition(b"\0")[0], data[at + 16]
        if not data[at + 18] & 1 or data[0] != 0x30:
            yield name, chr(data[at + 11]), size
        at += 32


def _of_dbase_2(data: bytes) -> tuple[int, int, int, list[tuple[bytes, str, int]]]:
    count, length = struct.unpack_from("<H", data, 1)[0], struct.unpack_from("<H", data, 6)[0]
    fields = [data[at : at + 16] for at in range(8, 8 + 32 * 16, 16)]
    end = next((n for n, field in enumerate(fields) if field[:1] == b"\r"), 32)
    return count, 521, length, [(f[:11].partition(b"\0")[0], chr(f[11]), f[12]) for f in fields[:end]]


def _cell(data: bytes, kind: str, encoding: str) -> str | None:
    text = data.decode(encoding if kind == "C" else "latin-1")
    match kind:
        case "C":
            return text.rstrip(" ")
        case "I":
            return str(int.from_bytes(data, "little", signed=True))
        case "N" | "F":
            digits = text.strip(" \0")
            return plainly.word(Decimal(digits)) if digits not in ("", ".") else None
        case "D":
            return f"{text[:4]}-{text[4:6]}-{text[6:]}" if text.strip(" \0") else None
        case _:
            return {"T": "1", "Y": "1", "F": "0", "N": "0"}.get(text.upper())


CARDS = {
    "dbase_02": "cp1252",
    "dbase_03": "cp1252",
    "dbase_30": "cp1252",
    "dbase_31": "cp1252",
    "dbase_83": "cp1252",
    "dbase_8b": "cp1252",
    "gbk": "gbk",
}
_LONE_POINT = '[[table.column]]\nname = "START:PAY"\nkind = "decimal"\nprecision = 8\nscale = 3\nnull = ["."]'


def cards(folder: Path) -> str:
    """The DBF files that can be read, described; the URL of the folder."""
    shutil.copytree(shared_data("dbf"), folder)
    said = []
    for stem, encoding in CARDS.items():
        said += ["[[table]]", f'name = "{stem}"', f'file = "{stem}.dbf"', 'form = "dbf"', f'encoding = "{encoding}"']
        said += [_LONE_POINT] if stem == "dbase_02" else []
    (folder / "legacy.toml").write_text("\n".join(said), encoding="utf-8")
    return f"legacy:{folder}"


KEYLESS = [("D622", name, "exact") for name in CARDS]
NAMED = [("D625", "dbase_31.PRODUCTID", "declared"), ("D626", "dbase_03.Point_ID_2", "declared")]
DIGITS = [
    ("D624", f"{place}", "declared")
    for place in (
        *("dbase_31.UNITPRICE", "dbase_83.AGRPCOUNT", "dbase_83.CATCOUNT", "dbase_83.ID", "dbase_83.ORDER"),
        *("dbase_83.PGRPCOUNT", "dbase_8b.FLOAT", "dbase_8b.NUMERICAL"),
    )
]
LOSSES = {
    "sqlite": [*DIGITS, *NAMED, *KEYLESS],
    "postgresql": [NAMED[1], *KEYLESS],
    "mariadb": [*NAMED, *KEYLESS],
}


@pytest.mark.parametrize("engine", ENGINES)
def test_cards_of_dbase_and_foxpro(engine: str, places: Places, office: Office) -> None:
    """Seven DBF files of six formats: each plain cell is what `struct` reads, and the next environment has all rows."""
    folder = places.folder / "cards"
    source, there, beyond = cards(folder), places.fresh(engine), places.fresh(NEXT[engine])
    done = migrate(office, places.run(), source, there)
    assert done.losses == LOSSES[engine]
    found = plainly.held(there)
    assert {name: rows.total() for name, rows in found.items()} == dict(
        zip(sorted(CARDS), (9, 14, 34, 77, 67, 10, 28), strict=True)
    )
    for stem, encoding in CARDS.items():
        wanted = plain(folder / f"{stem}.dbf", encoding)
        columns = next(table for table in done.plan.tables if table.source.name == stem).columns
        numbers = {at for at in wanted.places if columns[at].kind in ("decimal", "integer")}
        rows: Counter[plainly.Row] = Counter()
        for row, times in found[stem].items():
            rows[tuple(_digits(row[at]) if at in numbers else row[at] for at in wanted.places)] += times
        assert rows == wanted.rows, stem
    migrate(office, places.run(), there, beyond)
    assert _counted(plainly.held(beyond)) == _counted(found)


def _digits(text: str | None) -> str | None:
    """A number that an environment may hold as its digits."""
    return None if text is None else plainly.word(Decimal(text))


def _counted(held: plainly.Held) -> dict[str, list[tuple[str, int]]]:
    """Rows with their numbers in one form: one environment keeps the zeros behind the point, another does not."""
    return {
        name: sorted((repr([_alike(cell) for cell in row]), times) for row, times in rows.items())
        for name, rows in held.items()
    }


def _alike(cell: str | None) -> str | None:
    try:
        return _digits(cell)
    except ArithmeticError:
        return cell
