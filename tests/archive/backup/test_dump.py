"""The ledger as text: from any database into any other, the same bytes."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert

from archive import cases, journal
from archive.backup import dump
from archive.cases import NewCase
from archive.ledger import Ledger
from archive.tables import VERSION_TABLE, members, originals
from archive.upkeep_tables import metadata, tombstones
from formats.errors import IntegrityError, UsageError
from tests.archive.stories import KINDS, NOW, OFFICE, PARTNER, approved


def filled(url: str) -> Ledger:
    """A ledger with something in many tables: non-ASCII text, nulls, findings, words."""
    ledger = Ledger.create(url)
    numbers = approved(ledger, 3)
    cases.hold(ledger, numbers[0], "核对 \u2028 확인", "staff-9", NOW)
    journal.record(ledger, [journal.Entry("2026-11-22T08:00:00Z", "audited", AUDITED, "理由", "how", "who")])
    row = {"digest": "ab" * 32, "kind": "delivery-sent", "direction": "out", "partner": PARTNER, "case_number": "1"}
    with ledger.writing() as connection:
        connection.execute(insert(originals), {**row, "size": 5, "message_id": "m", "kept_at": "t", "entry": 1})
        gone = {**row, "bytes": 2**40, "kept_at": "t", "destroyed": "t", "order_digest": "o", "entry": 1}
        connection.execute(insert(tombstones), gone)
        place = {"segment": 1, "offset": 2**40, "size": 33, "bytes": 5, "kind": "delivery-sent", "entry": 1}
        rows = [{"digest": letter * 64, "place": at, "sha256": "cd", **place} for at, letter in enumerate("fa0")]
        connection.execute(insert(members), rows)
    return ledger


AUDITED = dict.fromkeys(journal.EVENTS["audited"], 0)


def text_of(ledger: Ledger) -> bytes:
    """The whole dump."""
    with ledger.reading() as connection:
        return b"".join(dump.lines(connection))


def taken(url: str, text: bytes) -> Ledger:
    """A new ledger with this in it."""
    ledger = Ledger.create(url)
    with ledger.writing() as connection:
        dump.load(connection, [text[:100], text[100:]])
    return ledger


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Ledger]:
    """A ledger in SQLite."""
    with filled(f"sqlite:///{tmp_path / 'source.db'}") as ledger:
        yield ledger


def test_from_sqlite_to_postgresql_and_back(source: Ledger, postgresql_url: str, tmp_path: Path) -> None:
    """SQLite, PostgreSQL, SQLite: the dumps are the same bytes, and every table is in them."""
    first = text_of(source)
    with taken(postgresql_url, first) as middle:
        second = text_of(middle)
    with taken(f"sqlite:///{tmp_path / 'target.db'}", second) as target:
        assert first == second == text_of(target)
    tables = [line["table"] for line in map(json.loads, first.splitlines()) if "table" in line]
    with sqlite3.connect(tmp_path / "source.db") as database:
        named = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    database.close()
    assert set(tables) == set(metadata.tables) == named - {VERSION_TABLE}


def test_a_restored_ledger_goes_on(source: Ledger, database_url: str) -> None:
    """After a restore the journal holds, the next case and the next entry get the next numbers, on both databases."""
    numbers = [row.case for row in cases.listing(source)]
    with taken(database_url, text_of(source)) as target:
        assert journal.verify(target) == journal.head(source)
        (fresh,) = cases.number_cases(target, OFFICE, 1, NOW)
        cases.open_cases(target, [NewCase(fresh, PARTNER, "P9", KINDS)], "staff-0", NOW)
        assert fresh not in numbers
        assert journal.verify(target).count == journal.head(source).count + 1
        found, old = cases.find(target, numbers[0]), cases.find(source, numbers[0])
        assert (found.state, found.kinds, found.findings) == (old.state, old.kinds, old.findings)


def test_nothing_is_loaded_over_a_ledger(source: Ledger) -> None:
    """A ledger that holds anything is S414, and stays as it was."""
    before = text_of(source)
    with pytest.raises(UsageError, match="S414"), source.writing() as connection:
        dump.load(connection, [before])
    assert text_of(source) == before


def test_a_dump_that_was_cut_or_changed_is_refused(source: Ledger) -> None:
    """Every line left out, and every way of cutting the end off, is A512 (or S410 for the head)."""
    lines = text_of(source).splitlines(keepends=True)
    for place in range(len(lines)):
        with pytest.raises((IntegrityError, UsageError), match=r"A512|S410"):
            list(dump.rows(lines[:place] + lines[place + 1 :]))
        with pytest.raises(IntegrityError, match="A512"):
            list(dump.rows([*lines[:place], lines[place][:-1]]))


@pytest.mark.parametrize("line", [b"{", b"7", b'{"table":"nobody","columns":["x"]}', b"[1]", b"\xff"])
def test_a_line_that_makes_no_sense_is_refused(source: Ledger, line: bytes) -> None:
    """Text that is no JSON, tables nobody knows, rows of another length: A512."""
    first, *rest = text_of(source).splitlines(keepends=True)
    with pytest.raises(IntegrityError, match="A512"):
        list(dump.rows([first, line + b"\n", *rest]))


def test_another_version_of_the_ledger_is_refused(source: Ledger) -> None:
    """A dump of another version is S410, and says which."""
    first, *rest = text_of(source).splitlines(keepends=True)
    other = first.replace(b'"version":"', b'"version":"9')
    with pytest.raises(UsageError, match=r"S410.*version 9"):
        list(dump.rows([other, *rest]))


def test_only_the_wanted_tables_are_given(source: Ledger) -> None:
    """Rows of the tables that were asked for, with their values by column."""
    rows = list(dump.rows([text_of(source)], ["members"]))
    assert [row.values["digest"][0] for row in rows] == ["0", "a", "f"]  # type: ignore[index]
    assert {row.table for row in rows} == {"members"}
    assert rows[0].values["offset"] == 2**40
