"""DBF files that others wrote, from dBASE II to Visual FoxPro, each read in full or refused with its reason."""

import shutil

import pytest

from formats.errors import ServiceError
from migration.catalog import Kind
from migration.engine import Reading
from migration.legacy import LegacySource
from tests.migration.legacy.folders import census, column, reading, rows, source, table
from tests.parts import shared_data


def real(folder, stem: str, *columns: str, encoding: str = "cp1252", **options: object) -> LegacySource:
    """A source over one of the real files, its memo beside it."""
    for path in shared_data("dbf").glob(f"{stem}.*"):
        shutil.copyfile(path, folder / path.name)
    return source(folder, table("dbf", f"{stem}.dbf", *columns, encoding=encoding, **options))


def test_chinese_names_and_texts(tmp_path):
    """A Visual FoxPro file with Chinese column names and texts in GBK."""
    legacy = real(tmp_path, "gbk", encoding="gbk")
    found = rows(legacy)
    assert [c.name for c in legacy.catalog().tables[0].columns] == ["设计编号", "审核信息", "是否打印"]
    assert len(found) == 28
    assert found[0][0] == "201500256-059K-001-001牡丹江林口朝阳"
    assert found[0][2] is None
    assert census(legacy) == {}


def test_a_declared_encoding_that_the_file_contradicts(tmp_path):
    """The language driver byte is compared with the declared encoding: a warning, not a change."""
    assert census(real(tmp_path, "gbk", encoding="gb18030")) == {}
    found = census(real(tmp_path, "dbase_30", encoding="cp437"))
    assert found["D624", ""].detail == "the file's language driver claims cp1252, declared is cp437"


def test_dbase_2(tmp_path):
    """dBASE II has its own header; a number that is a lone point is NULL only if that is declared."""
    with pytest.raises(ServiceError) as raised:
        rows(real(tmp_path, "dbase_02"))
    assert (raised.value.code, "record 8" in raised.value.detail) == ("D615", True)
    found = rows(real(tmp_path, "dbase_02", column("START:PAY", "decimal", precision=8, scale=3, null=["."])))
    assert len(found) == 9
    assert found[0] == (
        *("2", "Stegman", "Joe", "4421 W 166th ST", "LAWNDALE", "90260-", "370-4846", "257-89-9632"),
        *("07/31/82", "  /  /", "TEC", "TCH", "6.000", "6.000"),
    )
    assert [row[-1] for row in found[-3:]] == ["5555.550", None, None]


def test_dbase_3_with_a_name_twice(tmp_path):
    """The second of two equal column names gets a number, and D626 says so."""
    legacy = real(tmp_path, "dbase_03")
    names = [c.name for c in legacy.catalog().tables[0].columns]
    assert (names[0], names[-1], len(set(names))) == ("Point_ID", "Point_ID_2", 31)
    found = rows(legacy)
    assert len(found) == 14
    assert found[0][:11] == (
        "0507121",
        "CMP",
        "circular",
        "12",
        "",
        "no",
        "Good",
        "",
        "2005-07-12",
        "10:56:30am",
        "5.2",
    )
    assert set(census(legacy)) == {("D626", "Point_ID_2")}


def test_visual_foxpro_memos_and_moments(tmp_path):
    """34 rows of 145 columns with memos from the FPT file and timestamps to the millisecond."""
    legacy = real(tmp_path, "dbase_30")
    names = [c.name for c in legacy.catalog().tables[0].columns]
    found = [dict(zip(names, row, strict=True)) for row in rows(legacy)]
    assert (len(found), len(names)) == (34, 145)
    assert found[0]["CLASSES"] == "Domestic Life\r\nWeddings\r\n"
    assert found[0]["UPDATED"] == "2006-04-20 17:13:04.999000"
    assert found[0]["ACQVALUE"] is None
    assert found[0]["CATDATE"] == "1999-03-05"


def test_visual_foxpro_integers_money_and_nulls(tmp_path):
    """Binary integers, currency with four places, and the hidden column of NULL flags, which is no column."""
    legacy = real(tmp_path, "dbase_31")
    found = rows(legacy)
    columns = legacy.catalog().tables[0].columns
    assert len(columns) == 10
    assert [c.name for c in columns if c.identity] == ["PRODUCTID"]
    assert len(found) == 77
    assert found[0] == ("1", "Chai", "1", "1", "10 boxes x 20 bags", "18.0000", "39", "0", "10", "0")
    assert found[37][5] == "263.5000"


def test_dbase_3_memos(tmp_path):
    """Memos of dBASE III, blank as NULL; numbers of 19 digits are decimals without a scale."""
    legacy = real(tmp_path, "dbase_83", key=["ID"])
    found = rows(legacy)
    assert len(found) == 67
    assert found[0][11].startswith("Our Original assortment...a little taste of heaven")
    assert found[0][11].endswith("Raspberry Blanc.")
    identity = legacy.catalog().tables[0].column("ID")
    assert (identity.kind, identity.scale, identity.native, identity.nullable) == (Kind.DECIMAL, 0, "n(19,0)", False)


def test_a_missing_memo_file(tmp_path):
    """Every row whose memo is missing is D628; the other columns can be read without it."""
    legacy = real(tmp_path, "dbase_83_missing_memo")
    assert census(legacy)["D628", ""].rows == 67
    with pytest.raises(ServiceError) as raised:
        rows(legacy)
    assert raised.value.code == "D628"
    whole = reading(legacy.catalog().tables[0])
    rest = Reading(whole.table, tuple(c for c in whole.columns if c.name != "DESC"), ())
    with legacy.snapshot() as snapshot:
        assert sum(block.rows for block in snapshot.blocks(rest)) == 67


def test_dbase_4_memos(tmp_path):
    """Memos with their length before them; floats of 18 places are exact digits, and stay so."""
    found = rows(real(tmp_path, "dbase_8b"))
    assert found[0] == ("One", "1.00", "1970-01-01", "1", "1.234567890123460000", "First memo\r\n")
    assert [row[5] for row in found[1:5]] == ["Second memo", "Thierd memo", "Fourth memo", "Fifth memo"]


def test_dbase_7(tmp_path):
    """The wider header and the turned integers of dBASE 7; its memo file is missing here, which is said."""
    legacy = real(tmp_path, "dbase_8c")
    assert [c.native for c in legacy.catalog().tables[0].columns] == ["+", "c(30)", "c(40)", "n(20,4)", "m", "g"]
    found = census(legacy)
    assert found["D628", ""].rows == 10
