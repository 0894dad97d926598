"""What a look at every row finds."""

from tests.migration.legacy.folders import census, column, rows, source, table

KEYED = column("id", "integer"), column("name", length=8), column("born", "date", format="YYYYMMDD")
HEAD = b"id,name,born\n"


def csv_table(*columns, **options):
    """A table of delimited rows in GB 18030."""
    return table("csv", "t.csv", *columns, **{"encoding": "gb18030", **options})


def test_a_clean_table_has_no_oddities(tmp_path):
    """Nothing is said about values that carry as they are."""
    data = HEAD + "1,张三,20000101\n2,李四,\n".encode("gb18030")
    assert census(source(tmp_path, csv_table(*KEYED, key=["id"]), t__csv=data)) == {}


def test_every_row_that_can_not_be_carried_is_counted_with_its_key(tmp_path):
    """Dates, widths, kinds and keys are counted in full, by column, with the keys of the rows and without values."""
    data = HEAD + b"1,abcdefghi,20000230\n2,b,00000000\nx,c,\n,d,\n5,e,20000101\n"
    found = census(source(tmp_path, csv_table(*KEYED, key=["id"]), t__csv=data))
    assert {place: oddity.rows for place, oddity in found.items()} == {
        ("D613", "born"): 2,
        ("D614", "name"): 1,
        ("D615", "id"): 1,
        ("D616", "id"): 1,
    }
    assert found["D613", "born"].keys == (("1",), ("2",))
    assert found["D615", "id"].keys == (("t.csv record 3 (line 4)",),)
    assert "00000000" not in "".join(oddity.detail for oddity in found.values())


def test_keys_that_occur_twice(tmp_path):
    """Equal canonical keys are D616, however they are written; the later rows are the surplus."""
    data = HEAD + b"1,a,\n2,b,\n01,c,\n1,d,\n"
    found = census(source(tmp_path, csv_table(*KEYED, key=["id"]), t__csv=data))
    assert found["D616", ""].rows == 2
    assert found["D616", ""].detail == "1 keys occur more than once"
    assert found["D616", ""].keys == (("t.csv record 3 (line 4)",), ("t.csv record 4 (line 5)",))


def test_private_use_characters_are_listed_and_mapped(tmp_path):
    """Each one is counted with its keys, says what it stands for, and comes out mapped or as it is, never dropped."""
    data = HEAD + b"1,\xaa\xa1\xaa\xa1,\n2,x\xaa\xa2,\n3,\xaa\xa1,\n"
    described = csv_table(*KEYED, key=["id"], private_use="site.csv")
    legacy = source(tmp_path, described, t__csv=data, site__csv="AAA1,䶮\n".encode())
    table_found = legacy.catalog().tables[0]
    with legacy.snapshot() as snapshot:
        found = [o for o in legacy.census(snapshot, table_found) if o.code == "D619"]
    assert [(oddity.detail.split(";")[0], oddity.rows) for oddity in found] == [
        ("U+E000 stands for 䶮", 2),
        ("U+E001 not in the site's table", 1),
    ]
    assert found[0].keys == (("1",), ("3",))
    assert [row[1] for row in rows(legacy)] == ["䶮䶮", "x\ue001", "䶮"]


def test_utf8_declared_as_gb18030_is_suspected(tmp_path):
    """UTF-8 Cyrillic and Chinese decode as GB 18030 without error: the census warns by column."""
    words = ["Привет", "Россия", "Москва", "Волга"]
    data = HEAD + "".join(f"{at},{word},\n" for at, word in enumerate(words)).encode()
    legacy = source(tmp_path, csv_table(column("id"), column("name"), column("born")), t__csv=data)
    assert rows(legacy)
    assert census(legacy)["D624", "name"].rows == 4


def test_many_rare_characters_are_suspected(tmp_path):
    """Big5 text read as GB 18030 has many rare characters: the census warns."""
    words = ["臺灣省政府", "勞工保險局", "戶籍謄本", "健康檢查"]
    data = HEAD + "".join(f"{at},{word},\n" for at, word in enumerate(words)).encode("big5")
    legacy = source(tmp_path, csv_table(column("id"), column("name"), column("born")), t__csv=data)
    with legacy.snapshot() as snapshot:
        found = legacy.census(snapshot, legacy.catalog().tables[0])
    assert "rare" in next(oddity.detail for oddity in found if oddity.code == "D624")


def test_floats_that_few_hold(tmp_path):
    """NaN and infinities are D618, minus zero D620."""
    legacy = source(tmp_path, csv_table(column("f", "float")), t__csv=b"f\nNaN\n-Infinity\n-0\n1\n")
    found = census(legacy)
    assert (found["D618", "f"].rows, found["D620", "f"].rows) == (2, 1)
