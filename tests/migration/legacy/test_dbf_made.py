"""DBF files made by hand: deleted records, damage, and the types that no public file has."""

import struct

import pytest

from formats.errors import ServiceError
from migration.catalog import Kind
from migration.legacy.dbf.values import _double_stamp
from tests.migration.legacy.dbf_files import dbf, fpt
from tests.migration.legacy.folders import census, column, reading, rows, source, table

NAME = [(b"ID", "N", 4, 0, 0), (b"NAME", "C", 6, 0, 0)]
ROWS = [b"    1" + "张三".encode("gbk") + b"  ", b"*   2" + b"gone  ", b"    3" + b"c     "]


def refused(legacy):
    """What reading raises."""
    with pytest.raises(ServiceError) as raised:
        rows(legacy)
    return raised.value


def test_deleted_records_are_left_and_counted(tmp_path):
    """Records marked deleted are not carried unless declared; the census counts and lists them either way."""
    legacy = source(tmp_path, table("dbf", "t.dbf", encoding="gbk", key=["ID"]), t__dbf=dbf(NAME, ROWS))
    assert rows(legacy) == [("1", "张三"), ("3", "c")]
    found = census(legacy)
    assert {place: oddity.rows for place, oddity in found.items()} == {("D625", ""): 1}
    assert found["D625", ""].keys == (("t.dbf record 2",),)


def test_deleted_records_can_be_carried(tmp_path):
    """With `deleted = "carry"` all records come, and a column says which are marked."""
    described = table("dbf", "t.dbf", encoding="gbk", deleted="carry", deleted_column="gone")
    legacy = source(tmp_path, described, t__dbf=dbf(NAME, ROWS))
    assert rows(legacy) == [("1", "张三", "0"), ("2", "gone", "1"), ("3", "c", "0")]
    assert legacy.catalog().tables[0].column("gone").kind is Kind.BOOLEAN
    assert census(legacy)["D624", ""].rows == 1


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (dbf(NAME, ROWS)[:-9], "cut off behind record 2 of 3"),
        (dbf(NAME, ROWS, count=4), "cut off behind record 3 of 4"),
        (dbf(NAME, ROWS, count=2), "more behind the last of its 2"),
        (dbf(NAME, ROWS, tail=b"\x1a" + ROWS[0]), "more behind the last"),
        (dbf(NAME, [b"x   1abcdef"]), "mark of deletion"),
    ],
)
def test_files_with_other_than_their_records(tmp_path, data, what):
    """A cut file, records that the header does not count, and a wrong deletion mark are D628."""
    legacy = source(tmp_path, table("dbf", "t.dbf", encoding="gbk"), t__dbf=data)
    error = refused(legacy)
    assert error.code == "D628"
    assert what in error.detail
    assert ("D628", "") in census(legacy)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x03" * 10,
        b"PK\x03\x04" + bytes(40),
        dbf(NAME, ROWS)[:60],
        dbf(NAME, ROWS).replace(b"\r", b"\0", 1),
        dbf([], []),
        dbf(NAME, [])[:10] + b"\xff\x00" + dbf(NAME, [])[12:],
    ],
)
def test_damaged_headers(tmp_path, data):
    """What is no DBF file, or has a header that is cut or contradicts itself, is refused when it is opened."""
    with pytest.raises(ServiceError) as raised:
        source(tmp_path, table("dbf", "t.dbf", encoding="gbk"), t__dbf=data).catalog()
    assert raised.value.code == "D628"


def test_wrong_values_are_found_by_record(tmp_path):
    """Overflown numbers (`***`) are D615, impossible dates D613, wrong letters D615; blanks and zero bytes are NULL."""
    columns = [(b"N", "N", 5, 2, 0), (b"D", "D", 8, 0, 0), (b"L", "L", 1, 0, 0)]
    records = [
        b"  1.5020240101T",
        b" *****20240230X",
        b"      " + b"        ?",
        b" \0\0\0\0\0\0\0\0\0\0\0\0\0 ",
        b"      00000000F",
    ]
    legacy = source(tmp_path, table("dbf", "t.dbf"), t__dbf=dbf(columns, [r.ljust(15) for r in records]))
    found = census(legacy)
    assert {place: oddity.rows for place, oddity in found.items()} == {
        ("D615", "N"): 1,
        ("D613", "D"): 2,
        ("D615", "L"): 1,
    }
    good = source(tmp_path, table("dbf", "t.dbf"), t__dbf=dbf(columns, [records[0], records[2], records[3]]))
    assert rows(good) == [("1.50", "2024-01-01", "1"), (None, None, None), (None, None, None)]


