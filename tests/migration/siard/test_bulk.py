"""What is lifted out of the bytes, or written into them, is what the long way gives."""

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from formats.errors import ServiceError
from migration import canon
from migration.catalog import Column, Key, Kind, Table, TableName
from migration.engine import Block, ReadColumn
from migration.siard import SiardSource, census
from migration.siard.form import Place
from migration.siard.parsing import blocks
from migration.siard.patterns import Rows
from migration.siard.rendering import END, Renderer, start
from tests.migration.siard import held
from tests.migration.siard.test_round_trip import COLUMNS, VALUES, _catalog
from tests.suites.stands import EDGES

START = start(Place("schema0", "table0"))
KINDS = (
    Column("integer", Kind.INTEGER, "bigint"),
    Column("text", Kind.TEXT, "text"),
    Column("decimal", Kind.DECIMAL, "decimal(9,2)", precision=9, scale=2),
    Column("whole", Kind.DECIMAL, "decimal(9,0)", precision=9, scale=0),
    Column("date", Kind.DATE, "date"),
    Column("other", Kind.OTHER, "jsonb"),
    Column("padded", Kind.TEXT, "char(4)", length=4, padded=True),
    Column("boolean", Kind.BOOLEAN, "boolean"),
    Column("float", Kind.FLOAT, "double precision"),
    Column("timestamp", Kind.TIMESTAMP, "timestamp"),
    Column("bytes", Kind.BYTES, "bytea"),
)
PLAIN = {
    Kind.INTEGER: ("0", "7", "-12", "90071992547409930000"),
    Kind.DECIMAL: ("0", "1.50", "-0.07", "12", "-3"),
    Kind.DATE: ("2024-02-29", "0001-01-01", "1999-12-31"),
    Kind.BOOLEAN: ("true", "false"),
    Kind.FLOAT: ("0.1", "1e+20", "NaN", "-INF"),
    Kind.TIMESTAMP: ("2024-02-29T01:02:03.000004Z",),
    Kind.BYTES: ("", "00", "5c75303034310A"),
}
TEXTS = (
    "",
    "张三",
    "a",
    '"',
    '""',
    ",",
    ',"',
    '","',
    "NULL",
    ",NULL,",
    "\n",
    " ",
    "\ue000",
    "\uf8ff",
    "，",
    "\U000f0001",
)
ODD = (
    *("+7", "007", "-0", " 7 ", "1.5", ".5", "1.505", "-0.00", "2023-02-29", "0000-01-01", "2024-02-29Z", "1e3", "x"),
    *(
        "&lt;",
        "&#65;",
        "&#x3000;",
        "&quot;",
        "&b;",
        "&",
        "&#0;",
        r"\u0041",
        r"\u0000",
        r"\uD83D\uDE00",
        r"\uD800",
        "\\",
    ),
    *("<![CDATA[</row>]]>", "<![CDATA[a]]>", "<!-- </row> -->", "<?p?>", "]]>", ">", "<b/>", "</c1>", "\r\n", "\x85"),
    *(
        "9" * 1500,
        "9" * 1500 + ".00",
        "9" * 2500 + ".00",
        "9" * 2500,
        "9" * 4400,
        "\ufffe",
        "\uffff",
        "\x7f",
        "\x01",
        "</row><row>",
        "<c3>1.50</c3>",
        "\u3000",
    ),
)
TAGS = (
    '<c{n} xml:lang="de">{t}</c{n}>',
    '<c{n} file="a">{t}</c{n}>',
    "<c{n}>{t}</c{n} >",
    "<c{n}/>",
    "<c0{n}>{t}</c0{n}>",
)
TAGS += ("<c{n}>{t}</c1>", '<c{n} xmlns="urn:x">{t}</c{n}>', "<c{n}>{t}", "<!-- {t} --><c{n}>{t}</c{n}>", "{t}")


class Slow(Rows):
    """The rows of a table of which none is plain."""

    def compiled(self) -> tuple[()]:
        """No pattern."""
        return ()


@st.composite
def cells(draw: st.DrawFn, column: Column, number: int, oddity: int) -> str:
    """A cell with its tags: none, one in the plain form, or - one in `oddity` - any other."""
    values = st.sampled_from(PLAIN.get(column.kind, TEXTS))
    if column.kind in (Kind.TEXT, Kind.OTHER):
        values = st.lists(values, max_size=3).map("".join)
    if column.kind is Kind.DECIMAL and column.scale:
        values = st.sampled_from(("0.00", "1.50", "-0.07"))
    tag, text = "<c{n}>{t}</c{n}>", draw(values)
    if draw(st.integers(1, oddity)) == 1:
        text = draw(st.lists(st.sampled_from((*ODD, text)), min_size=1, max_size=2).map("".join))
        tag = draw(st.sampled_from((tag, tag, *TAGS)))
    return "" if draw(st.integers(1, 4)) == 1 else tag.format(n=number, t=text)


