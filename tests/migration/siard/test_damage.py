"""Files that are damaged or hostile: each is refused under its code, and none of them changes or is unpacked."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from formats.errors import ServiceError
from migration import canon
from migration.catalog import Column, Key, Kind, Table, TableName
from migration.siard import Limits, SiardSource
from tests.migration.siard import held
from tests.migration.siard.test_round_trip import _catalog

NAME = TableName("main", "人")
COLUMNS = (
    Column("id", Kind.INTEGER, "bigint", nullable=False),
    Column("text", Kind.TEXT, "text"),
    Column("day", Kind.DATE, "date"),
    Column("sum", Kind.DECIMAL, "numeric(6,2)", precision=6, scale=2),
    Column("octets", Kind.BYTES, "bytea"),
)
ROWS: list[canon.Cells] = [
    ("1", "SECRET 张三", "2024-02-29", "1.50", "\\x0102"),
    ("2", "x" * 5000, None, None, "\\x" + "00" * 3000),
]
METADATA = "header/metadata.xml"
TABLE = "content/schema0/table0/table0.xml"
DOCTYPE = b'<!DOCTYPE table [<!ENTITY a "aaaaaaaaaa"><!ENTITY b SYSTEM "file:///etc/passwd">]>'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A SIARD file of two rows, two large objects."""
    return held.archived(_catalog(Table(NAME, COLUMNS, Key("pk", ("id",)))), {NAME: ROWS}, tmp_path)


def _refused(file: Path) -> ServiceError:
    before = file.read_bytes()
    with pytest.raises(ServiceError) as raised:
        held.lines(file, NAME)
    assert file.read_bytes() == before
    assert "SECRET" not in str(raised.value)
    return raised.value


