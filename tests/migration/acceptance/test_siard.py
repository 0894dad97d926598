"""SIARD files of the Swiss Federal Archives' tools load and compare; what is written is valid, and loads again."""

import csv
import re
import zipfile
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import pytest
import xmlschema
from lxml import etree

from flows.wiring import Office
from migration.plan import TablePlan
from tests.command_line import outside
from tests.migration.acceptance import originals, plainly
from tests.migration.acceptance.pipeline import Done, migrate
from tests.migration.acceptance.places import ENGINES, Places
from tests.parts import shared_data

FILES = (
    "nations",
    "northwind_msaccess2010-2-1",
    "sample-2.2",
    "simple-teams-example_mssql2017cu12_2-2",
    "simple-teams-example_postgres13_2-2",
)
# What nobody can decide but a person: a reference to rows that are not in the file, digits that no type says.
ORPHANS = '[leave]\n"SampleSchema.TCOMPLEX.FKCOMPLEX" = "its rows are not in the file"\n'
WIDE = '[columns]\n"SampleSchema.TSIMPLE.CDECIMAL" = "decimal(38,10)"\n'
PLACE = "{http://www.bar.admin.ch/xmlns/siard/2/%s.xsd}"
EXPECTED = Path(__file__).with_name("siard_losses.csv")

_EXACT = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?")
_NUMBERS = re.compile(r"(INT|SMALLINT|BIGINT|DEC|NUMERIC|DOUBLE PRECISION|FLOAT)\b")


def expected(name: str, engine: str) -> list[tuple[str, str, str]]:
    """The losses of a file in an environment, in the plan's order."""
    with EXPECTED.open(encoding="utf-8", newline="") as lines:
        return [(row[2], row[3], row[4]) for row in csv.reader(lines) if row[:2] == [name, engine]]


def said(file: Path, table: TablePlan) -> Counter[plainly.Row]:
    """A table's rows as zipfile and lxml see them, of the columns that are carried, in their order."""
    with zipfile.ZipFile(file) as package:
        metadata = etree.fromstring(package.read("header/metadata.xml"))
        element = next(
            one
            for one in metadata.iter(f"{PLACE % 'metadata'}table")
            if _plain(one.findtext(f"{PLACE % 'metadata'}name")) == table.source.name
        )
        folder = element.findtext(f"{PLACE % 'metadata'}folder")
        columns = [one for one in element.iter(f"{PLACE % 'metadata'}column") if len(one)]
        names = [_plain(one.findtext(f"{PLACE % 'metadata'}name")) for one in columns]
        kinds = [one.findtext(f"{PLACE % 'metadata'}type") or "INT" for one in columns]
        rows: Counter[plainly.Row] = Counter()
        with package.open(f"content/schema0/{folder}/{folder}.xml") as entry:
            for _, row in etree.iterparse(entry, tag=f"{PLACE % 'table'}row", huge_tree=True):
                cells = {}
                for cell in row:
                    at = int(etree.QName(cell).localname[1:]) - 1
                    cells[names[at]] = _cell(package, cell, kinds[at])
                rows[tuple(cells.get(column.source) for column in table.columns)] += 1
        return rows


def _plain(text: str | None) -> str:
    return re.sub(r"\\u([0-9A-F]{4})", lambda found: chr(int(found[1], 16)), text or "")


def _cell(package: zipfile.ZipFile, cell: etree._Element, kind: str) -> str | None:
    if cell.get("file"):
        data = package.read(cell.get("file"))
        return data.hex() if "BLOB" in kind or "BINARY" in kind else data.decode()
    text = _plain(cell.text)
    if len(cell):
        return None  # a row or an array in a cell: its column is not carried
    if _NUMBERS.match(kind):
        return plainly.word(Decimal(text))
    if kind == "REAL":
        return plainly.word(plainly.single(float(text)))
    if kind in {"TIME", "TIMESTAMP"}:
        return plainly.word(text.replace("T", " ").removesuffix("Z"))
    if kind.startswith(("CHAR", "NCHAR")) and "VARYING" not in kind:
        return text.rstrip(" ")
    return {"true": "1", "false": "0"}.get(text, text) if kind == "BOOLEAN" else text.lower() if "BIN" in kind else text


def alike(rows: Counter[plainly.Row], padded: Iterable[int] = ()) -> Counter[plainly.Row]:
    """Rows with numbers and times in one form, whether an environment has them as such or as text.

    Blanks at the end of `padded` columns do not count.
    """
    stripped = (([c and c.rstrip() if at in padded else c for at, c in enumerate(row)], n) for row, n in rows.items())
    return Counter({tuple(map(_form, row)): times for row, times in stripped})


