"""Delimited files: rows as written, and every trap named by line."""

import csv
import io
from itertools import product

import pytest

from formats.errors import ServiceError
from tests.migration.legacy.folders import census, column, reading, rows, source, table
from tests.parts import shared_data

AB = column("a"), column("b")


def refused(legacy):
    """What reading raises."""
    with pytest.raises(ServiceError) as raised:
        rows(legacy)
    return raised.value


# One street has a character that GBK does not have.
@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        *product(["provinces", "cities", "areas", "streets"], ["gb18030-2022", "utf-8"]),
        ("areas", "gbk"),
        ("areas", "cp936"),
    ],
)
def test_the_divisions_of_china_transcoded_come_back(tmp_path, name, encoding):
    """Real tables with Chinese names give equal rows from each encoding, in the order of the file."""
    text = (shared_data("databases/divisions") / f"{name}.csv").read_text("utf-8")
    expected = [tuple(row) for row in csv.reader(io.StringIO(text))]
    described = table(
        "csv", "t.csv", *(column(c, "text" if c == "name" else "integer") for c in expected[0]), encoding=encoding
    )
    legacy = source(tmp_path, described, t__csv=text.encode(encoding.removesuffix("-2022")))
    assert rows(legacy) == expected[1:]


def test_quotes_line_ends_and_empty_cells(tmp_path):
    """Line ends, delimiters and doubled quotes inside quotes stay; CR LF ends lines; the last line needs no end."""
    data = b'a,b\r\n"1\r\n2","x,""y"""\r\n,NULL'
    assert rows(source(tmp_path, table("csv", "t.csv", *AB), t__csv=data)) == [("1\r\n2", 'x,"y"'), ("", "NULL")]


def test_words_for_null(tmp_path):
    """Only a declared word is NULL: the text NULL stays a text elsewhere."""
    described = table("csv", "t.csv", column("a", null=["NULL", ""]), column("b"))
    assert rows(source(tmp_path, described, t__csv=b"a,b\nNULL,NULL\n,\n")) == [(None, "NULL"), (None, "")]


def test_a_delimiter_that_is_half_a_chinese_character(tmp_path):
    """`|` is the second byte of some characters: they are not cut."""
    half = b"\x81|".decode("gbk")
    data = f"a|b\n{half}|{half}\n".encode("gbk")
    assert rows(source(tmp_path, table("csv", "t.csv", *AB, encoding="gbk", delimiter="|"), t__csv=data)) == [
        (half, half)
    ]


def test_marks_of_begin_and_end(tmp_path):
    """UTF-8's byte order mark and DOS's 0x1A at the very end are not data; 0x1A elsewhere is."""
    legacy = source(tmp_path, table("csv", "t.csv", *AB), t__csv=b"\xef\xbb\xbfa,b\n1,2\x1a\n3,4\n\x1a")
    assert rows(legacy) == [("1", "2\x1a"), ("3", "4")]


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b"\xff\xfe"])
def test_another_encodings_mark_is_refused(tmp_path, mark):
    """A file that begins with the mark of UTF-8 or UTF-16 is not what is declared as GBK."""
    legacy = source(tmp_path, table("csv", "t.csv", *AB, encoding="gbk"), t__csv=mark + b"a,b\n1,2\n")
    assert refused(legacy).code == "D628"


def test_short_and_long_rows_are_named_by_line(tmp_path):
    """Rows with other than the described number of cells: reading refuses the first, the census has all."""
    legacy = source(tmp_path, table("csv", "t.csv", *AB), t__csv=b'a,b\n"1\n1",2\n3\n4,5,6\n\n7,8\n')
    error = refused(legacy)
    assert error.code == "D628"
    assert "record 2 (line 4): 1 cells instead of 2" in error.detail
    found = census(legacy)["D628", ""]
    assert found.rows == 3
    assert "line 5" in found.detail
    assert "line 6" in found.detail


@pytest.mark.parametrize("data", [b'a,b\n"1"x,2\n', b'a,b\n"1,2\n', b"a,b\n1,2\r3,4\n"])
def test_quotes_out_of_place_are_refused(tmp_path, data):
    """A quote that ends early or never, and a lone CR, are damage: nothing is guessed."""
    legacy = source(tmp_path, table("csv", "t.csv", *AB), t__csv=data)
    assert refused(legacy).code == "D628"
    assert ("D628", "") in census(legacy)


