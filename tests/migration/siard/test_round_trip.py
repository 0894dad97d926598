"""What a freeze keeps comes back from its SIARD file octet by octet."""

import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migration import canon
from migration.catalog import Catalog, Check, Column, ForeignKey, Key, Kind, Sequence, Table, TableName, Trigger, View
from migration.engine import Reading
from migration.siard import SiardSource, writing
from migration.siard.form import Place
from migration.siard.parsing import blocks as parsed
from migration.siard.patterns import Rows
from migration.siard.rendering import END, Renderer, start
from tests.migration.siard import held
from tests.suites.stands import EDGES, NAMES

NAME = TableName("", "人员 \"a\" <b> & 'c'")
COLUMNS = (
    Column("编号", Kind.INTEGER, "bigint", nullable=False),
    Column("decimal", Kind.DECIMAL, "numeric(12,2)", precision=12, scale=2),
    Column("number", Kind.NUMBER, "numeric"),
    Column("float", Kind.FLOAT, "double precision"),
    Column("text", Kind.TEXT, "text", comment="随便  写\\n"),
    Column("short", Kind.TEXT, "varchar(20)", length=20, default="'无'"),
    Column("bytes", Kind.BYTES, "bytea"),
    Column("few", Kind.BYTES, "varbinary(300)", length=300),
    Column("boolean", Kind.BOOLEAN, "boolean"),
    Column("date", Kind.DATE, "date"),
    Column("time", Kind.TIME, "time"),
    Column("timestamp", Kind.TIMESTAMP, "timestamp"),
    Column("timestamptz", Kind.TIMESTAMPTZ, "timestamptz"),
    Column("other", Kind.OTHER, "jsonb"),
)
SHORT = tuple(text for text in EDGES[Kind.TEXT] if len(text) <= 20)
VALUES = {
    "编号": ("",),
    "short": SHORT,
    "few": tuple(value for value in EDGES[Kind.BYTES] if len(value) <= 602),
    "other": SHORT,
    "text": EDGES[Kind.TEXT],
    # A double beyond the digits that a double has is not canonical.
    "float": tuple(value for value in EDGES[Kind.FLOAT] if len(value) < 24),
    "decimal": tuple(value for value in EDGES[Kind.DECIMAL] if len(value) < 13),
}


def _catalog(*tables: Table) -> Catalog:
    return Catalog("postgresql", "15", "source", "UTF8", tables)


def _rows() -> list[canon.Cells]:
    """Every edge of every kind, and NULL; as many rows as the kind with the most edges has."""
    values = [(*(VALUES.get(column.name) or EDGES[column.kind]), None) for column in COLUMNS]
    count = max(map(len, values))
    return [(str(number), *(each[number % len(each)] for each in values[1:])) for number in range(-1, count)]


def test_every_edge_of_every_kind_comes_back(tmp_path: Path) -> None:
    """Control characters, blanks, quotes, emoji, empty texts, NULL, large objects in files of their own: the same."""
    rows = _rows()
    table = Table(NAME, COLUMNS, Key("pk", ("编号",)))
    file = held.archived(_catalog(table), {NAME: rows}, tmp_path)
    assert held.lines(file, TableName("main", NAME.name)) == held.rows_of(rows)


def test_large_objects_come_back_from_wherever_they_stand(tmp_path: Path) -> None:
    """Whether cells of 10 octets or none stand in files of their own, the canonical lines are the same."""
    name = TableName("main", "lob")
    columns = COLUMNS[0], COLUMNS[4], COLUMNS[6]
    texts = ("", "a", 'ab"c\n<&>\\ ', "好" * 5, None, "x" * 11, "\\u0041", "NULL")
    rows: list[canon.Cells] = [
        (str(number), text, None if text is None else "\\x" + text.encode().hex()) for number, text in enumerate(texts)
    ]
    for inline in (0, 10, 4000):
        folder = tmp_path / str(inline)
        folder.mkdir()
        file = held.archived(_catalog(Table(name, columns, Key("", ("编号",)))), {name: rows}, folder, inline)
        assert held.lines(file, name) == held.rows_of(rows)


