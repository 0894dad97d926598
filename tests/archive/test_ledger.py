"""The ledger's database: made, opened, upgraded, refused; and its cases."""

import sqlite3
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from archive import cases, journal
from archive import ledger as ledger_module
from archive.case import State
from archive.cases import NewCase
from archive.ledger import VERSION, Ledger
from archive.revisions import configuration
from archive.tables import VERSION_TABLE
from archive.upkeep_tables import metadata
from formats.errors import UnreachableError, UsageError
from formats.messages import STAGES, Finding
from tests.archive.stories import KINDS, NOW, OFFICE, PARTNER, approved, opened, state


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    """A new ledger on each database."""
    with Ledger.create(database_url) as made:
        yield made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a ledger in SQLite may be."""
    return tmp_path / "ledger.db"


def _tamper(url: str, statement: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def test_a_new_ledger_can_be_opened(database_url: str) -> None:
    """Create, close, open."""
    Ledger.create(database_url).close()
    with Ledger.open(database_url) as ledger:
        assert cases.listing(ledger) == ()


def test_no_ledger_is_made_over_another(database_url: str) -> None:
    """A second create is S414, and the ledger that is there stays."""
    with Ledger.create(database_url) as ledger:
        numbers = opened(ledger)
        with pytest.raises(UsageError, match="S414"):
            Ledger.create(database_url)
        assert state(ledger, numbers[0]) == "open"


def test_an_empty_database_is_no_ledger(database_url: str, file: Path) -> None:
    """Where no ledger was made there is none: S402."""
    file.with_name("test.db").touch()
    for act in (Ledger.open, Ledger.upgrade):
        with pytest.raises(UsageError, match="S402"):
            act(database_url)


def test_a_missing_file_is_not_made_by_opening(file: Path) -> None:
    """Opening makes nothing: S402."""
    with pytest.raises(UsageError, match="S402"):
        Ledger.open(f"sqlite:///{file}")
    assert not file.exists()


@pytest.mark.parametrize("version", ["0000", "9999"])
def test_another_version_is_refused(database_url: str, version: str) -> None:
    """An older or newer ledger is S410, not misread."""
    Ledger.create(database_url).close()
    _tamper(database_url, f"UPDATE {VERSION_TABLE} SET version_num = '{version}'")
    with pytest.raises(UsageError, match="S410"):
        Ledger.open(database_url)


def test_a_newer_ledger_is_not_upgraded(database_url: str) -> None:
    """Upgrading does not go backwards: S410."""
    Ledger.create(database_url).close()
    _tamper(database_url, f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    with pytest.raises(UsageError, match="S410"):
        Ledger.upgrade(database_url)


def test_upgrading_what_is_new_changes_nothing(database_url: str) -> None:
    """An upgrade may be repeated; it says the version."""
    with Ledger.create(database_url) as ledger:
        numbers = opened(ledger)
    assert Ledger.upgrade(database_url) == VERSION
    with Ledger.open(database_url) as ledger:
        assert state(ledger, numbers[0]) == "open"


def test_the_revisions_make_what_the_tables_say(ledger: Ledger) -> None:
    """The schema that the revisions make is that of tables.py, and the newest revision is the program's version."""
    with ledger.writing() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE, "compare_server_default": True}
        )
        assert compare_metadata(context, metadata) == []
        scripts = ScriptDirectory.from_config(configuration(connection))
        assert scripts.get_heads() == [VERSION]


@pytest.mark.parametrize("url", ["nonsense", "mysql://h/d", "sqlite://", "postgresql+nodriver:///d"])
def test_an_impossible_url_is_a_configuration_error(url: str) -> None:
    """What can be no ledger is S401."""
    with pytest.raises(UsageError, match="S401"):
        Ledger.open(url)


def test_a_database_that_does_not_answer_is_retryable() -> None:
    """No server there: S409, and trying again may help."""
    with pytest.raises(UnreachableError, match="S409") as raised:
        Ledger.open("postgresql+psycopg://nobody@/none?host=/nonexistent")
    assert raised.value.retryable