def _form(cell: str | None) -> str | None:
    if cell is None:
        return None
    if _EXACT.fullmatch(cell) and len(cell) < 40:
        return plainly.word(Decimal(cell))
    clock = re.fullmatch(r"(\d\d:\d\d:\d\d)\.(\d+)Z?", cell)
    return f"{clock[1]}.{clock[2]:0<6}" if clock else cell


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("engine", ENGINES)
def test_a_file_of_the_archives_loads(engine: str, name: str, places: Places, office: Office) -> None:
    """Each cell in the target is the one in the file; what is not carried is named, all of it."""
    file, there = shared_data(f"siard/{name}.siard"), places.fresh(engine)
    mapping = ORPHANS + (WIDE if engine == "mariadb" else "") if name.startswith("sample") else ""
    done = migrate(office, places.run(), f"siard:{file}", there, mapping)
    found = plainly.held(there)
    assert set(found) == {table.target.name for table in done.plan.tables}
    for table in done.plan.tables:
        padded = {at for at, column in enumerate(table.columns) if column.padded}
        assert alike(found[table.target.name], padded) == alike(said(file, table)), table.source.name
    assert done.losses == expected(name, engine)


def test_a_file_with_rows_that_refer_to_nothing_is_refused(places: Places, home: Path) -> None:
    """The official sample refers to rows that it does not hold: 4, by name, and nothing is in the target."""
    file, there = shared_data("siard/sample-2.2.siard"), places.fresh("postgresql")
    words = ["--source", f"siard:{file}", "--target", there, "--proof", places.run(), "--by", "u1", "--json"]
    run = outside("-C", home, "migrate", "run", "--engine", "direct", *words)
    assert (run.status, run.code) == (4, "D605")
    assert "D617 SampleSchema.TCOMPLEX.CID" in run.err
    assert plainly.names(there) == set()


@pytest.fixture(params=["chinook-sqlite", "chinook-postgresql", "chinook-mariadb", "northwind-postgresql"])
def original(request: pytest.FixtureRequest, places: Places) -> str:
    """A real database in one environment."""
    name, _, engine = str(request.param).partition("-")
    return originals.chinook(places, engine) if name == "chinook" else originals.northwind(places)


def test_what_freeze_writes_is_valid_and_loads_again(original: str, places: Places, home: Path, office: Office) -> None:
    """Valid against the standard's metadata-2.2.xsd and each table against its own schema; loaded, it is the same."""
    file, engine = (
        places.folder / "kept.siard",
        original.partition("+")[0].partition(":")[0].replace("mysql", "mariadb"),
    )
    words = ["--source", original, "--proof", places.run(), "--siard", file, "--timespan", "2000-2024", "--by", "u1"]
    frozen = outside("-C", home, "migrate", "freeze", *words, "--no-keep", "--json")
    assert frozen.status == 0, frozen.err
    tables = valid(file)
    there = places.fresh(engine)
    done = migrate(office, places.run(), f"siard:{file}", there)
    assert len(done.plan.tables) == tables == frozen.document["tables"]
    assert done.report.rows == frozen.document["rows"]
    assert _renamed(plainly.held(there), done) == {name: alike(rows) for name, rows in plainly.held(original).items()}


def valid(file: Path) -> int:
    """Assert that a file is what the standard says, by libxml2 and by xmlschema; how many tables it has."""
    with zipfile.ZipFile(file) as package:
        data = package.read("header/metadata.xml")
        standard = shared_data("siard/metadata-2.2.xsd")
        etree.XMLSchema(etree.parse(standard)).assertValid(etree.fromstring(data))
        xmlschema.XMLSchema(str(standard)).validate(data.decode())
        tables = [name for name in package.namelist() if re.fullmatch(r"content/schema\d+/table\d+/table\d+.xml", name)]
        for name in tables:
            schema, rows = package.read(name.replace(".xml", ".xsd")), package.read(name)
            etree.XMLSchema(etree.fromstring(schema)).assertValid(
                etree.fromstring(rows, etree.XMLParser(huge_tree=True))
            )
            if len(rows) < 200_000:  # xmlschema takes a second for so many
                xmlschema.XMLSchema(schema.decode()).validate(rows.decode())
        return len(tables)


def _renamed(held: plainly.Held, done: Done) -> dict[str, Counter[plainly.Row]]:
    names = {table.target.name: table.source.name for table in done.plan.tables}
    return {names[name]: alike(rows) for name, rows in held.items()}