def test_the_catalog_comes_back(tmp_path: Path) -> None:
    """Names, types, composite keys, references, checks, views and triggers are read as they were written."""
    parent, child = TableName("公共", NAMES[1]), TableName("公共", NAMES[2])
    first, second = COLUMNS[0], Column("组", Kind.TEXT, "char(3)", nullable=False, length=3, padded=True)
    tables = (
        Table(parent, (first, second), Key("pk 1", ("编号", "组")), comment="父"),
        Table(
            child,
            (first, second, COLUMNS[1]),
            None,
            (Key("uk", ("编号",)),),
            (ForeignKey("fk", ("编号", "组"), parent, ("编号", "组"), "cascade", "set null"),),
            (Check("ck", "decimal > 0 and x < 'a\\b  c'"),),
        ),
    )
    catalog = Catalog(
        *("postgresql", "15", "source", "UTF8", tables),
        views=(View(TableName("公共", "v"), "SELECT 1\n  FROM t"),),
        sequences=(Sequence(TableName("公共", "s"), 17),),
        triggers=(Trigger(child, "tr", "CREATE TRIGGER tr BEFORE UPDATE ON x EXECUTE FUNCTION f()"),),
    )
    file = held.archived(catalog, {parent: [("1", "a")], child: []}, tmp_path)
    found = SiardSource(file).catalog()
    assert found.oddities == ()
    back = found.table(parent)
    assert (back.primary, back.comment, back.rows) == (tables[0].primary, "父", 1)
    assert [(c.name, c.kind, c.nullable, c.length, c.padded) for c in back.columns] == [
        ("编号", Kind.INTEGER, False, None, False),
        ("组", Kind.TEXT, False, 3, True),
    ]
    back = found.table(child)
    assert (back.uniques, back.foreign, back.checks) == (tables[1].uniques, tables[1].foreign, tables[1].checks)
    assert (back.columns[2].precision, back.columns[2].scale) == (12, 2)
    assert (found.views, found.triggers) == (catalog.views, catalog.triggers)


def test_a_table_of_one_column_and_one_without_rows(tmp_path: Path) -> None:
    """NULL, the empty text and the word NULL stay apart in a single column; no rows stay no rows."""
    one, none = TableName("s", "one"), TableName("s", "none")
    rows: list[canon.Cells] = [(None,), ("",), ("NULL",), (None,), (",",), (',"',), (",NULL",), ("\n",)]
    column = (Column("c", Kind.TEXT, "text"),)
    file = held.archived(_catalog(Table(none, column), Table(one, column)), {one: rows, none: []}, tmp_path)
    ordered = sorted(rows, key=lambda cells: canon.order(cells, column, ()))
    assert sorted(canon.rows(held.lines(file, one)), key=lambda cells: canon.order(cells, column, ())) == ordered
    assert held.lines(file, none) == b""


def test_some_columns_in_another_order(tmp_path: Path) -> None:
    """A reading names columns in its own order; the others are passed over, by the fast way as by libxml2."""
    rows = _rows()
    file = held.archived(_catalog(Table(NAME, COLUMNS, Key("pk", ("编号",)))), {NAME: rows}, tmp_path)
    for columns in ((12, 4, 0), (3, 1), (8,)):
        chosen = tuple(held.read(COLUMNS[place]) for place in columns)
        with SiardSource(file).snapshot() as snapshot:
            found = snapshot.blocks(Reading(TableName("main", NAME.name), chosen, ()))
            expected = held.rows_of([tuple(row[place] for place in columns) for row in rows])
            assert b"".join(block.data for block in found) == expected


def test_a_file_too_large_for_plain_zip_is_zip64(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond four gigabytes every entry is written as ZIP64; the digest and the rows still hold."""
    monkeypatch.setattr(writing, "_SMALL", 0)
    rows = _rows()
    file = held.archived(_catalog(Table(NAME, COLUMNS, Key("pk", ("编号",)))), {NAME: rows}, tmp_path)
    with zipfile.ZipFile(file) as package:
        assert {info.extract_version for info in package.infolist()} == {45}
        assert package.testzip() is None
    assert SiardSource(file).catalog().oddities == ()
    assert held.lines(file, TableName("main", NAME.name)) == held.rows_of(rows)


@given(st.lists(st.tuples(st.none() | st.text(st.characters(exclude_categories=["Cs"])), st.none() | st.integers())))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_text_comes_back(rows: list[tuple[str | None, int | None]]) -> None:
    """Any characters beside each other survive tags, entities and escapes, by the fast way as by libxml2."""
    columns = (Column("t", Kind.TEXT, "varchar(9)", length=9), Column("n", Kind.INTEGER, "bigint"))
    data = held.rows_of([(text, None if number is None else str(number)) for text, number in rows])
    place = Place("schema0", "table0")
    xml = Renderer(NAME, columns, place, 4000).xml(held.Block(data, len(rows)))
    chosen = {1: held.read(columns[0]), 2: held.read(columns[1])}
    for comment in (b"", b"<!-- -->"):
        pieces = (start(place), comment, xml, END)
        found = parsed(pieces, Rows("t", 2, chosen, (1, 2)), lambda *_: "", 1 << 20)
        assert b"".join(block.data for block in found) == data