def test_a_file_that_is_no_database_has_a_code(file: Path) -> None:
    """Garbage is S409 with the database's own word for it."""
    file.write_bytes(b"not a database" * 100)
    with pytest.raises(UnreachableError, match="SQLITE_NOTADB"):
        Ledger.open(f"sqlite:///{file}")


def test_only_the_office_may_read_the_file(file: Path) -> None:
    """Mode 0600, for the side files too."""
    with Ledger.create(f"sqlite:///{file}") as ledger:
        opened(ledger)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in file.parent.glob("ledger.db*")}
    assert modes == {"ledger.db": 0o600, "ledger.db-wal": 0o600, "ledger.db-shm": 0o600}


def test_sqlite_flushes_every_commit(file: Path) -> None:
    """Write-ahead log, full flushes, foreign keys, and a writer that takes the lock at once."""
    with Ledger.create(f"sqlite:///{file}") as ledger, ledger.writing() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
        assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
        other = sqlite3.connect(file, timeout=0)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.close()


def test_a_lock_that_is_not_given_is_retryable(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that waits too long is S409."""
    monkeypatch.setattr(ledger_module, "_WAIT", 0.1)
    url = f"sqlite:///{file}"
    with (
        Ledger.create(url) as ledger,
        Ledger.open(url) as other,
        ledger.writing(),
        pytest.raises(UnreachableError, match="S409"),
        other.writing(),
    ):
        pytest.fail("two writers at once")


def test_a_writer_waits_for_its_turn(ledger: Ledger) -> None:
    """Case numbers given out by threads at once are all different."""
    numbers: list[str] = []
    threads = [
        threading.Thread(target=lambda: numbers.extend(cases.number_cases(ledger, OFFICE, 5, NOW))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == [f"{OFFICE}-2026-{serial:06}" for serial in range(1, 21)]


def test_a_failed_transaction_leaves_nothing(ledger: Ledger) -> None:
    """An error in the middle undoes all of it, the journal too."""
    before = journal.head(ledger)
    numbers = cases.number_cases(ledger, OFFICE, 2, NOW)
    new = [NewCase(number, PARTNER, "P1", KINDS) for number in (*numbers, numbers[0])]
    with pytest.raises(UsageError, match="S411"):
        cases.open_cases(ledger, new, "staff-0", NOW)
    assert cases.listing(ledger) == ()
    assert journal.head(ledger) == before


def test_errors_quote_no_values(ledger: Ledger) -> None:
    """What a person typed does not get into an error's text."""
    with pytest.raises(UnreachableError) as raised, ledger.reading() as connection:
        connection.execute(text("SELECT * FROM nowhere WHERE name = :name"), {"name": "周明远"})
    assert "周明远" not in str(raised.value)
    assert raised.value.__suppress_context__


def test_a_case_goes_through_its_stages(ledger: Ledger) -> None:
    """Each stage is signed by its person; after the last the case is approved and says who signed what, in order."""
    (number,) = opened(ledger)
    for place, stage in enumerate(STAGES):
        assert state(ledger, number) == "open"
        cases.approve(ledger, [number], stage, f"staff-{place}", NOW)
    row = cases.find(ledger, number)
    assert row.state is State.APPROVED
    assert [approval.stage for approval in row.approvals] == list(STAGES)
    assert [approval.person for approval in row.approvals] == [f"staff-{place}" for place in range(4)]
    assert row.kinds == KINDS
    assert row.approvals[0].at == "2026-11-22T08:00:00Z"


def test_nobody_signs_two_stages(ledger: Ledger) -> None:
    """The same person a second time is S413, and nothing of the batch is signed."""
    numbers = opened(ledger, 2)
    cases.approve(ledger, numbers[1:], STAGES[0], "staff-1", NOW)
    cases.approve(ledger, numbers[:1], STAGES[0], "staff-2", NOW)
    with pytest.raises(UsageError, match="S413"):
        cases.approve(ledger, numbers, STAGES[1], "staff-1", NOW)
    assert all(len(row.approvals) == 1 for row in cases.listing(ledger))


def test_stages_have_an_order(ledger: Ledger) -> None:
    """A stage that is not the next one, or none at all, is S411."""
    (number,) = opened(ledger)
    for stage in (STAGES[1], "nobody"):
        with pytest.raises(UsageError, match="S411"):
            cases.approve(ledger, [number], stage, "staff-1", NOW)
    cases.approve(ledger, [number], STAGES[0], "staff-1", NOW)
    with pytest.raises(UsageError, match="S411"):
        cases.approve(ledger, [number], STAGES[0], "staff-2", NOW)


def test_the_configured_stages_are_enough(ledger: Ledger) -> None:
    """With fewer stages configured, the last of them approves."""
    (number,) = opened(ledger)
    cases.approve(ledger, [number], "reviewer", "staff-1", NOW, ("reviewer",))
    assert state(ledger, number) == "approved"


def test_an_unknown_case_is_named(ledger: Ledger) -> None:
    """S412, with the number, wherever a case is needed."""
    with pytest.raises(UsageError, match=r"S412.*33010001-2026-000009"):
        cases.find(ledger, "33010001-2026-000009")
    with pytest.raises(UsageError, match=r"S412.*33010001-2026-000009"):
        cases.approve(ledger, ["33010001-2026-000009"], STAGES[0], "staff-1", NOW)


def test_a_released_case_is_approved_anew(ledger: Ledger) -> None:
    """Holding stops an approved case with its reason; releasing opens it without any signature."""
    (number,) = approved(ledger)
    cases.hold(ledger, number, "staff-7", "objection of the person", NOW, (Finding("R001", "/delivery"),))
    row = cases.find(ledger, number)
    assert (row.state, row.why, row.findings) == (
        State.HELD,
        "objection of the person",
        (Finding("R001", "/delivery"),),
    )
    cases.release(ledger, number, "staff-7", "rechecked", NOW)
    row = cases.find(ledger, number)
    assert (row.state, row.why, row.findings, row.approvals) == (State.OPEN, "", (), ())


def test_a_withdrawn_case_is_at_its_end(ledger: Ledger) -> None:
    """Nothing can be done with it: S411, naming the case."""
    (number,) = opened(ledger)
    cases.withdraw(ledger, number, "staff-7", "opened twice", NOW)
    for act in (cases.hold, cases.release, cases.withdraw):
        with pytest.raises(UsageError, match=f"S411.*{number}"):
            act(ledger, number, "staff-7", "again", NOW)


def test_a_number_is_opened_once(ledger: Ledger) -> None:
    """A number that is taken is S411, even towards another partner."""
    numbers = opened(ledger)
    with pytest.raises(UsageError, match="S411"):
        cases.open_cases(ledger, [NewCase(numbers[0], "11010001", "P2", KINDS)], "staff-0", NOW)


def test_numbers_run_by_year_and_office(ledger: Ledger) -> None:
    """Each year and office counts from 1; what is no office is S401."""
    assert cases.number_cases(ledger, OFFICE, 1, NOW) == ("33010001-2026-000001",)
    assert cases.number_cases(ledger, OFFICE, 1, NOW.replace(year=2027)) == ("33010001-2027-000001",)
    assert cases.number_cases(ledger, PARTNER, 1, NOW) == ("44030001-2026-000001",)
    with pytest.raises(UsageError, match="S401"):
        cases.number_cases(ledger, "office", 1, NOW)


def test_listing_and_counts_choose(ledger: Ledger) -> None:
    """By state, partner and direction; the counts agree."""
    first = opened(ledger, 2)
    second = approved(ledger, 1, "11010001")
    assert [row.case for row in cases.listing(ledger)] == [*first, *second]
    assert [row.case for row in cases.listing(ledger, state="approved")] == list(second)
    assert [row.case for row in cases.listing(ledger, partner=PARTNER, direction="out")] == list(first)
    assert cases.listing(ledger, direction="in") == ()
    assert cases.counts(ledger) == {("out", State.OPEN): 2, ("out", State.APPROVED): 1}


def test_ten_thousand_cases_take_seconds(tmp_path: Path) -> None:
    """Opening and approving is done in batches, not row by row (a rough guard; it takes about two seconds)."""
    with Ledger.create(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        start = time.perf_counter()
        approved(ledger, 10_000)
        assert time.perf_counter() - start < 15
        assert len(cases.listing(ledger, state="approved")) == 10_000
