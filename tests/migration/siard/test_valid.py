"""What is written is a SIARD 2.2 file to everyone else: schemas of the standard, other programs, its own digests."""

import hashlib
import subprocess
import zipfile
from pathlib import Path

import pytest
import xmlschema
from lxml import etree

from formats.errors import IntegrityError, UsageError
from migration import canon
from migration.catalog import Catalog, Column, ForeignKey, Key, Kind, NamedType, Sequence, Table, TableName, View
from migration.siard import SiardSource, write
from tests.migration.siard import held
from tests.migration.siard.test_round_trip import COLUMNS, NAME, _catalog, _rows
from tests.parts import need, shared_data

METADATA = "{http://www.bar.admin.ch/xmlns/siard/2/metadata.xsd}"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SIARD file with every kind, large objects, two schemas, a view and what the standard has no element for."""
    other = Table(TableName("二", "空"), COLUMNS[:2], Key("", ("编号",)), foreign=(_to(NAME),))
    catalog = Catalog(
        *("mariadb", "10.11", "source", "utf8mb4", (Table(NAME, COLUMNS, Key("pk", ("编号",))), other)),
        views=(View(TableName("二", "v"), "SELECT a  FROM b\nWHERE c < 'x\\y'"),),
        sequences=(Sequence(TableName("二", "s"), 5),),
        types=(NamedType(TableName("二", "mood"), "enum", "", ("a", "b")),),
        routines=(TableName("二", "f"), TableName("二", "f")),
    )
    return held.archived(catalog, {NAME: _rows(), other.name: []}, tmp_path_factory.mktemp("siard"))


def _to(table: TableName) -> ForeignKey:
    return ForeignKey("", ("编号",), table, ("编号",), "cascade", "no action")


def test_the_standard_takes_the_metadata(file: Path) -> None:
    """The metadata are valid against the standard's own schema by libxml2 and by xmlschema, and against ours."""
    with zipfile.ZipFile(file) as package:
        data = package.read("header/metadata.xml")
        ours = package.read("header/metadata.xsd")
    standard = shared_data("siard/metadata-2.2.xsd")
    etree.XMLSchema(etree.parse(standard)).assertValid(etree.fromstring(data))
    xmlschema.XMLSchema(str(standard)).validate(data.decode())
    etree.XMLSchema(etree.fromstring(ours)).assertValid(etree.fromstring(data))


def test_every_table_is_valid_by_its_own_schema(file: Path) -> None:
    """Each `tableN.xml` is what its `tableN.xsd` says, by libxml2 and by xmlschema."""
    with zipfile.ZipFile(file) as package:
        tables = [name for name in package.namelist() if name.endswith(".xml") and name.startswith("content/")]
        assert len(tables) == 2
        for name in tables:
            schema, data = package.read(name.replace(".xml", ".xsd")), package.read(name)
            parser = etree.XMLParser(huge_tree=True)
            etree.XMLSchema(etree.fromstring(schema)).assertValid(etree.fromstring(data, parser))
            assert xmlschema.XMLSchema(schema.decode()).is_valid(data.decode())


