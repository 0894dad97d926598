"""The audit finds what is missing, changed or too much, names it once, and never stops at the first."""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from archive import incoming, outgoing
from archive.audit import AuditReport, audit
from archive.claims import Owner
from archive.ledger import Ledger
from archive.segments.store import SegmentOriginals
from archive.tables import cases, journal, members, originals, segments
from formats import xml
from formats.digest import sha256
from tests.archive.stores import store_in
from tests.archive.stories import NOW, SERVICE, Partner, answer, approved, arrived, posted
from tests.builders import a_delivery

CASE = "44030001-2026-000001"
Problems = set[tuple[str, str]]


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
def owner() -> Owner:
    """One owner of this process."""
    return Owner.this_process()


def _audit(ledger: Ledger, store: SegmentOriginals, *, deep: bool = False) -> AuditReport:
    return audit(ledger, store, store.layout.root, at=NOW + timedelta(hours=1), deep=deep, patience=0.0)


def _problems(report: AuditReport) -> Problems:
    assert len(set(report.problems)) == len(report.problems)
    return {(problem.code, problem.subject) for problem in report.problems}


def test_nothing_is_wrong_with_nothing(ledger: Ledger, tmp_path: Path) -> None:
    """An empty ledger and an empty store."""
    report = _audit(ledger, store_in(tmp_path, ledger))
    assert (report.originals, report.bytes, report.cases, report.problems, report.drafts) == (0, 0, 0, (), 0)
    assert report.coverage.share == 1.0


def test_a_whole_exchange_holds(each_ledger: Ledger, owner: Owner, tmp_path: Path) -> None:
    """Sent, received, answered: everything is accounted for, to the byte; the audit itself is in the journal."""
    store = store_in(tmp_path, each_ledger)
    posted(each_ledger, owner, 3, store)
    partner = Partner()
    (item,) = arrived(each_ledger, owner, [partner.message("one", CASE)])
    (answered,), _ = answer(each_ledger, owner, [item], "accepted", store, partner)
    report = _audit(each_ledger, store, deep=True)
    assert (report.problems, report.originals, report.cases, report.drafts) == ((), 5, 4, 0)
    with each_ledger.reading() as connection:
        digests = connection.execute(members.select()).scalars().all()
        last = connection.execute(journal.select().order_by(journal.c.n.desc())).first()
    assert last is not None
    assert (last.kind, last.n) == ("audited", report.head.count + 1)
    assert report.bytes == sum(len(store.read(digest)) for digest in digests)
    assert answered.receipt.digest in digests
    assert _audit(each_ledger, store).problems == ()


def test_every_damage_is_named_at_once(each_ledger: Ledger, owner: Owner, tmp_path: Path) -> None:
    """A flipped bit, foreign bytes, a lost row and a changed row, all in one report, each named once and exactly."""
    store = store_in(tmp_path, each_ledger)
    flipped, bare, edited, fine = posted(each_ledger, owner, 4, store)
    (foreign,) = store.keep([("delivery-sent", b"planted")], NOW)
    (tar,) = (tmp_path / "archive" / "open").glob("*.tar")
    with each_ledger.reading() as connection:
        offset = connection.execute(members.select().where(members.c.digest == flipped.digest)).one().offset
        entry = connection.execute(originals.select().where(originals.c.digest == bare.digest)).one().entry
    data = bytearray(tar.read_bytes())
    data[offset + 20] ^= 1
    tar.write_bytes(data)
    (tmp_path / "archive" / "note.txt").write_bytes(b"?")
    with each_ledger.writing() as connection:
        connection.execute(delete(originals).where(originals.c.digest == bare.digest))
        connection.execute(update(members).where(members.c.digest == edited.digest).values(sha256="0" * 64))
    report = _audit(each_ledger, store)
    assert _problems(report) == {
        ("A502", flipped.digest),
        ("A503", foreign.digest),
        ("A503", "note.txt"),
        ("A507", f"originals {bare.digest}: the row is missing"),
        ("A507", f"members {edited.digest}: sha256"),
    }
    assert f"entry {entry}" in {problem.place for problem in report.problems}
    assert fine.digest not in str(report.problems)


def test_an_edited_journal_does_not_accuse_the_rows(ledger: Ledger, owner: Owner, tmp_path: Path) -> None:
    """An entry that was changed is named; rows that stand under it are not, and rows under others still are."""
    store = store_in(tmp_path, ledger)
    posted(ledger, owner, 1, store)
    (other,) = posted(ledger, owner, 1, store)
    with ledger.writing() as connection:
        kept = connection.execute(journal.select().where(journal.c.kind == "kept").order_by(journal.c.n)).first()
        assert kept is not None
        connection.execute(update(journal).where(journal.c.n == kept.n).values(what=kept.what.replace("root", "toor")))
        connection.execute(update(members).where(members.c.digest == other.digest).values(kind="receipt-sent"))
    assert _problems(_audit(ledger, store)) == {
        ("A504", f"entry {kept.n} was changed"),
        ("A507", f"members {other.digest}: kind"),
    }


def test_a_case_without_its_original_is_named(ledger: Ledger, owner: Owner, tmp_path: Path) -> None:
    """Where the rows of the register cannot be told, the case is named and so is the entry."""
    store = store_in(tmp_path, ledger)
    partner = Partner()
    (item,) = arrived(ledger, owner, [partner.message("one", CASE)])
    answer(ledger, owner, [item], "rejected", store, partner)
    with ledger.writing() as connection:
        connection.execute(delete(originals))
    found = _problems(_audit(ledger, store))
    assert ("A505", CASE) in found
    assert any(code == "A507" and "0 rows instead of 2" in subject for code, subject in found)


