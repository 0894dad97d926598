"""The SIARD files of the Swiss Federal Archives' own tools, compared with a reading that has nothing of ours in it."""

import re
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from migration import canon
from migration.catalog import Kind, Table
from migration.siard import SiardSource
from tests.migration.siard import held
from tests.parts import shared_data

FILES = (
    "nations",
    "northwind_msaccess2010-2-1",
    "sample-2.2",
    "simple-teams-example_mssql2017cu12_2-2",
    "simple-teams-example_postgres13_2-2",
)
IN = "{http://www.bar.admin.ch/xmlns/siard/2/%s.xsd}"


def _file(name: str) -> Path:
    return shared_data(f"siard/{name}.siard")


def _taken_back(text: str) -> str:
    return re.sub(r"\\u([0-9A-F]{4})", lambda found: chr(int(found[1], 16)), text)


def _same(kind: Kind, ours: str | None, theirs: object) -> bool:
    """Whether a canonical cell says what the file's own cell says."""
    if ours is None or theirs is None or isinstance(theirs, bytes):
        return ours is theirs or (isinstance(theirs, bytes) and ours == "\\x" + theirs.hex())
    text = str(theirs)
    match kind:
        case Kind.INTEGER | Kind.DECIMAL | Kind.NUMBER:
            return Decimal(ours) == Decimal(text)
        case Kind.FLOAT:
            return float(ours) == pytest.approx(float(text), rel=1e-7)
        case Kind.BYTES:
            return ours == "\\x" + text.lower()
        case Kind.BOOLEAN:
            return ours == {"true": "1", "false": "0"}[text]
        case Kind.TIME | Kind.TIMESTAMP:
            digits = re.sub(r"[TZ]", " ", text).strip().partition(".")
            return ours == f"{digits[0]}.{digits[2].ljust(6, '0')}"
    return ours == text


def _theirs(file: Path, schema: str, table: Table) -> list[dict[str, Any]]:
    """Each row's cells by the column's name, read with iterparse and zipfile alone."""
    with zipfile.ZipFile(file) as package:
        metadata = etree.fromstring(package.read("header/metadata.xml"))
        place = IN % "metadata"
        element = next(
            each
            for each in metadata.iter(f"{place}table")
            if _taken_back(each.findtext(f"{place}name")) == table.name.name
        )
        folder = element.findtext(f"{place}folder")
        names = [_taken_back(each.findtext(f"{place}name")) for each in element.iter(f"{place}column") if len(each)]
        rows = []
        with package.open(f"content/schema0/{folder}/{folder}.xml") as entry:
            for _, row in etree.iterparse(entry, tag=f"{IN % 'table'}row", huge_tree=True):
                cells: dict[str, Any] = {}
                for cell in row:
                    name = names[int(etree.QName(cell).localname[1:]) - 1]
                    data = package.read(cell.get("file")) if cell.get("file") else None
                    text = _taken_back(cell.text or "")
                    kinds = {column.name: column.kind for column in table.columns}
                    cells[name] = text if data is None else data if kinds.get(name) is Kind.BYTES else data.decode()
                rows.append(cells)
        return rows


@pytest.mark.parametrize("name", FILES)
def test_every_cell_is_what_the_file_says(name: str) -> None:
    """Tables, columns and rows are those of the file; each cell says the same in canonical form."""
    file = _file(name)
    for table in SiardSource(file).catalog().tables:
        ours = list(canon.rows(held.lines(file, table.name)))
        theirs = _theirs(file, table.name.schema, table)
        assert len(ours) == len(theirs) == table.rows
        for row, other in zip(ours, theirs, strict=True):
            for column, cell in zip(table.columns, row, strict=True):
                there = other.get(column.name)
                there = there.rstrip(" ") if column.padded and there else there
                assert _same(column.kind, cell, there), f"{table.name}.{column.name}"


def test_the_digest_of_every_file_holds() -> None:
    """The digest in the metadata is over the octets before the header, and what we read it as."""
    for name in FILES:
        assert not [odd for odd in SiardSource(_file(name)).catalog().oddities if odd.code == "D691"]


def test_what_has_no_place_here_is_named() -> None:
    """Rows and arrays in a cell are left out, and said to be; a distinct type is carried as what it stands for."""
    catalog = SiardSource(_file("sample-2.2")).catalog()
    left = {(odd.table.name, odd.column) for odd in catalog.oddities if odd.code == "D692"}
    assert left == {("TCOMPLEX", "CUDTS"), ("TCOMPLEX", "CARRAY"), ("TCOMPLEX", "CUDTC")}
    complex_table = next(table for table in catalog.tables if table.name.name == "TCOMPLEX")
    assert [(column.name, column.kind) for column in complex_table.columns] == [
        ("CID", Kind.INTEGER),
        ("CDISTINCT", Kind.INTEGER),
    ]
    assert complex_table.foreign[0].table.name == "TSIMPLE"


def test_a_catalog_of_a_postgresql_database() -> None:
    """Types, nullability, keys, references and counts are those of the metadata."""
    catalog = SiardSource(_file("simple-teams-example_postgres13_2-2")).catalog()
    members, teams = catalog.tables
    assert (catalog.engine, catalog.version, members.name.schema) == ("siard", "2.2", "public")
    assert [(c.name, c.kind, c.native, c.nullable, c.length) for c in members.columns] == [
        ("memberid", Kind.INTEGER, "int", False, None),
        ("teamid", Kind.INTEGER, "int", True, None),
        ("membername", Kind.TEXT, "varchar(50)", True, 50),
    ]
    assert members.order == ("memberid",)
    assert (members.foreign[0].name, members.foreign[0].table, members.foreign[0].on_delete) == (
        "fk_team",
        teams.name,
        "",
    )


def test_a_snapshot_is_the_file() -> None:
    """It takes no write, its token is the file's SHA-256, and another process finds the same file by it or not."""
    source = SiardSource(_file("nations"))
    with source.snapshot() as snapshot:
        assert "Bad file descriptor" in snapshot.refused()
        assert len(snapshot.identity.token) == 64
        assert not snapshot.ordered
        with source.snapshot(snapshot.shared) as other:
            assert other.identity == snapshot.identity
    with pytest.raises(Exception, match="D632"):
        source.snapshot("0" * 64)


def test_a_census_finds_nothing_in_clean_tables() -> None:
    """A table of plain rows has no oddities."""
    source = SiardSource(_file("nations"))
    with source.snapshot() as snapshot:
        assert not [odd for table in source.catalog().tables for odd in source.census(snapshot, table)]


def test_real_files_survive_being_written_again(tmp_path: Path) -> None:
    """Every table of every file, frozen and written as SIARD, reads as it did."""
    for name in FILES:
        file = _file(name)
        catalog = SiardSource(file).catalog()
        rows = {table.name: list(canon.rows(held.lines(file, table.name))) for table in catalog.tables}
        folder = tmp_path / name
        folder.mkdir()
        again = held.archived(catalog, rows, folder)
        for table in catalog.tables:
            assert held.lines(again, table.name) == held.rows_of(rows[table.name])
