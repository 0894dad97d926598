"""The audit: ledger, journal and originals held against each other, in every direction (art. 9(2)).

 1. the journal: every entry, its end, and every signed head                          A504, A510, A527
 2. rows of members, originals, tombstones, gone, segments, holds, lookups, backups,
    witnessed against the journal's entries                                           A507 table and row, or entry
 3. the storage root's own files, the readme object, every object's structure         A506 path
 4. bytes: each segment read once; each member's and the whole tar's digest, what
    stands between members, catalogues, manifests and wrapped keys                    A501, A502 digest; A506 path
 5. `deep`: every original decrypted and compared with its digest; else a sample      A501, A502, A509
 6. every byte its row: files that nothing accounts for                               A503 path
 7. originals without a member; members that nothing in the ledger explains           A501, A503 digest
 8. cases and messages that must have an original and have none                       A505 case

No private key is needed but for 5 and for telling drafts (7) from strangers.

It never stops at the first problem, and what is damaged once is named once. Bytes behind the end of an open segment
are what an interrupted keep left: no problem. Where something does not hold, the ledger is looked at again before it is
said: offices keep, seal and change keys meanwhile.

Within a budget of time the segments that were not read for longest come first, the open ones always last; each segment
read is noted at once, so that an audit that was killed is gone on with by the next.

What is found and what cannot be: any change to a byte that is kept, and to any row that an entry covers, is found as
long as the journal holds. The journal's own end can be cut back unseen to the newest head that somebody else keeps,
as far as nothing else in the ledger or on the disk is newer; that is why heads travel. An open segment's state may read
`sealing`: it is no act, and the next recovery settles it.
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic

from sqlalchemy import exists, func, select

from archive import journal
from archive.audit import belief, cases, drafts, findings, structure
from archive.audit.belief import Belief
from archive.audit.coverage import coverage
from archive.audit.findings import Rows
from archive.audit.pacing import Reading
from archive.audit.report import AuditReport, Problem, Progress, Store
from archive.checkpoints import Checkpoint
from archive.journal import Entry, Head
from archive.ledger import Ledger
from archive.segments.layout import Layout
from archive.tables import members, originals, utc_text
from formats.errors import IntegrityError

_PAGE = 5000  # rows read at once
_WHY = "art. 9(2)"


def audit(
    ledger: Ledger,
    store: Store,
    root: Path,
    *,
    at: datetime,
    who: str = "service",
    budget: timedelta | None = None,
    deep: bool = False,
    sample: int = 3,
    days: int = 90,
    progress: Progress | None = None,
    checkpoints: Iterable[Checkpoint] = (),
    verifier: str = "",
    patience: float = 0.2,
) -> AuditReport:
    """Check everything, or what the budget allows, and enter the audit in the journal.

    A journal that does not hold takes no entry: it is evidence now, and its end may not be where the next one belongs.

    `root` is the archive's folder; `sample` originals a segment are decrypted where `deep` does not ask for all, 0 for
    none; `days` is within which every segment should be read; `checkpoints` are heads that others kept, `verifier` the
    journal's public key; `patience` seconds before what seems wrong is looked at again, because another process may
    be in the middle of writing it. Raises UnreachableError S409 when the ledger does not answer, UsageError S408 when
    `deep` and the key cannot be had; what is damaged is reported.
    """
    began = monotonic()
    layout = Layout(root, store.layout.office)
    problems, head, trust = _journal(ledger, checkpoints, verifier)
    rows = findings.of_rows(ledger, layout, trust)
    files = structure.settled(ledger, layout, rows.said, at, patience, whole=trust.whole)
    read = Reading(ledger, store, layout, rows, files, at, None if deep else sample, patience, whole=trust.whole)
    read.run(began, budget, progress or _quiet)
    problems += rows.problems + _once(files.problems + read.problems)
    problems += [problem for problem in _register(ledger, rows) if problem.subject not in _subjects(problems)]
    strangers, explained = _strangers(ledger, store, rows)
    problems += [Problem("A503", digest) for digest in strangers]
    problems += [Problem("A505", case) for case in cases.bare(ledger) if case not in rows.known]
    many = cases.count(ledger)
    told = {"segments": read.segments, "members": read.members, "bytes": read.bytes, "cases": many}
    if trust.whole:
        what = {**told, "problems": len(problems)}
        journal.record(ledger, [Entry(utc_text(at), "audited", what, _WHY, "read and compared", who)])
    count, size = _holding(ledger, _subjects(problems))
    return AuditReport(
        originals=count,
        bytes=size,
        cases=many,
        problems=tuple(problems),
        head=head,
        drafts=explained,
        segments=read.segments,
        members=read.members,
        read=read.bytes,
        leftover=read.leftover,
        locked=read.locked,
        seconds=round(monotonic() - began, 3),
        coverage=coverage(ledger, at, days),
    )


def _quiet(_done: int, _total: int, _segment: int) -> None:
    """Progress that nobody looks at."""


def _journal(ledger: Ledger, checkpoints: Iterable[Checkpoint], verifier: str) -> tuple[list[Problem], Head, Belief]:
    try:
        return [], journal.verify(ledger, checkpoints, verifier), belief.WHOLE
    except IntegrityError as error:
        with ledger.reading() as connection:
            trust = belief.broken(connection)
        return [Problem(error.code, error.detail)], journal.head(ledger), trust


def _once(found: Iterable[Problem]) -> list[Problem]:
    """Each once; a file is not named beside the members that are hit in it."""
    every = list(dict.fromkeys(found))
    hit = {problem.place for problem in every if problem.code in ("A501", "A502")}
    return [problem for problem in every if problem.code != "A506" or problem.subject not in hit]


def _subjects(problems: Iterable[Problem]) -> set[str]:
    return {problem.subject for problem in problems}


def _register(ledger: Ledger, rows: Rows) -> list[Problem]:
    """Originals that no member stands for (A501), but for those that the rows' problems explain."""
    there = exists().where(members.c.digest == originals.c.digest)
    wanted = select(originals.c.digest).distinct().where(~there).order_by(originals.c.digest)
    with ledger.reading() as connection:
        lost = connection.execute(wanted).scalars().all()
    return [Problem("A501", digest) for digest in lost if digest not in rows.known]


def _strangers(ledger: Ledger, store: Store, rows: Rows) -> tuple[list[str], int]:
    """Members that nothing in the ledger explains, and how many drafts there are."""
    unnamed = [item for item in drafts.unnamed(ledger) if item.digest not in rows.known]
    explained = drafts.explained(ledger, store, unnamed)
    return [item.digest for item in unnamed if item.digest not in explained], len(explained)


def _holding(ledger: Ledger, named: Collection[str]) -> tuple[int, int]:
    """How many different originals there are, and the bytes of those that no problem names."""
    wanted = select(originals.c.digest, func.max(originals.c.size)).group_by(originals.c.digest)
    count = size = 0
    with ledger.reading() as connection:
        for digest, length in connection.execute(wanted.execution_options(yield_per=_PAGE)):
            count += 1
            size += 0 if digest in named else length
    return count, size