def test_a_case_that_claims_another_document_is_named(ledger: Ledger, owner: Owner, tmp_path: Path) -> None:
    """A case whose digest is not that of its original is A505."""
    store = store_in(tmp_path, ledger)
    (sent,) = posted(ledger, owner, 1, store)
    with ledger.writing() as connection:
        connection.execute(update(cases).values(digest="0" * 64))
    assert _problems(_audit(ledger, store)) == {("A505", sent.case)}


def test_what_an_interrupted_pass_kept_is_a_draft(ledger: Ledger, owner: Owner, tmp_path: Path) -> None:
    """Kept and not recorded: a document under a reserved message id and what came with it, a package that arrived."""
    store = store_in(tmp_path, ledger)
    approved(ledger)
    (work,) = outgoing.claim(ledger, owner, 1, NOW)
    delivery = a_delivery()
    own = replace(delivery, header=replace(delivery.header, message_id=work.message_id, case=work.case))
    partner = Partner()
    (item,) = arrived(ledger, owner, [partner.message("one", CASE)])
    batch = [("delivery-sent", xml.encode(own)), ("signature-sent", b"signature"), ("package-sent", b"package")]
    store.keep(batch, NOW)
    store.keep([("package-received", partner.sent[item.package_digest])], NOW)
    report = _audit(ledger, store)
    assert (report.problems, report.drafts, report.originals) == ((), 4, 0)
    foreign = [("delivery-sent", xml.encode(delivery)), ("signature-sent", b"foreign"), ("package-sent", b"package 2")]
    store.keep(foreign, NOW)
    assert _problems(_audit(ledger, store)) == {("A503", sha256(data)) for _, data in foreign}


def test_a_quarantined_receipt_is_a_draft(ledger: Ledger, owner: Owner, tmp_path: Path) -> None:
    """A receipt that did not fit was kept before it was judged; its arrival accounts for it."""
    store = store_in(tmp_path, ledger)
    partner = Partner()
    (item,) = arrived(ledger, owner, [partner.message("one", CASE)])
    (kept,) = store.keep([("receipt-received", partner.sent[item.package_digest])], NOW)
    code = incoming.record_receipt(ledger, owner, item, "x", "accepted", (), "", kept, SERVICE, NOW)
    assert code == "C401"
    incoming.quarantine(ledger, owner, item.arrival, code, SERVICE, NOW)
    assert _audit(ledger, store).problems == ()


def test_what_an_interrupted_keep_left_is_no_problem(ledger: Ledger, owner: Owner, tmp_path: Path) -> None:
    """Bytes behind the end of the open segment are counted; fresh files in the stage are known, old ones are not.

    So are those of a segment that was just begun.
    """
    store = store_in(tmp_path, ledger)
    posted(ledger, owner, 2, store)
    (tar,) = (tmp_path / "archive" / "open").glob("*.tar")
    with tar.open("ab") as stream:
        stream.write(b"x" * 700)
    stage = tmp_path / "archive" / "stage" / "half"
    stage.parent.mkdir(exist_ok=True)
    stage.write_bytes(b"half")
    begun = tar.with_name("00000002.tar")
    begun.write_bytes(b"")
    now = NOW + timedelta(hours=1)
    for file in (stage, begun):
        os.utime(file, (now.timestamp(), now.timestamp()))
    report = _audit(ledger, store)
    assert (report.problems, report.leftover) == ((), 700)
    for file in (stage, begun):
        os.utime(file, (NOW.timestamp() - 90_000, NOW.timestamp() - 90_000))
    assert _problems(_audit(ledger, store)) == {("A503", "stage/half"), ("A503", "open/00000002.tar")}


def test_unreadable_files_are_problems_not_errors(ledger: Ledger, owner: Owner, tmp_path: Path) -> None:
    """A folder, a link and a pipe in the places of files are named; nothing hangs and nothing breaks off."""
    store = store_in(tmp_path, ledger)
    posted(ledger, owner, 2, store)
    (number,) = store.seal_due(NOW, all_of_them=True)
    tar = store.layout.sealed_tar(number)
    manifest, catalog, keys = (tar.parent / name for name in ("manifest-sha256.txt", "catalog.bin", "keys-1.pgp"))
    data = manifest.read_bytes()
    for path in (manifest, catalog, keys, tar):
        path.unlink()
    tar.mkdir()
    os.mkfifo(catalog)
    outside = tmp_path / "elsewhere"
    outside.write_bytes(data)
    manifest.symlink_to(outside)
    found = {problem.subject for problem in _audit(ledger, store).problems}
    assert found == {path.relative_to(store.layout.root).as_posix() for path in (tar, manifest, catalog, keys)}


def test_a_row_of_a_segment_is_told_from_the_journal(ledger: Ledger, owner: Owner, tmp_path: Path) -> None:
    """A digest edited in the ledger does not make sound bytes look damaged."""
    store = store_in(tmp_path, ledger)
    posted(ledger, owner, 2, store)
    store.seal_due(NOW, all_of_them=True)
    with ledger.writing() as connection:
        connection.execute(update(segments).values(sha512="0" * 128, end=1))
    assert _problems(_audit(ledger, store)) == {("A507", "segments 1: sha512, end")}
