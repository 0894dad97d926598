"""The audit finds what is missing, changed or too much, names it, and never stops at the first."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from archive import incoming, outgoing
from archive.audit import AuditReport, Problem, audit
from archive.claims import Owner
from archive.ledger import Ledger
from archive.originals import FolderOriginals
from archive.tables import cases, journal, originals
from formats import xml
from formats.digest import sha256
from tests.archive.stories import NOW, SERVICE, Partner, answer, approved, arrived, new_store, posted
from tests.builders import a_delivery

CASE = "44030001-2026-000001"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A new ledger."""
    with Ledger.create(f"sqlite:///{tmp_path / 'ledger.db'}") as made:
        yield made


@pytest.fixture
def each_ledger(database_url: str) -> Iterator[Ledger]:
    """A new ledger on each database."""
    with Ledger.create(database_url) as made:
        yield made


@pytest.fixture
def store(tmp_path: Path) -> FolderOriginals:
    """An empty store."""
    return new_store(tmp_path)


@pytest.fixture
def owner() -> Owner:
    """One owner of this process."""
    return Owner.this_process()


def _problems(report: AuditReport) -> set[tuple[str, str]]:
    return {(problem.code, problem.subject) for problem in report.problems}


def _path(tmp_path: Path, digest: str) -> Path:
    return tmp_path / "archive" / digest[:2] / digest[2:4] / digest


def test_nothing_is_wrong_with_nothing(ledger: Ledger, store: FolderOriginals) -> None:
    """An empty ledger and an empty store."""
    report = audit(ledger, store)
    assert (report.originals, report.bytes, report.cases, report.problems, report.drafts) == (0, 0, 0, (), 0)


def test_a_whole_exchange_holds(each_ledger: Ledger, store: FolderOriginals, owner: Owner) -> None:
    """Sent, received, answered: everything is accounted for, to the byte."""
    posted(each_ledger, owner, 3, store)
    partner = Partner()
    (item,) = arrived(each_ledger, owner, [partner.message("one", CASE)])
    (answered,), _ = answer(each_ledger, owner, [item], "accepted", store, partner)
    report = audit(each_ledger, store)
    assert (report.problems, report.originals, report.cases, report.drafts) == ((), 5, 4, 0)
    assert report.bytes == sum(len(store.read(digest)) for digest in store.digests())
    assert report.head.count > 0
    assert answered.receipt.digest in set(store.digests())


def test_every_damage_is_named_at_once(
    each_ledger: Ledger, store: FolderOriginals, owner: Owner, tmp_path: Path
) -> None:
    """A lost file, a flipped bit, foreign bytes, a lost row and an edited journal, all in one report."""
    lost, flipped, bare, fine = posted(each_ledger, owner, 4, store)
    _path(tmp_path, lost.digest).unlink()
    file = _path(tmp_path, flipped.digest)
    file.chmod(0o600)
    file.write_bytes(file.read_bytes()[:-1] + b"X")
    (foreign,) = store.keep([("delivery-sent", b"planted")])
    with each_ledger.writing() as connection:
        connection.execute(delete(originals).where(originals.c.digest == bare.digest))
        connection.execute(update(journal).where(journal.c.n == 2).values(who="nobody"))
    report = audit(each_ledger, store)
    assert _problems(report) == {
        ("A501", lost.digest),
        ("A502", flipped.digest),
        ("A503", foreign.digest),
        ("A503", bare.digest),
        ("A505", bare.case),
        ("A504", "entry 2 was changed"),
    }
    assert report.bytes == len(store.read(fine.digest))


def test_a_case_without_its_original_is_named(ledger: Ledger, store: FolderOriginals, owner: Owner) -> None:
    """Incoming ones too, and an outgoing one whose row was replaced by another original's."""
    (sent,) = posted(ledger, owner, 1, store)
    partner = Partner()
    (item,) = arrived(ledger, owner, [partner.message("one", CASE)])
    answer(ledger, owner, [item], "rejected", store, partner)
    (other,) = store.keep([("delivery-sent", b"other")])
    with ledger.writing() as connection:
        connection.execute(update(originals).where(originals.c.digest == sent.digest).values(digest=other.digest))
        connection.execute(delete(originals).where(originals.c.digest == item.package_digest))
    assert _problems(audit(ledger, store)) == {("A503", sent.digest), ("A505", sent.case), ("A505", CASE)}


def test_a_case_whose_message_was_removed_is_named(ledger: Ledger, store: FolderOriginals, owner: Owner) -> None:
    """A case that claims another document than was kept is A505."""
    (sent,) = posted(ledger, owner, 1, store)
    with ledger.writing() as connection:
        connection.execute(update(cases).values(digest="0" * 64))
    assert audit(ledger, store).problems == (Problem("A505", sent.case),)


def test_what_an_interrupted_pass_kept_is_a_draft(ledger: Ledger, store: FolderOriginals, owner: Owner) -> None:
    """Kept and not recorded: a document under a reserved message id, a package among the arrivals; nothing else."""
    approved(ledger)
    (work,) = outgoing.claim(ledger, owner, 1, NOW)
    delivery = a_delivery()
    own = replace(delivery, header=replace(delivery.header, message_id=work.message_id, case=work.case))
    partner = Partner()
    (item,) = arrived(ledger, owner, [partner.message("one", CASE)])
    store.keep([("delivery-sent", xml.encode(own)), ("package-received", partner.sent[item.package_digest])])
    report = audit(ledger, store)
    assert (report.problems, report.drafts, report.originals) == ((), 2, 0)
    foreign = xml.encode(delivery)
    store.keep([("delivery-sent", foreign)])
    assert audit(ledger, store).problems == (Problem("A503", sha256(foreign)),)


def test_a_quarantined_receipt_is_a_draft(ledger: Ledger, store: FolderOriginals, owner: Owner) -> None:
    """A receipt that did not fit was kept before it was judged; its arrival accounts for it."""
    partner = Partner()
    (item,) = arrived(ledger, owner, [partner.message("one", CASE)])
    (kept,) = store.keep([("receipt-received", partner.sent[item.package_digest])])
    code = incoming.record_receipt(ledger, owner, item, "x", "accepted", (), "", kept, SERVICE, NOW)
    assert code == "C401"
    incoming.quarantine(ledger, owner, item.arrival, code, SERVICE, NOW)
    assert audit(ledger, store).problems == ()


def test_a_file_that_cannot_be_an_original_is_named(ledger: Ledger, store: FolderOriginals, tmp_path: Path) -> None:
    """Foreign names are A503, by their name."""
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "note.txt").write_bytes(b"?")
    assert audit(ledger, store).problems == (Problem("A503", "note.txt"),)