def test_undecodable_text_is_named_by_byte_of_the_file(tmp_path):
    """The byte is counted from the file's begin, deleted records before it included."""
    data = dbf(NAME, [ROWS[1], b"    9ab\xff   "])
    error = refused(source(tmp_path, table("dbf", "t.dbf", encoding="gbk"), t__dbf=data))
    assert error.code == "D611"
    assert f"record 2: byte {data.index(0xFF)} " in error.detail


def test_a_text_over_255_bytes(tmp_path):
    """Clipper's and FoxPro's long texts keep the upper byte of their length as decimals."""
    data = dbf([(b"LONG", "C", 44, 1, 0)], [b" " + b"x" * 300])
    assert rows(source(tmp_path, table("dbf", "t.dbf"), t__dbf=data)) == [("x" * 300,)]


def test_memos_of_foxpro(tmp_path):
    """Chinese memos, soft line ends where declared, and a pointer that leads nowhere: D628 for that row alone."""
    memo, blocks = fpt(["备注：甲\x8d\n乙".encode("gbk", "ignore").replace(b"\n", b"\x8d\n"), b"", b"last"])
    columns = [(b"ID", "N", 2, 0, 0), (b"M", "M", 10, 0, 0)]
    pointers = [*blocks, 999]
    data = dbf(columns, [b" " + b"%2d" % at + b"%10d" % p for at, p in enumerate(pointers)], version=0xF5)
    assert (
        census(source(tmp_path, table("dbf", "t.dbf", encoding="gbk"), t__dbf=data, t__FPT=memo))["D611", "M"].rows == 1
    )
    legacy = source(tmp_path, table("dbf", "t.dbf", encoding="gbk", soft_returns=True), t__dbf=data, t__FPT=memo)
    found = census(legacy)
    assert list(found) == [("D628", "")]
    assert "record 4: M: the memo at block 999" in found["D628", ""].detail
    good = source(
        tmp_path,
        table("dbf", "t.dbf", encoding="gbk", soft_returns=True),
        t__dbf=dbf(
            columns,
            [b" " + b"%2d" % at + b"%10d" % p for at, p in enumerate(blocks)] + [b" 99" + b" " * 10],
            version=0xF5,
        ),
        t__FPT=memo,
    )
    assert rows(good) == [("0", "备注：甲乙"), ("1", ""), ("2", "last"), ("99", None)]


def test_a_memo_file_that_changes_while_it_is_read(tmp_path):
    """Memo files belong to the state: one that changes is D632."""
    memo, blocks = fpt([b"one"])
    data = dbf([(b"M", "M", 10, 0, 0)], [b" %10d" % blocks[0]], version=0xF5)
    legacy = source(tmp_path, table("dbf", "t.dbf"), t__dbf=data, t__fpt=memo)
    found = legacy.catalog().tables[0]
    with legacy.snapshot() as snapshot:
        (tmp_path / "t.fpt").write_bytes(memo.replace(b"one", b"two"))
        with pytest.raises(ServiceError) as raised:
            list(snapshot.blocks(reading(found)))
    assert raised.value.code == "D632"


def test_binary_types_of_visual_foxpro(tmp_path):
    """Doubles, moments, currency, varying texts and bytes, NULL flags and binary memos."""
    columns = [
        (b"B", "B", 8, 2, 0),
        (b"T", "T", 8, 0, 2),
        (b"Y", "Y", 8, 4, 0),
        (b"V", "V", 6, 0, 2),
        (b"Q", "Q", 4, 0, 0),
        (b"W", "W", 4, 0, 0),
        (b"_NullFlags", "0", 1, 0, 5),
    ]
    memo, (block,) = fpt([b"\x00\xff"])

    def record(double, day, ms, money, varying, binary, pointer, flags):
        return b" " + struct.pack("<diiq6s4sIB", double, day, ms, money, varying, binary, pointer, flags)

    # Bits in the order of the columns: T NULL, V varying, V NULL, Q varying.
    records = [
        record(0.1, 2451545, 3_600_500, -12345, b"ab \0\0\x03", b"\x01\x02\0\x02", block, 0b1010),
        record(-0.0, 0, 0, 0, b"abcdef", b"\x01\x02\x03\x04", 0, 0b0001),
        record(1e20, 0, 0, 1, b"\0" * 6, b"\0" * 4, 0, 0b1110),
    ]
    legacy = source(tmp_path, table("dbf", "t.dbf"), t__dbf=dbf(columns, records, version=0x32), t__fpt=memo)
    assert rows(legacy) == [
        ("0.1", "2000-01-01 01:00:00.500000", "-1.2345", "ab ", "\\x0102", "\\x00ff"),
        ("-0", None, "0.0000", "abcdef", "\\x01020304", None),
        ("1e+20", None, "0.0001", None, "\\x", None),
    ]