@st.composite
def tables(draw: st.DrawFn, kinds: Sequence[Column] = KINDS) -> tuple[tuple[Column, ...], bytes]:
    """Some columns, and rows of them; every second table is all plain or nearly so."""
    columns = tuple(draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=5)))
    oddity = draw(st.sampled_from((2, 20, 10**6)))
    row = st.tuples(*(cells(column, number, oddity) for number, column in enumerate(columns, start=1))).map("".join)
    between = st.sampled_from(("", "\n", " \r\n\t") if oddity > 2 else ("", "\n", "x", "<!-- -->", "<c1>1</c1>"))
    rows = draw(st.lists(st.tuples(row, between), max_size=8))
    return columns, "".join(f"<row>{row}</row>{after}" for row, after in rows).encode()


def read(rows: Rows, xml: bytes, size: int, passes: bool = False) -> list[Block] | tuple[str, str]:
    """The blocks of a table, read in pieces of so many octets, or its error."""

    def large(column: ReadColumn, attributes: Mapping[str, str]) -> str:
        return f"{column.name} {attributes['file']}"

    data = START + xml + END
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    try:
        return list(blocks(pieces, rows, large, 1 << 20, *((census.passes,) if passes else ())))
    except ServiceError as error:
        return error.code, error.detail


def joined(found: list[Block] | tuple[str, str]) -> tuple[bytes, int] | tuple[str, str]:
    """All lines and their number, or the error."""
    if isinstance(found, tuple):
        return found
    return b"".join(block.data for block in found), sum(block.rows for block in found)


@given(tables(), st.sampled_from((40, 300, 1 << 20)), st.data())
@settings(deadline=None, max_examples=150)
def test_rows_in_bulk_are_those_of_the_parser(
    table: tuple[tuple[Column, ...], bytes], size: int, data: st.DataObject
) -> None:
    """Any spelling of cells and tags, good or bad, gives the lines or the error that libxml2 alone leads to."""
    columns, xml = table
    numbers = tuple(data.draw(st.permutations(range(1, len(columns) + 1))))[: data.draw(st.integers(1, len(columns)))]
    chosen = {number: held.read(columns[number - 1]) for number in numbers}
    asked = "t", len(columns), chosen, numbers
    found = joined(read(Rows(*asked), xml, size))
    assert found == joined(read(Slow(*asked), xml, size))


@pytest.mark.parametrize("column", KINDS, ids=lambda column: column.name)
def test_every_spelling_of_a_cell_is_that_of_the_parser(column: Column) -> None:
    """One cell, among others that are plain, in each spelling: what libxml2 takes is taken, what it refuses refused."""
    asked = "t", 2, {1: held.read(COLUMNS[4]), 2: held.read(column)}, (1, 2)
    for text in (*PLAIN.get(column.kind, ()), *TEXTS, *ODD):
        xml = f"<row><c1>a</c1></row>\n<row><c1>b</c1><c2>{text}</c2></row>\n".encode()
        assert joined(read(Rows(*asked), xml, 1 << 20)) == joined(read(Slow(*asked), xml, 1 << 20)), text


@given(tables(KINDS[:6]))
@settings(deadline=None, max_examples=150)
def test_a_census_looks_at_whatever_is_odd(table: tuple[tuple[Column, ...], bytes]) -> None:
    """Rows without anything odd are only counted, and what is found in the others is what all rows give."""
    columns, xml = table
    named = tuple(replace(column, name=f"c{number}") for number, column in enumerate(columns, start=1))
    numbers = tuple(range(1, len(columns) + 1))
    rows = Rows("t", len(columns), dict(zip(numbers, map(held.read, named), strict=True)), numbers)
    found, every = read(rows, xml, 300, passes=True), read(rows, xml, 300)
    if isinstance(found, tuple) or isinstance(every, tuple):
        assert found == every
    else:
        assert joined(found)[1] == joined(every)[1]
        of = Table(TableName("", "t"), named)
        assert census.taken(of, found) == census.taken(of, every)


def test_a_census_makes_no_lines_of_plain_rows() -> None:
    """Rows of plain cells come as a number; one private character, entity or escape among them, and they come whole."""
    rows = Rows("t", 1, {1: held.read(COLUMNS[4])}, (1,))
    plain = b'<row><c1>\xe5\xbc\xa0\xef\xbc\x8c"</c1></row><row></row>\n'
    assert read(rows, plain, 1 << 20, passes=True) == [Block(b"", 2, utf8=True)]
    for text in ("\ue000", "\uf8ff", "\U000f0000", "\U0010fffd", "&lt;", r"\u0000"):
        found = joined(read(rows, plain + f"<row><c1>{text}</c1></row>".encode(), 1 << 20, passes=True))
        assert found[1] == 3
        assert found[0]


