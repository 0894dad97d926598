"""Repair: what an audit finds damaged is put right from a backup, and each repair is in the journal.

1. what a repair that was killed has left in the stage is settled; audit
2. rows: the journal, then what its entries cover (`journal_repair`, `row_repair`), in one transaction
3. files: objects, the readme, open segments, keys (`file_repair`), each renamed to its place when it is right
4. audit again: what is left is named, and why - newer than the backup, or damaged there too - is for a person to see

Nothing that holds is ever replaced, and what is replaced lies in `aside/` afterwards. A repair that is killed is run
again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, select

from archive import journal
from archive.audit import facts
from archive.audit.report import AuditReport, Problem
from archive.backup import file_repair, journal_repair, row_repair
from archive.backup.aside import Aside
from archive.backup.journal_repair import Mended
from archive.backup.place import Place
from archive.backup.restoring import Dump, Opened, fetched_dump
from archive.journal import Entry
from archive.ledger import Ledger
from archive.segments.keys import KeyWrap
from archive.segments.layout import Layout
from archive.tables import segments, utc_text
from formats.errors import IntegrityError

_ROWS = ("A504", "A507", "A510", "A527", "A505", "A501", "A503")  # what damaged rows can show as


@dataclass(frozen=True, slots=True)
class RepairReport:
    """What was found damaged, what was put right from which snapshot, and what is left."""

    snapshot: str
    found: tuple[Problem, ...]
    repaired: tuple[Mended, ...]
    left: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Damaged:
    """The archive that is to be put right; `audit` makes one and gives its report."""

    ledger: Ledger
    archive: Path
    office: str
    wrap: KeyWrap
    audit: Callable[[], AuditReport]


def repair(damaged: Damaged, place: Place, opened: Opened, at: datetime, who: str) -> RepairReport:
    """Put right what can be put right. Raises IntegrityError A509, A512 (the backup itself); UnreachableError."""
    file_repair.sweep(Layout(damaged.archive, damaged.office))
    found = damaged.audit().problems
    if not found:
        return RepairReport(opened.snapshot.id, (), (), ())
    aside = Aside(damaged.archive, utc_text(at))
    mended: list[Mended] = []
    if any(problem.code in _ROWS for problem in found):
        with fetched_dump(place, opened.snapshot, damaged.wrap, damaged.archive) as dumped:
            mended += _rows(damaged, dumped, opened, aside, at, who)
    if any(problem.place for problem in found):
        mended += _files(damaged, place, opened, found, aside, at, who)
    return RepairReport(opened.snapshot.id, found, tuple(mended), damaged.audit().problems)


def _rows(damaged: Damaged, dumped: Dump, opened: Opened, aside: Aside, at: datetime, who: str) -> list[Mended]:
    with damaged.ledger.writing() as connection:
        mended = journal_repair.mend(connection, dumped, opened.snapshot, opened.verifier, aside)
        _record(connection, mended, opened, at, who)
    try:
        journal.verify(damaged.ledger)
    except IntegrityError:
        return mended  # what its entries say of rows proves nothing as long as they do not hold
    with damaged.ledger.writing() as connection:
        # Who keeps and who seals takes the segments' rows first, then the journal's end.
        connection.execute(select(segments.c.n).order_by(segments.c.n).with_for_update())
        journal.lock(connection)
        rows = row_repair.mend(connection, dumped, aside)
        _record(connection, rows, opened, at, who)
    return mended + rows


def _files(
    damaged: Damaged,
    place: Place,
    opened: Opened,
    found: Sequence[Problem],
    aside: Aside,
    at: datetime,
    who: str,
) -> list[Mended]:
    layout = Layout(damaged.archive, damaged.office)
    with damaged.ledger.reading() as connection:
        said = facts.of_journal(connection)
    mended: list[Mended] = []
    places = {problem.place for problem in found}
    with file_repair.mender(place, opened.snapshot, layout, damaged.ledger, said, aside) as mender:
        for item in mender.mend(places):
            with damaged.ledger.writing() as connection:
                _record(connection, [item], opened, at, who)
            mended.append(item)
    return mended


def _record(connection: Connection, mended: Sequence[Mended], opened: Opened, at: datetime, who: str) -> None:
    """Enter repairs in the journal; one whose end is not known takes nothing, and the audit goes on naming it."""
    entries = [
        Entry(
            utc_text(at),
            "repaired",
            {"code": item.code, "subject": item.subject, "snapshot": opened.snapshot.id},
            "damage found by an audit (art. 9)",
            "put right from a backup, compared with the journal",
            who,
        )
        for item in mended
    ]
    try:
        journal.append(connection, *entries)
    except IntegrityError as error:
        if error.code != "A504":
            raise