def test_the_file_is_laid_out_as_the_standard_says(file: Path) -> None:
    """Content before header, the version's folder, stored or deflated, and the digest over what is before the header."""
    with zipfile.ZipFile(file) as package:
        entries = sorted(package.infolist(), key=lambda info: info.header_offset)
        names = [info.filename for info in entries]
        metadata = etree.fromstring(package.read("header/metadata.xml"))
    first = names.index("header/")
    assert all(name.startswith("content/") for name in names[:first])
    assert names[first:] == [
        *("header/", "header/siardversion/", "header/siardversion/2.2/", "header/metadata.xml", "header/metadata.xsd"),
    ]
    assert {info.compress_type for info in entries} <= {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
    digest = hashlib.sha256(file.read_bytes()[: entries[first].header_offset]).hexdigest().upper()
    assert metadata.findtext(f"{METADATA}messageDigest/{METADATA}digest") == digest
    assert file.stat().st_mode & 0o777 == 0o400


def test_large_objects_have_their_digests_and_lengths(file: Path) -> None:
    """A cell that is too long stands in a file of its own; length in characters or octets, SHA-256, are its own."""
    with zipfile.ZipFile(file) as package:
        rows = next(name for name in package.namelist() if name.endswith("table0.xml"))
        cells = [
            cell
            for cell in etree.fromstring(package.read(rows), etree.XMLParser(huge_tree=True)).iter()
            if cell.get("file")
        ]
        files = {name for name in package.namelist() if "/lob" in name and not name.endswith("/")}
        assert {cell.get("file") for cell in cells} == files
        for cell in cells:
            data = package.read(cell.get("file"))
            assert hashlib.sha256(data).hexdigest().upper() == cell.get("digest")
            assert int(cell.get("length")) == len(data if cell.get("file").endswith(".bin") else data.decode())


def test_other_programs_open_it(file: Path) -> None:
    """`unzip` and `zipinfo` read every entry; xmllint finds valid metadata and well-formed rows."""
    subprocess.run([need("unzip"), "-tq", str(file)], check=True, capture_output=True)
    listed = subprocess.run([need("zipinfo"), "-1", str(file)], check=True, capture_output=True, text=True)
    with zipfile.ZipFile(file) as package:
        assert listed.stdout.split() == package.namelist()
        folder = file.parent / "unpacked"
        package.extractall(folder)
    lint = need("xmllint")
    schema, metadata = folder / "header/metadata.xsd", folder / "header/metadata.xml"
    subprocess.run([lint, "--noout", "--schema", str(schema), str(metadata)], check=True, capture_output=True)
    # Well-formed only: libxml2 before 2.13 knows no valid decimal of more than 24 digits.
    rows = folder / "content/schema0/table0/table0.xml"
    subprocess.run([lint, "--noout", "--huge", str(rows)], check=True, capture_output=True)


def test_java_reads_it_as_a_stream(file: Path) -> None:
    """Java's streaming reader, which is fussy about data descriptors, lists every entry."""
    listed = subprocess.run([need("jar"), "tf", str(file)], check=True, capture_output=True, text=True)
    with zipfile.ZipFile(file) as package:
        assert listed.stdout.split() == package.namelist()


def test_what_the_standard_has_no_element_for_is_in_words(file: Path) -> None:
    """Sequences and types stand in the description of their schema."""
    with zipfile.ZipFile(file) as package:
        metadata = etree.fromstring(package.read("header/metadata.xml"))
    notes = [element.text for element in metadata.iterfind(f".//{METADATA}schema/{METADATA}description")]
    assert notes == ["SEQUENCE s: next 5, increment 1. TYPE mood (enum): a, b."]


def test_a_reference_to_a_table_that_is_not_written_is_left_out(tmp_path: Path) -> None:
    """The file speaks of no table that it does not hold."""
    table = Table(NAME, COLUMNS[:2], Key("", ("编号",)), foreign=(_to(TableName("", "gone")),))
    found = SiardSource(held.archived(_catalog(table), {NAME: [("1", "0.10")]}, tmp_path)).catalog()
    assert [(one.foreign, one.primary) for one in found.tables] == [((), Key("pk_" + NAME.name, ("编号",)))]


@pytest.mark.parametrize(
    ("kind", "text", "code"),
    [
        (Kind.DATE, "infinity", "D618"),
        (Kind.DATE, "10000-01-01", "D618"),
        (Kind.TIMESTAMP, "0044-03-15 00:00:00 BC", "D618"),
        (Kind.TIME, "24:00:00.000000", "D618"),
        (Kind.INTEGER, "one", "D615"),
        (Kind.FLOAT, "1,5", "D615"),
        (Kind.BYTES, "00ff", "D615"),
    ],
)
def test_a_value_without_a_form_in_siard_leaves_no_file(kind: Kind, text: str, code: str, tmp_path: Path) -> None:
    """It is refused by table and column, never by its text, and neither the file nor a part of it stays."""
    columns = (COLUMNS[0], Column("值", kind, "x"))
    rows: list[canon.Cells] = [("1", None), ("2", text)]
    kept = held.frozen(_catalog(Table(NAME, columns, Key("", ("编号",)))), {NAME: rows}, tmp_path / "freeze")
    with pytest.raises(IntegrityError) as raised:
        write(kept, tmp_path / "a.siard", about=held.ABOUT, at=held.AT)
    assert (raised.value.code, raised.value.detail) == (code, f"{NAME}.值")
    assert {path.name for path in tmp_path.iterdir()} == {"freeze"}


def test_a_file_is_never_written_over(tmp_path: Path) -> None:
    """A name that is taken, or that no SIARD file has, is refused before anything is written."""
    kept = held.frozen(_catalog(Table(NAME, COLUMNS[:1])), {NAME: [("1",)]}, tmp_path / "freeze")
    file = tmp_path / "a.siard"
    file.write_bytes(b"mine")
    with pytest.raises(UsageError, match="D607"):
        write(kept, file, about=held.ABOUT, at=held.AT)
    assert file.read_bytes() == b"mine"
    with pytest.raises(UsageError, match="D609"):
        write(kept, tmp_path / "a.zip", about=held.ABOUT, at=held.AT)


def test_a_damaged_freeze_leaves_no_file(tmp_path: Path) -> None:
    """A chunk that is not what the freeze says stops the writing, D652."""
    kept = held.frozen(_catalog(Table(NAME, COLUMNS[:1])), {NAME: [("1",)]}, tmp_path / "freeze")
    (chunk,) = (tmp_path / "freeze").glob("data/*/*.gz")
    chunk.chmod(0o600)
    chunk.write_bytes(chunk.read_bytes()[:-1] + b"\xff")
    with pytest.raises(IntegrityError, match="D652"):
        write(kept, tmp_path / "a.siard", about=held.ABOUT, at=held.AT)
    assert {path.name for path in tmp_path.iterdir()} == {"freeze"}