@st.composite
def lines(draw: st.DrawFn) -> tuple[tuple[Column, ...], list[canon.Cells]]:
    """Columns of any kinds, and rows of them."""
    columns = tuple(draw(st.lists(st.sampled_from(COLUMNS[1:]), min_size=1, max_size=5)))
    values = [st.none() | st.sampled_from(VALUES.get(column.name) or EDGES[column.kind]) for column in columns]
    return columns, draw(st.lists(st.tuples(*values), max_size=6))


@given(lines(), st.sampled_from((0, 10, 4000)))
@settings(deadline=None, max_examples=100)
def test_rows_written_in_bulk_are_read_by_the_parser(
    table: tuple[tuple[Column, ...], list[canon.Cells]], inline: int
) -> None:
    """Cells of every kind beside each other, NULL, empty texts, cells in files of their own: libxml2 finds them again."""
    columns, rows = table
    data = held.rows_of(rows)
    xml = Renderer(TableName("", "t"), columns, Place("schema0", "table0"), inline).xml(Block(data, len(rows)))
    kept = Renderer(TableName("", "t"), columns, Place("schema0", "table0"), inline).large(Block(data, len(rows)))
    apart = {
        Place("schema0", "table0").large(one.column, one.record, end): one.text
        for one in kept
        for end in ("txt", "bin")
    }

    def large(_: ReadColumn, attributes: Mapping[str, str]) -> str:
        return apart[attributes["file"]].removeprefix("\\x" if attributes["file"].endswith("bin") else "")

    numbers = tuple(range(1, len(columns) + 1))
    asked = "t", len(columns), dict(zip(numbers, map(held.read, columns), strict=True)), numbers
    for one in (Rows, Slow):
        assert b"".join(block.data for block in blocks((START, xml, END), one(*asked), large, 1 << 30)) == data


@given(lines(), st.data())
@settings(deadline=None, max_examples=150)
def test_octets_that_are_no_lines_are_not_written(
    table: tuple[tuple[Column, ...], list[canon.Cells]], data: st.DataObject
) -> None:
    """Lines with something put in or left out are refused, unless they are other lines: nothing is dropped silently."""
    columns, rows = table
    whole = held.rows_of(rows)
    at, to = sorted((data.draw(st.integers(0, len(whole))), data.draw(st.integers(0, len(whole)))))
    put = data.draw(st.sampled_from((b"", b"x", b'"', b",", b"\n", b"NULL", b'""', b'"1"', b'"1"\n', b"T", b"Z")))
    changed = whole[:at] + put + whole[min(to, at + 3) :]
    renderer = Renderer(TableName("", "t"), columns, Place("schema0", "table0"), 1 << 20)
    try:
        xml = renderer.xml(Block(changed, 0))
        found = list(canon.rows(changed))
    except (ServiceError, UnicodeDecodeError):
        return
    assert xml.count(b"<row>") == len(found)
    assert all(len(row) == len(columns) for row in found)
    assert xml.count(b"</c") == sum(cell is not None for row in found for cell in row)


@pytest.mark.parametrize("packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_entries_stored_or_deflated_are_held_to_what_the_zip_says(packing: int, tmp_path: Path) -> None:
    """Rows of many pieces come whole; another length or checksum in the ZIP's list, or a cut entry, is damage."""
    name, column = TableName("main", "t"), COLUMNS[0]
    table = Table(name, (column,), Key("", (column.name,)))
    rows: list[canon.Cells] = [(str(number),) for number in range(40_000)]
    file = held.archived(_catalog(table), {name: rows}, tmp_path)
    copy = tmp_path / "copy.siard"
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(copy, "w", packing) as new:
        for info in old.infolist():
            new.writestr(info.filename, old.read(info))
    assert held.lines(copy, name) == held.rows_of(rows)
    data = copy.read_bytes()
    listed = data.index(b"content/schema0/table0/table0.xml", data.index(b"PK\x01\x02")) - 46
    for place, change in ((16, 1), (20, -1000), (24, 1), (24, -1)):  # checksum, packed length, length
        value = int.from_bytes(data[listed + place : listed + place + 4], "little") + change
        copy.write_bytes(data[: listed + place] + value.to_bytes(4, "little") + data[listed + place + 4 :])
        with pytest.raises(ServiceError, match="D691"), SiardSource(copy).snapshot() as snapshot:
            list(snapshot.blocks(held.reading(table)))
