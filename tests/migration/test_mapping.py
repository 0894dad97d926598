"""A site's mapping file."""

import pytest

from formats.errors import UsageError
from migration import mapping

WHOLE = """
[types]
"numeric" = "numeric(20,4)"
[columns]
"public.person.id_number" = "varchar(18)"
[names]
"public.order" = "orders"
[leave]
"public.tmp" = "scratch table"
[values]
zero-date = "null"
[[convert]]
name = "kinds"
column = "public.contrib.kind"
values = { "1" = "110" }
[[convert]]
name = "offices"
column = "public.contrib.office"
file = "offices.csv"
otherwise = "keep"
"""


def test_a_whole_file_is_read() -> None:
    """Every section comes out as it stands; conversions come from the file itself or from one beside it."""
    assert mapping.named_files(WHOLE) == ("offices.csv",)
    found = mapping.parse(WHOLE, {"offices.csv": "01,101\n02,102\n"})
    assert found.types == {"numeric": "numeric(20,4)"}
    assert found.leave == {"public.tmp": "scratch table"}
    assert found.values == {"zero-date": "null"}
    assert [(one.name, dict(one.values), one.otherwise) for one in found.conversions] == [
        ("kinds", {"1": "110"}, "refuse"),
        ("offices", {"01": "101", "02": "102"}, "keep"),
    ]


def test_nothing_is_decided_by_an_empty_file() -> None:
    """An empty file is the mapping without a file."""
    assert mapping.parse("") == mapping.Mapping()


@pytest.mark.parametrize(
    "text",
    [
        "a b",
        "[nothing]",
        "[types]\na = 1",
        "types = 1",
        '[values]\nzero = "null"',
        "[convert]",
        "[[convert]]",
        '[[convert]]\nname = "a"\ncolumn = "b"\nvalues = { "1" = 2 }',
        '[[convert]]\nname = "a"\ncolumn = "b"\nvalues = {}',
        '[[convert]]\nname = "a"\ncolumn = "b"\nvalues = { "1" = "2" }\notherwise = "guess"',
        '[[convert]]\nname = "a"\ncolumn = "b"\nvalues = { "1" = "2" }\nmore = 1',
    ],
)
def test_a_wrong_file_is_refused(text: str) -> None:
    """Unknown sections and words, values of another type and empty conversions are D603."""
    with pytest.raises(UsageError, match="D603"):
        mapping.parse(text)


@pytest.mark.parametrize("listed", ["1,2,3\n", "1\n", "1,2\n1,3\n", ""])
def test_a_wrong_list_is_refused(listed: str) -> None:
    """A list beside the file has two columns, each old value once, and at least one: else D603."""
    with pytest.raises(UsageError, match="D603"):
        mapping.parse('[[convert]]\nname = "a"\ncolumn = "b"\nfile = "x.csv"', {"x.csv": listed})


@pytest.mark.parametrize("name", ["/etc/passwd", "../x.csv", "a/../../x.csv"])
def test_a_list_lies_beside_the_file(name: str) -> None:
    """A file elsewhere is never named."""
    with pytest.raises(UsageError, match="D603"):
        mapping.named_files(f'[[convert]]\nname = "a"\ncolumn = "b"\nfile = "{name}"')