def test_undecodable_bytes_are_all_listed_with_their_place(tmp_path):
    """D611 names table, column, record and byte; the census counts all and reading refuses the table."""
    data = b"a,b\n1,\xd6\xd0\n\xff2,\x80\n3,\xd6\n"
    legacy = source(tmp_path, table("csv", "t.csv", *AB, encoding="gb18030"), t__csv=data)
    error = refused(legacy)
    assert (error.code, error.detail.split(":")[0]) == ("D611", "t.a")
    assert "record 2 (line 3)" in error.detail
    assert "byte 9 " in error.detail
    found = census(legacy)
    assert found["D611", "a"].rows == 1
    assert found["D611", "b"].rows == 2
    assert "byte 12 " in found["D611", "b"].detail
    assert "byte 16 " in found["D611", "b"].detail
    with legacy.snapshot() as snapshot:
        faults = list(legacy.faults(snapshot, legacy.catalog().tables[0]))
    assert sorted((fault.column, fault.row) for fault in faults) == [("a", 1), ("b", 1), ("b", 2)]


def test_faults_far_into_a_file_have_their_place(tmp_path):
    """Record, line and byte are counted through batches and chunks, with line ends inside cells on the way."""
    good = b'1,"x\ny"\n' * 200_000
    data = b"a,b\n" + good + b"2,\xff\n"
    legacy = source(tmp_path, table("csv", "t.csv", *AB), t__csv=data)
    assert f"record 200001 (line 400002): byte {len(data) - 2} " in refused(legacy).detail


def test_headers(tmp_path):
    """A header must have the described names; without described columns it gives them, each once."""
    assert refused(source(tmp_path, table("csv", "t.csv", *AB), t__csv=b"b,a\n1,2\n")).code == "D628"
    assert refused(source(tmp_path, table("csv", "t.csv"), t__csv=b"a,a\n1,2\n")).code == "D628"
    assert rows(source(tmp_path, table("csv", "t.csv", *AB, header="skip"), t__csv=b"x,\xff\n1,2\n")) == [("1", "2")]
    assert rows(source(tmp_path, table("csv", "t.csv", *AB, header="none"), t__csv=b"1,2\n")) == [("1", "2")]
    legacy = source(
        tmp_path, table("csv", "t.csv", encoding="gbk", key=["编号"]), t__csv="编号,姓名\n1,张三\n".encode("gbk")
    )
    assert [c.name for c in legacy.catalog().tables[0].columns] == ["编号", "姓名"]
    assert rows(legacy) == [("1", "张三")]


def test_several_files_make_one_table(tmp_path):
    """Files of a pattern are read in order of name, each with its header."""
    legacy = source(tmp_path, table("csv", "p-*.csv", *AB), **{"p-2__csv": b"a,b\n3,4\n", "p-1__csv": b"a,b\n1,2\n"})
    assert rows(legacy) == [("1", "2"), ("3", "4")]


def test_nul_bytes_are_carried_and_listed(tmp_path):
    """0x00 in a text stays and is D612 for the census; in a number it is no number."""
    legacy = source(tmp_path, table("csv", "t.csv", column("a", "integer"), column("b")), t__csv=b"a,b\n1,x\0y\n")
    assert rows(legacy) == [("1", "x\0y")]
    assert census(legacy)["D612", "b"].rows == 1


def test_no_rows_and_no_bytes(tmp_path):
    """A header alone is an empty table; an empty file lacks its header."""
    assert rows(source(tmp_path, table("csv", "t.csv", *AB), t__csv=b"a,b\n")) == []
    assert refused(source(tmp_path, table("csv", "t.csv", *AB), t__csv=b"")).code == "D628"


def test_wide_rows_make_small_blocks(tmp_path):
    """Blocks stay about a quarter of a megabyte, and rows whole."""
    wide = ",".join(["x" * 5_000] * 2).encode()
    legacy = source(tmp_path, table("csv", "t.csv", *AB), t__csv=b"a,b\n" + (wide + b"\n") * 1_000)
    with legacy.snapshot() as snapshot:
        sizes = [len(block.data) for block in snapshot.blocks(reading(legacy.catalog().tables[0]))]
    assert max(sizes) < 300_000
    assert sum(sizes) == 1_000 * (10_000 + 6)