def _replace(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        assert old in data
        return data.replace(old, new, 1)

    return change


@pytest.mark.parametrize(
    ("entry", "old", "new", "code"),
    [
        (METADATA, b"<rows>2</rows>", b"<rows>3</rows>", "D691"),
        (METADATA, b"<dbname>", b"<dbnam>", "D691"),
        (METADATA, b"<users>", b"<users><owner/>", "D691"),
        (METADATA, b'version="2.2"', b'version="3.0"', "D691"),
        (METADATA, b"<siardArchive", DOCTYPE.replace(b"table", b"siardArchive") + b"<siardArchive", "D691"),
        (METADATA, b"<folder>table0</folder>", b"<folder>table7</folder>", "D691"),
        (METADATA, b"<folder>table0</folder>", b"<folder>../../etc</folder>", "D691"),
        (TABLE, b"</table>", b"", "D691"),
        (TABLE, b"</row>", b"</rwo>", "D691"),
        (TABLE, b"<row>", b"<row><c9>1</c9>", "D691"),
        (TABLE, b"<row>", b"<c1>1</c1><row>", "D691"),
        (TABLE, b"<c1>1</c1>", b"<c2>a</c2><c1>1</c1>", "D691"),
        (TABLE, b"<c1>1</c1>", b"<c1>1</c1><c1>1</c1>", "D691"),
        (TABLE, b"<c1>1</c1>", b"<c1><b>1</b></c1>", "D691"),
        (TABLE, b"<table", DOCTYPE + b"<table", "D691"),
        (TABLE, b"SECRET", b"SECRET&b;", "D691"),
        (TABLE, b"SECRET", b"SECRET&#0;", "D691"),
        (TABLE, b"SECRET", b"SECRET\x08", "D691"),
        (TABLE, b"SECRET", b"SECRET\xff", "D691"),
        (TABLE, b"SECRET", rb"SECRET\uD800", "D691"),
        (TABLE, b'siard/2/table.xsd"', b'siard/1/table.xsd"', "D691"),
        (TABLE, b'encoding="UTF-8"', b'encoding="GB18030"', "D691"),
        (TABLE, b'file="content', b'file="file:///content', "D691"),
        (TABLE, b'digest="', b'digest="00', "D691"),
        (TABLE, b"<c1>1</c1>", b"<c1>SECRET</c1>", "D615"),
        (TABLE, b"2024-02-29", b"2023-02-29", "D613"),
        (TABLE, b"2024-02-29", b"29.02.2024", "D615"),
        (TABLE, b"1.50", b"1.505", "D615"),
        (TABLE, b"0102", b"01021", "D615"),
        ("content/schema0/table0/lob1/record1.txt", b"x", b"y", "D691"),
        ("content/schema0/table0/lob4/record1.bin", b"\x00", b"\x01", "D691"),
    ],
)
def test_a_changed_file_is_refused(file: Path, entry: str, old: bytes, new: bytes, code: str) -> None:
    """Whatever is changed in metadata, rows or large objects has its code, and no text of a cell stands in the error."""
    assert _refused(held.changed(file, entry, _replace(old, new))).code == code


def test_a_changed_content_is_an_oddity(file: Path) -> None:
    """The digest over the content does not hold after one entry was changed; the survey says so."""
    changed = held.changed(file, TABLE, _replace(b"1.50", b"1.51"))
    oddities = SiardSource(changed).catalog().oddities
    assert [(odd.code, odd.table.name) for odd in oddities] == [("D691", "changed.siard")]


def test_what_is_not_plain_is_read_all_the_same(file: Path) -> None:
    """Comments, CDATA that looks like a row's end, references, attributes, blanks, CRLF: a parser reads what they say."""
    for old, new in (
        (b"SECRET", b"<!-- a </row> -->SECRET"),
        (b"SECRET ", b"<![CDATA[SECRET]]> "),
        (b"SECRET", b"&#83;&#x45;CRET"),
        (b"SECRET", rb"\u0053ECRET"),
        (b"<c1>1</c1>", b'<c1 xml:lang="de"> 01 </c1>'),
        (b"<c1>1</c1>", b"\r\n  <c1>+1</c1>\r\n"),
        (b"<c1>1</c1>", b"<c1>&#49;</c1>"),
        (b"<row>", b"<!-- first --><row>"),
        (b"1.50", b"1.5"),
        (b"2024-02-29", b"2024-02-29Z"),
    ):
        assert held.lines(held.changed(file, TABLE, _replace(old, new)), NAME) == held.rows_of(ROWS), new
    data = held.lines(held.changed(file, TABLE, _replace(b"SECRET", b"<![CDATA[</row><row>]]>")), NAME)
    assert next(canon.rows(data))[1] == "</row><row> 张三"


def test_a_file_cut_anywhere_is_refused(file: Path) -> None:
    """No beginning of a SIARD file passes for one."""
    data = file.read_bytes()
    part = file.with_name("part.siard")
    for end in range(0, len(data), len(data) // 40):
        part.write_bytes(data[:end])
        assert _refused(part).code == "D691"


def test_flipped_octets_are_refused_or_change_nothing(file: Path) -> None:
    """One octet changed anywhere is found by the ZIP's sums or the digests, or was none that the rows have."""
    data = file.read_bytes()
    other = file.with_name("other.siard")
    for place in range(0, len(data), len(data) // 150):
        other.write_bytes(data[:place] + bytes((data[place] ^ 0x10,)) + data[place + 1 :])
        try:
            lines = held.lines(other, NAME)
        except ServiceError as error:
            lines = error.code.encode()
        assert lines in (b"D691", held.rows_of(ROWS)), place


def test_no_zip_and_no_file() -> None:
    """What is no ZIP is D691; what is not there S416."""
    for path, code in ((Path(__file__), "D691"), (Path("/nowhere.siard"), "S416")):
        with pytest.raises(ServiceError, match=code):
            SiardSource(path).catalog()


def test_a_zip_that_siard_does_not_allow_is_refused(tmp_path: Path) -> None:
    """Another packing than deflate, and two entries of one name."""
    file = tmp_path / "a.siard"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_LZMA) as package:
        package.writestr(METADATA, b"x")
    assert _refused(file).detail.endswith("neither stored nor deflated")
    with zipfile.ZipFile(file, "w") as package:
        package.writestr(METADATA, b"x")
        with pytest.warns(UserWarning, match="Duplicate name"):
            package.writestr(METADATA, b"y")
    assert _refused(file).detail.endswith("two entries of one name")


def test_limits_hold(file: Path, tmp_path: Path) -> None:
    """Entries, metadata, cells and the ratio of packing are bounded by settings."""
    for limits in (Limits(entries=3), Limits(metadata=100), Limits(cell=100), Limits(ratio=1)):
        with pytest.raises(ServiceError, match="D691"):
            _read(SiardSource(file, limits), file)


@pytest.mark.parametrize("comment", [b"", b"<!-- -->"])
def test_a_row_is_bounded(comment: bytes, tmp_path: Path) -> None:
    """A row that is larger than the limit is refused before it is all in memory, by the fast way as by libxml2."""
    rows: list[canon.Cells] = [("1", "x" * 2_000_000, None, None, None)]
    file = held.archived(_catalog(Table(NAME, COLUMNS, Key("pk", ("id",)))), {NAME: rows}, tmp_path, 3_000_000)
    file = held.changed(file, TABLE, _replace(b"<row>", comment + b"<row>"))
    assert held.lines(file, NAME) == held.rows_of(rows)
    with pytest.raises(ServiceError, match="a row of more than 900000 bytes"):
        _read(SiardSource(file, Limits(row=900_000)), file)


def _read(source: SiardSource, file: Path) -> None:
    table = SiardSource(file).catalog().table(NAME)
    with source.snapshot() as snapshot:
        list(snapshot.blocks(held.reading(table)))


def test_a_file_that_changes_while_it_is_read_is_found(file: Path) -> None:
    """Octets added behind the ZIP during a reading end it with D632."""
    with SiardSource(file).snapshot() as snapshot:
        table = SiardSource(file).catalog().table(NAME)
        file.chmod(0o600)
        with file.open("ab") as out:
            out.write(b"more")
        with pytest.raises(ServiceError, match="D632"):
            list(snapshot.blocks(held.reading(table)))


def test_a_census_names_what_is_odd(tmp_path: Path) -> None:
    """0x00, private use, not-a-number: each with its column, its rows and their keys; and a value that can't be read."""
    columns = (COLUMNS[0], COLUMNS[1], Column("f", Kind.FLOAT, "double precision"))
    rows: list[canon.Cells] = [("1", "a\x00", "1"), ("2", "\ue78d", "NaN"), ("3", "\ue000", None)]
    file = held.archived(_catalog(Table(NAME, columns, Key("", ("id",)))), {NAME: rows}, tmp_path)
    source = SiardSource(file)
    table = source.catalog().table(NAME)
    with source.snapshot() as snapshot:
        found = [(odd.code, odd.column, odd.rows, odd.keys) for odd in source.census(snapshot, table)]
    assert found == [
        ("D612", "text", 1, (("1",),)),
        ("D618", "f", 1, (("2",),)),
        ("D619", "text", 2, (("2",), ("3",))),
    ]
    source = SiardSource(held.changed(file, TABLE, _replace(b"<c1>2<", b"<c1>two<")))
    with source.snapshot() as snapshot:
        (odd,) = source.census(snapshot, table)
    assert (odd.code, odd.table) == ("D615", NAME)
