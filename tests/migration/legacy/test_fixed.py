"""Fixed width: positions are bytes, and a border that cuts a character is found."""

import csv
import io

import pytest

from formats.errors import ServiceError
from tests.migration.legacy.folders import census, column, rows, source, table
from tests.parts import shared_data

NAME = column("id", "integer", start=1, bytes=4), column("name", start=5, bytes=6)


def test_the_streets_of_china_as_fixed_width(tmp_path):
    """41,352 real rows laid out by bytes in GB 18030 give the rows that they were made of."""
    text = (shared_data("databases/divisions") / "streets.csv").read_text("utf-8")
    names, *expected = [tuple(row) for row in csv.reader(io.StringIO(text))]
    widths = [max(len(row[at].encode("gb18030")) for row in expected) for at in range(len(names))]
    data = b"".join(
        b"".join(cell.encode("gb18030").ljust(width) for cell, width in zip(row, widths, strict=True)) + b"\r\n"
        for row in expected
    )
    starts = [1 + sum(widths[:at]) for at in range(len(names))]
    columns = [
        column(name, "text" if name == "name" else "integer", start=start, bytes=width)
        for name, start, width in zip(names, starts, widths, strict=True)
    ]
    described = table(
        "fixed", "t.txt", *columns, encoding="gb18030-2022", record=sum(widths), line_end="crlf", key=["code"]
    )
    legacy = source(tmp_path, described, t__txt=data)
    assert rows(legacy) == expected
    assert census(legacy) == {}
    assert legacy.catalog().tables[0].rows == len(expected)


@pytest.mark.parametrize(("line_end", "end"), [("none", b""), ("lf", b"\n"), ("crlf", b"\r\n")])
@pytest.mark.parametrize("tail", [b"", b"\x1a"])
def test_line_ends_and_the_mark_of_the_end(tmp_path, line_end, end, tail):
    """Each declared line end, the last one missing or not, and DOS's 0x1A behind it."""
    data = b"0001\xd5\xc5\xc8\xfd  " + end + b"0002\xc0\xee\xcb\xc4A " + end
    described = table("fixed", "t.txt", *NAME, encoding="gbk", record=10, line_end=line_end)
    expected = [("1", "张三"), ("2", "李四A")]
    assert rows(source(tmp_path, described, t__txt=data + tail)) == expected
    assert rows(source(tmp_path, described, t__txt=data.removesuffix(end) + tail)) == expected


def test_a_border_that_cuts_a_character(tmp_path):
    """A field one byte too short cuts its Chinese character: D611 with record and byte, not a replaced character."""
    described = table(
        "fixed", "t.txt", column("a", start=1, bytes=3), column("b", start=4, bytes=3), encoding="gbk", record=6
    )
    legacy = source(tmp_path, described, t__txt=b"abcdef\n" + "中国人".encode("gbk") + b"\n")
    with pytest.raises(ServiceError) as raised:
        rows(legacy)
    assert raised.value.code == "D611"
    assert "t.a: t.txt record 2: byte 9 " in raised.value.detail
    assert {code for code, _ in census(legacy)} == {"D611"}


@pytest.mark.parametrize(
    "data", [b"0001abcdef\n0002abc\n", b"0001abcdefg\n", b"0001abcdef0002abcdef\n", b"\xef\xbb\xbf0001abc\n"]
)
def test_records_of_another_length_are_refused(tmp_path, data):
    """A record without its line end at its place is damage, named by number."""
    legacy = source(tmp_path, table("fixed", "t.txt", *NAME, record=10), t__txt=data)
    with pytest.raises(ServiceError) as raised:
        rows(legacy)
    assert raised.value.code == "D628"
    assert ("D628", "") in census(legacy)


def test_a_cut_file_without_line_ends_is_refused(tmp_path):
    """Without line ends the length alone tells that the last record is cut."""
    legacy = source(tmp_path, table("fixed", "t.txt", *NAME, record=10, line_end="none"), t__txt=b"0001abcdef0002ab")
    with pytest.raises(ServiceError) as raised:
        rows(legacy)
    assert "record 2: shorter" in raised.value.detail


def test_trimming_is_declared(tmp_path):
    """Blanks go at the right unless declared otherwise; the wide blank U+3000 only where it is named as a blank."""
    data = " a\u3000 ".encode("gbk") + b"\n"
    for options, expected in (
        ({}, " a\u3000"),
        ({"trim": "none"}, " a\u3000 "),
        ({"trim": "both"}, "a\u3000"),
        ({"blanks": " \u3000"}, " a"),
    ):
        described = table("fixed", "t.txt", column("a", start=1, bytes=5, **options), encoding="gbk", record=5)
        assert rows(source(tmp_path, described, t__txt=data)) == [(expected,)]


def test_bytes_in_no_column_are_told(tmp_path):
    """What lies between and behind the columns is not carried: D625 says which bytes."""
    described = table("fixed", "t.txt", column("a", start=2, bytes=2), record=6)
    legacy = source(tmp_path, described, t__txt=b"xaabbb\n")
    with legacy.snapshot() as snapshot:
        found = legacy.census(snapshot, legacy.catalog().tables[0])
    assert [(oddity.code, oddity.detail.split(" of")[0]) for oddity in found] == [
        ("D625", "bytes 1 to 1"),
        ("D625", "bytes 4 to 6"),
    ]