def test_moments_that_do_not_exist(tmp_path):
    """A day number beyond the year 9999, or more milliseconds than a day has, is D613."""
    data = dbf(
        [(b"T", "T", 8, 0, 0)],
        [b" " + struct.pack("<ii", 9_999_999, 0), b" " + struct.pack("<ii", 2451545, 86_400_000)],
        version=0x30,
    )
    assert census(source(tmp_path, table("dbf", "t.dbf"), t__dbf=data))["D613", "T"].rows == 2


def test_integers_and_moments_of_dbase_7(tmp_path):
    """Turned integers, empty as NULL, and the public example of `@`."""
    columns = [(b"ID", "+", 4, 0, 0), (b"I", "I", 4, 0, 0), (b"AT", "@", 8, 0, 0)]
    at = bytes.fromhex("42CCB20E0340DF00")
    records = [b" \x80\0\0\x01\x7f\xff\xff\xff" + at, b" \x80\0\0\x02" + bytes(12)]
    legacy = source(tmp_path, table("dbf", "t.dbf"), t__dbf=dbf(columns, records, version=0x04))
    assert rows(legacy) == [("1", "-1", "2000-08-16 17:21:41.310000"), ("2", None, None)]
    assert legacy.catalog().tables[0].column("ID").identity
    assert _double_stamp(struct.pack(">d", 0.5)) == "not a moment"


def test_an_unknown_type_is_never_read(tmp_path):
    """A column of an unknown type does not stop the survey; reading it is D623, for every row."""
    legacy = source(
        tmp_path, table("dbf", "t.dbf"), t__dbf=dbf([(b"A", "C", 1, 0, 0), (b"X", "X", 2, 0, 0)], [b" abb"])
    )
    assert legacy.catalog().tables[0].column("X").kind is Kind.OTHER
    assert refused(legacy).code == "D623"
    assert census(legacy)["D623", "X"].rows == 1


def test_the_description_overrides_the_file(tmp_path):
    """A text may be declared a date or bytes, NULL words and comments added; an unknown column is refused."""
    data = dbf([(b"D", "C", 8, 0, 0), (b"R", "C", 2, 0, 0), (b"N", "C", 3, 0, 0)], [b" 20240101\xff\x00-- "])
    columns = (
        column("D", "date", format="YYYYMMDD"),
        column("R", "bytes"),
        column("N", null=["--"], comment="备注"),
    )
    legacy = source(tmp_path, table("dbf", "t.dbf", *columns), t__dbf=data)
    assert rows(legacy) == [("2024-01-01", "\\xff00", None)]
    found = legacy.catalog().tables[0].columns
    assert [(c.kind, c.native, c.comment) for c in found] == [
        (Kind.DATE, "c(8)", ""),
        (Kind.BYTES, "c(2)", ""),
        (Kind.TEXT, "c(3)", "备注"),
    ]
    with pytest.raises(ServiceError) as raised:
        source(tmp_path, table("dbf", "t.dbf", column("Z")), t__dbf=data).catalog()
    assert raised.value.code == "D629"


def test_several_files_must_have_the_same_columns(tmp_path):
    """Files of one table are read one after the other; another structure is refused."""
    part = {"p1__dbf": dbf(NAME, ROWS[:1]), "p2__dbf": dbf(NAME, ROWS[2:])}
    assert rows(source(tmp_path, table("dbf", "p*.dbf", encoding="gbk"), **part)) == [("1", "张三"), ("3", "c")]
    part["p2__dbf"] = dbf(NAME[:1], [b"    1"])
    with pytest.raises(ServiceError) as raised:
        source(tmp_path, table("dbf", "p*.dbf", encoding="gbk"), **part).catalog()
    assert raised.value.code == "D628"
