"""Declared encodings: exact, or refused at the byte."""

import subprocess

import pytest

from formats.charsets import PRIVATE, charset
from formats.errors import UsageError
from migration.legacy.private_use import parse
from tests.parts import need

CHANGED = [
    "A6D9",
    "A6DA",
    "A6DB",
    "A6DC",
    "A6DD",
    "A6DE",
    "A6DF",
    "A6EC",
    "A6ED",
    "A6F3",
    "FE59",
    "FE61",
    "FE66",
    "FE67",
    "FE6D",
    "FE7E",
    "FE90",
    "FEA0",
]


def test_the_2022_edition_reads_the_changed_pairs_as_iconv_does():
    """The 18 pairs of GB 18030-2022, and A8BC of 2005, are what glibc's iconv makes of them."""
    data = bytes.fromhex("".join([*CHANGED, "A8BC"]))
    found = subprocess.run([need("iconv"), "-f", "GB18030", "-t", "UTF-8"], input=data, capture_output=True, check=True)
    assert charset("gb18030-2022").decode(data) == found.stdout.decode()
    assert not PRIVATE.search(found.stdout.decode())


def test_editions_differ():
    """A6D9 is private in 2000 and 2005 and standard in 2022; A8BC only in 2000 private."""
    data = bytes.fromhex("A6D9A8BC")
    assert charset("gb18030-2000").decode(data) == "\ue78d\ue7c7"
    assert charset("gb18030").decode(data) == charset("gb18030-2005").decode(data) == "\ue78d\u1e3f"
    assert charset("gb18030-2022").decode(data) == "\ufe10\u1e3f"


@pytest.mark.parametrize("name", ["gb18030-2000", "gb18030-2005"])
def test_the_whole_of_gb18030_is_decoded_without_loss(name):
    """Every code point of the basic plane that is no half comes back through the older editions' bytes."""
    text = "".join(map(chr, (*range(0x80, 0xD800), *range(0xE000, 0x10000))))
    back = charset(name).decode(text.encode("gb18030"))
    changed = {"\ue7c7": "\u1e3f"} if name == "gb18030-2005" else {}
    assert back == "".join(changed.get(character, character) for character in text)


def test_cp936_reads_what_windows_wrote():
    """The euro sign at 0x80, 0xFF, and user-defined areas, which Python's gbk refuses, come out; rubbish does not."""
    windows = charset("cp936")
    assert windows.decode(b"\x80\xd6\xd0\xaa\xa1\xff") == "€中\ue000\uf8f5"
    with pytest.raises(UnicodeDecodeError):
        windows.decode(b"\xd6\xd0\x81\n")
    with pytest.raises(UnicodeDecodeError):
        charset("gbk").decode(b"\xaa\xa1")


@pytest.mark.parametrize("data", [b"\x80", b"\xff", b"\xd6", b"a\x81 b"])
def test_gb18030_refuses_bytes_that_are_none(data):
    """A lone 0x80, 0xFF or half a character is an error, not a question mark."""
    with pytest.raises(UnicodeDecodeError):
        charset("gb18030").decode(data)


def test_marks_name_every_bad_byte():
    """`marked` gives the text around bad bytes and the place of each."""
    text, places = charset("gb18030").marked(b"\xd6\xd0\xffab\x80\xb9\xfa")
    assert (text, places) == ("中\udcffab\udc80国", [2, 5])


def test_a_column_is_decoded_cell_by_cell_where_a_border_cuts_a_character():
    """Half a character at a cell's end does not join with the next cell; line ends inside cells stay."""
    gbk = charset("gbk")
    assert gbk.column([b"\xd6", b"\xd0"]) == (["\udcd6", "\udcd0"], {0: 0, 1: 0})
    assert gbk.column([b"a\nb", b"\xd6\xd0"]) == (["a\nb", "中"], {})
    assert gbk.column([b"", b"\xd6\xd0"]) == (["", "中"], {})


def test_an_unknown_encoding_is_refused():
    """Only the listed names are encodings; nothing is guessed."""
    with pytest.raises(UsageError) as raised:
        charset("ansi")
    assert raised.value.code == "D629"


def test_the_sites_table_by_code_point_and_by_bytes():
    """Both ways of naming a private-use character lead to the character that it stands for."""
    gbk = charset("cp936")
    found = parse("site.csv", "U+E001,䶮\nAAA1,𠂇\n", gbk)
    assert charset("cp936", found).decode(bytes.fromhex("AAA1AAA2")) == "𠂇䶮"


@pytest.mark.parametrize(
    "text", ["U+4E00,一", "U+E000", "U+E000,", "U+E000,a\nAAA1,b", "XYZ,a", "U+E000,\ue001", "D6D0,中"]
)
def test_a_wrong_table_of_the_site_is_refused(text):
    """Characters that are not private, missing columns, a character twice, unreadable replacements: D629 with line."""
    with pytest.raises(UsageError) as raised:
        parse("site.csv", text, charset("cp936"))
    assert raised.value.code == "D629"
    assert "site.csv line" in raised.value.detail
