"""Waiting messages in another package, and packages of the quarantine that wait again: on both databases."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import select

from archive import arrivals, journal, outgoing, quarantined
from archive.arrivals import NewArrival
from archive.audit.drafts import _of_companions
from archive.claims import Owner
from archive.ledger import Ledger
from archive.originals import Kept
from archive.resealing import Resealed, record_resealed
from archive.tables import members, messages, originals
from formats.digest import sha256
from tests.archive.stories import LATER, NOW, PARTNER, SERVICE, sealed

KEY = "0" * 40


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    """A new ledger on each database."""
    with Ledger.create(database_url) as made:
        yield made


@pytest.fixture
def owner() -> Owner:
    """One owner of this process."""
    return Owner.this_process()


def anew(package: outgoing.SealedPackage) -> Resealed:
    """A new signature and package of a sealed message."""
    made = f"anew {package.name}".encode()
    kept = (Kept(sha256(b"sig" + made), 3, "signature-sent"), Kept(sha256(made), len(made), "package-sent"))
    return Resealed(package.message_id, package.package_digest, kept)


def test_the_claimed_message_leaves_in_the_new_package(ledger: Ledger, owner: Owner) -> None:
    """Digest and size are the new package's, both originals are registered for the case; number and name stay."""
    first, second = sealed(ledger, owner, 2)
    posts = outgoing.claim_posts(ledger, owner, 2, NOW, "message")
    items = [anew(first), anew(second)]
    done = record_resealed(ledger, owner, PARTNER, KEY, items, SERVICE, LATER)
    assert sorted(done) == sorted(post.message_id for post in posts)
    with ledger.reading() as connection:
        rows = {row.message_id: row for row in connection.execute(select(messages))}
        kept = {(row.digest, row.kind, row.direction, row.case_number) for row in connection.execute(select(originals))}
    for item, package in zip(items, (first, second), strict=True):
        row = rows[item.message_id]
        assert (row.package_digest, row.size, row.state) == (item.package.digest, item.package.size, "sealed")
        assert (row.name, row.digest) == (package.name, package.digest)
        assert {(one.digest, one.kind, "out", package.case) for one in (*item.originals, *package.originals)} <= kept
    assert [entry.kind for entry in journal.entries(ledger, last=2)] == ["registered", "resealed"]
    journal.verify(ledger)


def test_what_is_not_this_owner_s_is_left_alone(ledger: Ledger, owner: Owner) -> None:
    """Not claimed, claimed by another, of another partner, sealed anew by another, posted: nothing is changed."""
    (package,) = sealed(ledger, owner, 1)
    item, other = anew(package), Owner.this_process()
    count = journal.head(ledger).count

    def trial(who: Owner, partner: str = PARTNER, one: Resealed = item) -> tuple[str, ...]:
        return record_resealed(ledger, who, partner, KEY, [one], SERVICE, LATER)

    assert trial(owner) == ()
    outgoing.claim_posts(ledger, owner, 1, NOW, "message")
    assert trial(other) == trial(owner, "51010001") == trial(owner, one=replace(item, before=KEY)) == ()
    assert journal.head(ledger).count == count
    assert trial(owner) == (package.message_id,)
    assert trial(owner) == ()
    outgoing.record_posted(ledger, owner, [package.message_id], SERVICE, LATER)
    assert trial(owner, one=replace(item, before=item.package.digest)) == ()


def test_a_quarantined_package_waits_again(ledger: Ledger, owner: Owner) -> None:
    """It is claimed like one that has just arrived, under its number; once only, and not beside its twin."""
    new = [NewArrival(f"name{number}", sha256(bytes([number])), 1) for number in range(3)]
    arrivals.record_arrivals(ledger, new, SERVICE, NOW)
    claimed = arrivals.claim(ledger, owner, 3, NOW)
    for item in claimed:
        arrivals.quarantine(ledger, owner, item, "T130", SERVICE, NOW)
    assert [(item.number, item.code) for item in quarantined.listing(ledger)] == [(n.number, "T130") for n in claimed]
    arrivals.record_arrivals(ledger, new[:1], SERVICE, LATER)
    numbers = [item.number for item in claimed]
    assert quarantined.retry(ledger, numbers, "staff-9", "its card", LATER) == tuple(numbers[1:])
    assert quarantined.retry(ledger, numbers, "staff-9", "its card", LATER) == ()
    assert [item.number for item in quarantined.listing(ledger)] == numbers[:1]
    assert set(numbers[1:]) < {item.number for item in arrivals.claim(ledger, owner, 9, LATER)}
    (entry,) = [item for item in journal.entries(ledger) if item.kind == "retried"]
    assert (dict(entry.what), entry.who, entry.why) == ({"packages": 2}, "staff-9", "its card")


def test_a_batch_of_companions_is_told_from_any_other(ledger: Ledger) -> None:
    """Only a batch without any document is what sealing anew keeps."""
    kinds = {7: ["signature-sent", "package-sent"], 8: ["delivery-sent", "signature-sent"], 9: ["package-received"]}
    with ledger.writing() as connection:
        for entry, of_entry in kinds.items():
            for place, kind in enumerate(of_entry):
                fixed = {column.name: 0 for column in members.c if not column.primary_key and column.name != "kind"}
                digest = sha256(f"{entry} {place}".encode())
                values = fixed | {"digest": digest, "kind": kind, "segment": entry, "place": place, "entry": entry}
                connection.execute(members.insert().values(values))
    assert list(_of_companions(ledger, [7, 8, 9])) == [7]
