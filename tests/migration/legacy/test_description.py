"""`legacy.toml` is read strictly: what is not understood is refused with its place."""

import pytest

from formats.errors import UsageError
from migration.catalog import Kind
from migration.legacy import LegacySource
from migration.legacy.description import load
from tests.migration.legacy.folders import column, rows, source, table

A = column("a")


def test_a_whole_description(tmp_path):
    """Kinds, widths, key, comments and the source's name come into the catalog; the file may be named itself."""
    described = 'name = "old fund"\nencoding = "gbk"\n' + (
        '[[table]]\nname = "person"\nfile = "t.csv"\nform = "csv"\nkey = ["id"]\ncomment = "参保人"\n'
        + column("id", "integer")
        + column("pay", "decimal", precision=12, scale=2, comment="缴费")
        + column("name", length=20, nullable=False)
    )
    source(tmp_path, described, t__csv=b"id,pay,name\n1,2,a\n")
    legacy = LegacySource(tmp_path / "legacy.toml")
    catalog = legacy.catalog()
    (found,) = catalog.tables
    assert (catalog.engine, catalog.name, catalog.encoding) == ("legacy", "old fund", "gbk")
    assert (found.order, found.comment, found.rows) == (("id",), "参保人", 2)
    assert [(c.name, c.kind, c.native, c.nullable) for c in found.columns] == [
        ("id", Kind.INTEGER, "integer", False),
        ("pay", Kind.DECIMAL, "decimal(12,2)", True),
        ("name", Kind.TEXT, "text(20)", False),
    ]
    assert rows(legacy) == [("1", "2.00", "a")]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "table = 1",
        "[[table]]\n",
        "x = [",
        "unknown = 1\n" + table("csv", "t.csv", A),
        table("csv", "t.csv", A, encoding="ansi"),
        table("csv", "t.csv", A, encoding=""),
        table("xls", "t.csv", A),
        table("csv", "../t.csv", A),
        table("csv", "/t.csv", A),
        table("csv", "t.csv", A, delimiter=",,"),
        table("csv", "t.csv", A, delimiter='"'),
        table("csv", "t.csv", A, record=5),
        table("csv", "t.csv", A, header="none", colour="red"),
        table("csv", "t.csv", header="none"),
        table("csv", "t.csv", A, key=["b"]),
        table("csv", "t.csv", A, key=["a", "a"]),
        table("csv", "t.csv", A, private_use="none.csv"),
        table("csv", "t.csv", A, A),
        table("csv", "t.csv", A) + table("csv", "t.csv", A),
        table("csv", "t.csv", column("a", "money")),
        table("csv", "t.csv", column("a", "timestamptz")),
        table("csv", "t.csv", column("a", "decimal")),
        table("csv", "t.csv", column("a", "decimal", precision=2, scale=3)),
        table("csv", "t.csv", column("a", "decimal", precision=12, scale=2, format="9(10)V9")),
        table("csv", "t.csv", column("a", "decimal", precision=12, scale=2, format="X(10)")),
        table("csv", "t.csv", column("a", "date", format="DDMM")),
        table("csv", "t.csv", column("a", "date", format="YYYYMMDDHH")),
        table("csv", "t.csv", column("a", "date", format="YYYYYYYY")),
        table("csv", "t.csv", column("a", "bytes", format="octal")),
        table("csv", "t.csv", column("a", "boolean", true=["1"], false=["1"])),
        table("csv", "t.csv", column("a", length=0)),
        table("csv", "t.csv", column("a", length=True)),
        table("csv", "t.csv", column("a", null=[1])),
        table("csv", "t.csv", column("a", start=1)),
        table("fixed", "t.csv", column("a", start=1, bytes=2)),
        table("fixed", "t.csv", column("a", start=1), record=5),
        table("fixed", "t.csv", column("a", start=1, bytes=6), record=5),
        table("fixed", "t.csv", column("a", start=1, bytes=2), column("b", start=2, bytes=2), record=5),
        table("fixed", "t.csv", record=5),
    ],
)
def test_a_wrong_description_is_refused(tmp_path, text):
    """Every mistake is D629 and names the table or the file."""
    legacy = source(tmp_path, text, t__csv=b"a\n1\n")
    with pytest.raises(UsageError) as raised:
        legacy.catalog()
    assert raised.value.code == "D629"
    assert raised.value.detail


def test_a_folder_without_a_description(tmp_path):
    """A folder that nobody described is no source."""
    with pytest.raises(UsageError) as raised:
        load(tmp_path)
    assert raised.value.code == "D629"


def test_a_description_that_is_not_utf8(tmp_path):
    """The description itself is UTF-8."""
    (tmp_path / "legacy.toml").write_bytes("# 说明".encode("gbk"))
    with pytest.raises(UsageError) as raised:
        load(tmp_path)
    assert raised.value.code == "D629"
