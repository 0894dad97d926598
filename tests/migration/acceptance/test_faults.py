"""Faults planted in a target: `jiexu migrate verify` ends with 4 and names table, key and column of each."""

from pathlib import Path

import pytest

from flows.relocation import PROOF
from formats.digest import sha256
from tests.command_line import Call
from tests.flows.conftest import call
from tests.flows.homes_of_migration import old_database
from tests.migration.acceptance import writing
from tests.migration.acceptance.places import ENGINES, Places

__all__ = ["call"]


def row(line: str) -> str:
    """What is shown of a row of a table without a key, from its canonical line."""
    return "row " + sha256(f"{line}\n".encode())[:12]


Named = list[tuple[str, str, str, str]]
# What somebody does to the target, and what is to be named: code, table, key, column.
FAULTS: dict[str, tuple[list[str], Named]] = {
    "a cent": (
        ["UPDATE contribution SET base = base + 0.01 WHERE person = 7 AND month = '202403'"],
        [("D663", "contribution", '"7","202403"', "base")],
    ),
    "a character": (["UPDATE person SET name = '王小七' WHERE id = 7"], [("D663", "person", '"7"', "name")]),
    "a blank at the end": (["UPDATE person SET name = '王小7 ' WHERE id = 7"], [("D663", "person", '"7"', "name")]),
    "a day": (["UPDATE person SET born = '1953-05-17' WHERE id = 40"], [("D663", "person", '"40"', "born")]),
    "NULL": (["UPDATE person SET id_number = NULL WHERE id = 3"], [("D663", "person", '"3"', "id_number")]),
    "empty for NULL": (
        ["UPDATE note SET text = '' WHERE text IS NULL"],
        [("D661", "note", row("NULL"), ""), ("D664", "note", row('""'), "")],
    ),
    "NULL in words": (
        ["UPDATE note SET text = 'NULL' WHERE text IS NULL"],
        [("D661", "note", row("NULL"), ""), ("D664", "note", row('"NULL"'), "")],
    ),
    "a row lost": (
        ["DELETE FROM contribution WHERE person = 40 AND month = '202412'"],
        [("D661", "contribution", '"40","202412"', "")],
    ),
    "the last row lost": (
        ["DELETE FROM contribution WHERE person = 40", "DELETE FROM person WHERE id = 40"],
        [
            ("D661", "person", '"40"', ""),
            *(("D661", "contribution", f'"40","2024{month:02}"', "") for month in range(1, 13)),
        ],
    ),
    "a row lost without a key": (["DELETE FROM note WHERE text = ''"], [("D661", "note", row('""'), "")]),
    "a row too many": (["INSERT INTO person VALUES (41, 'x', NULL, NULL)"], [("D662", "person", '"41"', "")]),
    "a row doubled": (["INSERT INTO note VALUES ('alpha')"], [("D664", "note", row('"alpha"'), "")]),
    "two values swapped": (
        ["UPDATE person SET name = CASE id WHEN 1 THEN '王小2' ELSE '王小1' END WHERE id IN (1, 2)"],
        [("D663", "person", '"1"', "name"), ("D663", "person", '"2"', "name")],
    ),
    "two columns swapped": (
        ["UPDATE contribution SET kind = '2' WHERE person = 9 AND month = '202402'",
         "UPDATE contribution SET kind = '1' WHERE person = 9 AND month = '202401'"],
        [("D663", "contribution", '"9","202401"', "kind"), ("D663", "contribution", '"9","202402"', "kind")],
    ),
    "a key changed": (
        ["DELETE FROM contribution WHERE person = 5",
         "UPDATE person SET id = 50 WHERE id = 5"],
        [
            ("D661", "person", '"5"', ""),
            ("D662", "person", '"50"', ""),
            *(("D661", "contribution", f'"5","2024{month:02}"', "") for month in range(1, 13)),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("engine", ENGINES)
def test_every_fault_is_found_and_named(engine: str, places: Places, home: Path, call: Call) -> None:
    """Cents, characters, blanks, NULLs, rows lost, added, doubled, values swapped: one after the other, each repaired.

    Values are never printed; an untouched target and a repaired one are equal.
    """
    there, run = places.fresh(engine), places.run()
    source = old_database(places.folder / "old.db")
    words = ["--source", source, "--target", there, "--proof", run, "--by", "staff-1", "--no-keep"]
    assert call("-C", home, "migrate", "run", "--engine", "direct", *words).status == 0
    schema = "public." if engine == "postgresql" else ""
    for fault, (statements, named) in FAULTS.items():
        assert call("-C", home, "migrate", "verify", run / PROOF).status == 0, f"before {fault}"
        undo = Undo(there)
        writing.run(there, *statements)
        told = call("-C", home, "migrate", "verify", run / PROOF, "--json")
        found = [
            (d["code"], d["table"].removeprefix(schema), d["key"], d["column"]) for d in told.document["differences"]
        ]
        assert (told.status, told.document["verdict"]) == (4, "differs"), fault
        assert sorted(found) == sorted(named), fault
        assert "王小" not in told.out + told.err
        undo.all()
    assert call("-C", home, "migrate", "verify", run / PROOF).status == 0


class Undo:
    """The rows of a target as they are now, to be put back."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._rows = {name: writing.rows(url, name) for name in ("person", "contribution", "note")}

    def all(self) -> None:
        """Put them back."""
        writing.run(self._url, *(f"DELETE FROM {name}" for name in ("note", "contribution", "person")))
        for name, rows in self._rows.items():
            writing.fill(self._url, name, rows)
