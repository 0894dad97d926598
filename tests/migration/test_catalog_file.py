"""Catalogs as files."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from formats.errors import IntegrityError
from migration import catalog_file
from migration.catalog import Catalog, Kind, Oddity, TableName
from tests.migration.holdings import PERSON, catalog, column, table


@settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)
@given(st.builds(Catalog))
def test_a_file_gives_the_catalog_back(found: Catalog) -> None:
    """What is written is read as the same catalog, without the keys of its oddities; its digest says no less."""
    again = catalog_file.decode(catalog_file.encode(found))
    assert again == catalog_file.without_keys(found)
    assert catalog_file.encode(again) == catalog_file.encode(found)
    assert catalog_file.digest(again) == catalog_file.digest(found)


def test_no_key_of_a_row_stands_in_the_file() -> None:
    """Keys of rows are in the operator's list alone, one line each."""
    odd = Oddity("D615", PERSON, "born", 2, "a text", (("110101199003074258",), ('a"b', "c")))
    found = catalog("sqlite", table("person", column("born", Kind.DATE, "date")), oddities=[odd])
    assert b"110101" not in catalog_file.encode(found)
    assert catalog_file.oddities_csv(found).decode().splitlines() == [
        "code,place,rows,detail,key",
        "D615,person.born,2,a text,110101199003074258",
        'D615,person.born,2,a text,"a""b | c"',
    ]


def test_an_oddity_without_keys_has_one_line() -> None:
    """What concerns a whole table is one line of the operator's list."""
    found = catalog("mariadb", oddities=[Oddity("D621", TableName("", "log"))])
    assert catalog_file.oddities_csv(found).decode().splitlines()[1:] == ["D621,log,0,,"]


def _altered(**changes: object) -> bytes:
    document = json.loads(catalog_file.encode(catalog("sqlite", table("person"))))
    document["value"].update(changes)
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() + b"\n"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"format":"urn:jiexu:migration:plan:1","value":{}}\n',
        _altered(tables=1),
        _altered(tables=[{}]),
        _altered(engine=None),
        _altered(extra=1),
        _altered().replace(b'"kind":"integer"', b'"kind":"nothing"'),
        _altered().replace(b'"nullable":false', b'"nullable":0'),
        _altered().replace(b",", b", "),
        _altered()[:-1],
    ],
)
def test_other_bytes_are_no_catalog(data: bytes) -> None:
    """Whatever `encode` did not write is D604, also the same values written in another way."""
    with pytest.raises(IntegrityError, match="D604"):
        catalog_file.decode(data)


def test_a_digest_tells_catalogs_apart() -> None:
    """One column more or another type is another digest."""
    digests = {
        catalog_file.digest(catalog("sqlite", *tables))
        for tables in ((), (table("a"),), (table("a", column("b", Kind.TEXT, "text")),), (table("b"),))
    }
    assert len(digests) == 4
