"""A change of the exchange key while packages are on their way: none is lost, none is read by a key that has ended."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from archive import cases, journal
from archive.arrivals import Arrival
from flows import (
    bundle_checks,
    bundles,
    opening,
    own_card,
    own_keys,
    partnering,
    rechecking,
    relocation,
    retrying,
    rotating,
)
from flows.backups import home_files
from flows.opening import Quarantined, Repeated
from flows.times import now, utc_text
from flows.wiring import Office
from formats.digest import sha256
from formats.errors import RefusedError, UsageError
from tests import exchange as ex
from tests.flows.homes_of_migration import old_database
from tests.office import Pair, configure, copied, fill, found_pair, open_approved, some_people, states
from tests.ssh_servers import served
from transfer import detached, encryption
from transfer.cards import parse_card
from transfer.partners import Directory

PEOPLE = some_people(2)
SENDER, RECEIVER = "33010001", "44030001"
MONTH = timedelta(days=30)


@pytest.fixture(scope="module")
def approved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two offices; two cases of the one are approved."""
    folder = tmp_path_factory.mktemp("approved")
    pair = found_pair(folder)
    fill(pair.sender, PEOPLE)
    open_approved(pair, [person for person, _ in PEOPLE])
    return folder


@pytest.fixture
def pair(approved: Path, tmp_path: Path) -> Pair:
    """Two offices; two cases of the one are approved."""
    return copied(approved, tmp_path)


def begin(home: Path) -> str:
    """Begin a change at this office; the next key's fingerprint."""
    with Office.at(home) as office:
        return rotating.begin(office, "staff-9", now()).following


def switch(home: Path, days: int = 30) -> None:
    """Have this office sign with its next key."""
    with Office.at(home) as office:
        rotating.switch(office, "staff-9", now(), timedelta(days=days))


def end(home: Path) -> None:
    """Have this office open nothing more for its earlier keys."""
    with Office.at(home) as office:
        rotating.end(office, "staff-9", now())


def tell(home: Path, other: Path) -> partnering.Added:
    """Give the card of one office to the other, which adds it."""
    with Office.at(home) as office:
        text = own_card.card_text(office, now())
    with Office.at(other) as office:
        return partnering.add(office, parse_card(text), "staff-9", now(), MONTH)


def fingerprint(home: Path) -> str:
    """That of the key with which an office signs."""
    with Office.at(home) as office:
        return office.key.fingerprint


def events(home: Path, *kinds: str) -> list[str]:
    """The journal's entries of these kinds."""
    with Office.at(home) as office:
        return [entry.kind for entry in journal.entries(office.ledger) if entry.kind in kinds]


def away(home: Path) -> Path:
    """Take an office's mailbox away, as an outage does; where it is now."""
    place = ex.mailbox(home)
    return place.rename(place.with_name(f"{place.name}-away"))


def back(place: Path) -> None:
    """Put the mailbox back."""
    place.rename(place.with_name(place.name.removesuffix("-away")))


def waiting(pair: Pair) -> None:
    """Seal both cases while the receiver's mailbox cannot be reached: their packages wait."""
    place = away(pair.receiver)
    report = ex.send(pair)
    assert [item.code for item in report.posted.failed] == ["S404", "S404"]
    assert len(report.sealed.sealed) == len(PEOPLE)
    back(place)


def to_the_end(pair: Pair) -> None:
    """Receive, acknowledge and close: both cases are accepted at both ends, and both archives hold."""
    assert ex.receive(pair.receiver).failed == ()
    assert ex.acknowledge(pair.receiver).failed == ()
    assert ex.receive(pair.sender).failed == ()
    assert set(states(pair.sender).values()) == set(states(pair.receiver).values()) == {"accepted"}
    assert ex.problems(pair) == ()


def test_what_was_posted_before_is_opened_after(pair: Pair) -> None:
    """Packages that left for the old key are taken in after the switch, and not any more after its end."""
    ex.send(pair)
    begin(pair.receiver)
    tell(pair.receiver, pair.sender)
    switch(pair.receiver)
    parcels = {file.name: file.read_bytes() for file in ex.mailbox(pair.receiver).iterdir()}
    to_the_end(pair)

    end(pair.receiver)
    (name, data), *_ = parcels.items()
    with Office.at(pair.receiver) as office:
        kept = Arrival(0, name, sha256(data), len(data))
        assert isinstance(opening.open_package(office, kept, now()), Repeated), "what is kept is opened by every key"
        office.inbox.write([data])
        assert opening.open_package(office, kept, now()) == Quarantined(kept, "T111")
    assert events(pair.receiver, "office-key-begun", "office-key-changed", "office-key-ended") == [
        "office-key-begun",
        "office-key-changed",
        "office-key-ended",
    ]


def test_the_overlap_ends_by_itself(pair: Pair) -> None:
    """What arrives for the earlier key is opened until the time that was set, and a person can move it."""
    begin(pair.receiver)
    switch(pair.receiver, days=3)
    with Office.at(pair.receiver) as office:
        new, old = own_keys.every(office.settings)
        assert office.opening_keys(now() + timedelta(days=2)) == (new, old)
        assert office.opening_keys(now() + timedelta(days=4)) == (new,)
    switch(pair.receiver, days=10)
    with Office.at(pair.receiver) as office:
        assert office.opening_keys(now() + timedelta(days=9)) == (new, old)
        assert office.key.fingerprint == new.fingerprint


def test_what_waits_is_sealed_anew_for_the_partner_s_new_key(pair: Pair) -> None:
    """The same document, id and name leave in a package for the new key alone; both packages stay kept."""
    waiting(pair)
    numbers = list(states(pair.sender))
    before = {number: ex.sent(pair, number) for number in numbers}
    begin(pair.receiver)
    tell(pair.receiver, pair.sender)
    switch(pair.receiver)
    end(pair.receiver)  # the old key opens nothing any more

    report = ex.send(pair)
    assert (report.failed, len(report.posted.posted), len(report.posted.resealed)) == ((), 2, 2)
    for number in numbers:
        parcel = ex.sent(pair, number)
        assert (parcel.name == before[number].name, parcel.data == before[number].data) == (True, False)
        assert (ex.mailbox(pair.receiver) / parcel.name).read_bytes() == parcel.data
        assert encryption.key_ids(parcel.data) != encryption.key_ids(before[number].data)
        with Office.at(pair.sender) as office:
            kinds = sorted(row.kind for row in cases.originals(office.ledger, number))
            assert kinds == ["delivery-sent", "package-sent", "package-sent", "signature-sent", "signature-sent"]
    assert events(pair.sender, "resealed", "posted") == ["resealed", "posted"]
    to_the_end(pair)
    with Office.at(pair.sender) as office:
        bundle = bundle_checks.verify(bundles.make(office, numbers[0], "staff-9", now()))
        assert bundle.first is None


def test_what_waits_is_left_alone_while_the_key_is_the_same(pair: Pair) -> None:
    """A package for the key that still is the newest leaves byte for byte as it was kept."""
    waiting(pair)
    parcels = [ex.sent(pair, number) for number in states(pair.sender)]
    assert ex.send(pair).posted.resealed == ()
    assert [(ex.mailbox(pair.receiver) / item.name).read_bytes() for item in parcels] == [item.data for item in parcels]


def test_what_waits_is_signed_anew_when_the_own_key_has_ended(pair: Pair) -> None:
    """Packages that wait leave as they are while the key that signed them counts; once it has ended, by the present one."""
    waiting(pair)
    numbers = list(states(pair.sender))
    begin(pair.sender)
    tell(pair.sender, pair.receiver)
    switch(pair.sender)
    place = away(pair.receiver)
    assert ex.send(pair).posted.resealed == ()
    end(pair.sender)
    back(place)
    report = ex.send(pair)
    assert (report.failed, len(report.posted.resealed)) == ((), 2)
    with Office.at(pair.sender) as office:
        for number in numbers:
            kept = [row.digest for row in cases.originals(office.ledger, number) if row.kind == "signature-sent"]
            signers = [detached.signer(office.store.read(digest)) for digest in kept]
            assert len(set(signers)) == 2
            assert signers[-1] in {key.fingerprint for key in own_keys.publics(office.settings.home)[0].signing}
    to_the_end(pair)


def test_nothing_leaves_for_a_revoked_key(pair: Pair) -> None:
    """Where the only key was revoked, packages stay with S408; the next card lets them go, sealed anew."""
    waiting(pair)
    old = fingerprint(pair.receiver)
    with Office.at(pair.sender) as office:
        partnering.revoke(office, RECEIVER, old, "staff-9", now())
    report = ex.send(pair)
    assert [item.code for item in report.failed] == ["S408", "S408"]
    assert list(ex.mailbox(pair.receiver).iterdir()) == []
    assert [item.code for item in report.warnings] == ["S483"]
    begin(pair.receiver)
    tell(pair.receiver, pair.sender)
    assert len(ex.send(pair).posted.resealed) == 2
    switch(pair.receiver)
    to_the_end(pair)


def test_receipts_by_the_new_key(pair: Pair) -> None:
    """Who has the new card closes its cases; who has not quarantines, and a retry after adding it closes them."""
    ex.send(pair)
    begin(pair.receiver)
    switch(pair.receiver)
    ex.receive(pair.receiver)
    ex.acknowledge(pair.receiver)
    report = ex.receive(pair.sender)
    assert [item.code for item in report.opened.quarantined] == ["T130", "T130"]
    assert set(states(pair.sender).values()) == {"in_transit"}

    with Office.at(pair.sender) as office:
        nothing = retrying.retry(office, retrying.chosen(office, ()), "staff-9", "too early", now())
        assert len(nothing.retried) == 2
    assert [item.code for item in ex.receive(pair.sender).opened.quarantined] == ["T130", "T130"]

    added = tell(pair.receiver, pair.sender)
    assert (added.fresh, added.fresh_key, len(added.ended)) == (False, True, 1)
    with Office.at(pair.sender) as office:
        found = retrying.chosen(office, (), "T130")
        done = retrying.retry(office, found, "staff-9", "the card was added", now())
        assert (done.retried, done.failed) == (tuple(item.number for item in found), ())
        assert retrying.chosen(office, ()) == ()
        with pytest.raises(UsageError, match="S485"):
            retrying.chosen(office, [found[0].number])
    report = ex.receive(pair.sender)
    assert (report.failed, len(report.opened.closed)) == ((), 2)
    assert set(states(pair.sender).values()) == {"accepted"}
    assert ex.quarantined(pair.sender) == set()
    assert events(pair.sender, "retried") == ["retried"] * 2
    assert ex.problems(pair) == ()


def test_a_package_that_is_gone_is_named_and_its_neighbour_retried(pair: Pair) -> None:
    """What does not lie in the quarantine any more stays as it is; the others wait."""
    ex.send(pair)
    begin(pair.receiver)
    switch(pair.receiver)
    ex.receive(pair.receiver)
    ex.acknowledge(pair.receiver)
    ex.receive(pair.sender)
    with Office.at(pair.sender) as office:
        first, second = retrying.chosen(office, ())
        office.quarantine.remove([first.digest])
        done = retrying.retry(office, [first, second], "staff-9", "a trial", now())
        assert (done.retried, [item.code for item in done.failed]) == ((second.number,), ["A501"])
        assert [item.number for item in retrying.chosen(office, ())] == [first.number]


def test_the_card_of_a_change_is_endorsed_and_the_old_key_gets_an_end(pair: Pair) -> None:
    """From begin to end the card has the new key and the earlier one's signature; a forged card has none that counts."""
    old = fingerprint(pair.receiver)
    new = begin(pair.receiver)
    for step in ("begun", "switched"):
        with Office.at(pair.receiver) as office:
            text = own_card.card_text(office, now())
        card = parse_card(text)
        assert (step, card.fingerprint) == (step, new)
        with Office.at(pair.sender) as office:
            assert partnering.endorsement(office, card, text, now()).by == old
            forged = text.replace("folder:", "folder:/elsewhere")
            assert partnering.endorsement(office, parse_card(forged), forged, now()).code == "T122"
            assert partnering.endorsement(office, card, text.split("endorsement")[0], now()) == partnering.Endorsed()
        if step == "begun":
            switch(pair.receiver)
    with Office.at(pair.sender) as office:
        partnering.revoke(office, RECEIVER, old, "staff-9", now())
    with Office.at(pair.sender) as office:
        assert partnering.endorsement(office, card, text, now()).code == "T131"
    end(pair.receiver)
    with Office.at(pair.receiver) as office:
        assert "endorsement" not in own_card.card_text(office, now())


def test_an_added_card_bounds_the_key_before_it(pair: Pair) -> None:
    """The old key counts for the overlap and no longer; the journal says so, and adding again changes nothing."""
    old, new = fingerprint(pair.receiver), begin(pair.receiver)
    at = now()
    added = tell(pair.receiver, pair.sender)
    (ended,) = added.ended
    assert ended.key.fingerprint == old
    assert timedelta(0) <= ended.not_after - (at.replace(microsecond=0) + MONTH) <= timedelta(minutes=1)
    with Office.at(pair.sender) as office:
        partner = office.directory.partner(RECEIVER)
        assert partner.recipient(now()).fingerprint == new
        pins = office.directory.pins()
        assert (pins[old].not_after, pins[new].not_after.year) == (ended.not_after, 9999)
        last = [(entry.kind, dict(entry.what), entry.who) for entry in journal.entries(office.ledger, last=2)]
    what = {"partner": RECEIVER, "fingerprint": old, "until": utc_text(ended.not_after)}
    assert last[1] == ("partner-key-ended", what, "staff-9")
    assert last[0][0] == "partner-added"
    assert tell(pair.receiver, pair.sender).ended == ()
    assert Directory.load(pair.sender / "partners").pins()[old].not_after == ended.not_after


def test_a_backup_takes_every_key_along(pair: Pair) -> None:
    """The next key, the earlier ones and the time until which they open are in a backup of the home."""
    begin(pair.receiver)
    switch(pair.receiver)
    begin(pair.receiver)
    with Office.at(pair.receiver) as office:
        files = home_files(office.settings)
    assert {"keys/office.asc", "keys/office-next.asc", "keys/office-1.asc", "keys/office-1.until"} <= set(files)


def test_the_archive_s_readme_has_every_key_that_signed(pair: Pair) -> None:
    """After a switch the readme object names the new and the earlier public key."""
    begin(pair.sender)
    switch(pair.sender)
    (inventory,) = [
        path for path in pair.sender.glob("archive/ocfl/*/*/*/*readme/inventory.json") if path.parent.is_dir()
    ]
    assert "keys/office-1.asc" in inventory.read_text(encoding="utf-8")


def test_steps_out_of_turn_are_refused(pair: Pair) -> None:
    """A switch without a beginning, an end without a switch, another key in a change under way: S480."""
    for step in (switch, end):
        with pytest.raises(UsageError, match="S480"):
            step(pair.sender)
    new = begin(pair.sender)
    assert begin(pair.sender) == new
    with Office.at(pair.sender) as office, Office.at(pair.receiver) as other:
        theirs = own_keys.listed(other.settings.home)[0].armored
        with pytest.raises(UsageError, match="S480"):
            rotating.begin(office, "staff-9", now(), theirs)
    with pytest.raises(UsageError, match="S480"):
        end(pair.sender)
    with Office.at(pair.receiver) as office:
        with pytest.raises(UsageError, match="S480"):
            rotating.begin(office, "staff-9", now(), own_keys.listed(pair.receiver)[0].armored)
        with pytest.raises(UsageError, match="S408"):
            rotating.begin(office, "staff-9", now(), own_keys.listed(pair.sender)[0].armored)
    (pair.sender / "keys/office-7.asc").write_text(own_keys.listed(pair.sender)[0].armored, encoding="ascii")
    (pair.sender / "keys/office-7.until").write_text("soon", encoding="ascii")
    switch(pair.sender)
    assert [key.role for key in own_keys.listed(pair.sender)] == ["present", "earlier"]
    assert own_keys.free_name(pair.sender).name == "office-8.asc"
    (pair.sender / "keys/office-7.until").write_text("soon", encoding="ascii")
    with pytest.raises(UsageError, match="S408"):
        own_keys.listed(pair.sender)


def test_a_proof_that_was_signed_before_holds(pair: Pair, tmp_path: Path) -> None:
    """The proof of a migration by an earlier key of the office is checked like one by the present key."""
    source, target = old_database(tmp_path / "old.db"), f"sqlite:///{tmp_path / 'new.db'}"
    run = relocation.begin(tmp_path / "run", source, target, "staff-1")
    with Office.at(pair.sender) as office:
        assert relocation.relocate(office, run, keep=False).verdict == "equal"
    file = tmp_path / "run" / relocation.PROOF
    before = fingerprint(pair.sender)
    begin(pair.sender)
    switch(pair.sender)
    end(pair.sender)
    assert fingerprint(pair.sender) != before
    with Office.at(pair.sender) as office:
        assert rechecking.checked(office, file)[1].rows > 0
    with Office.at(pair.receiver) as office, pytest.raises(RefusedError, match="D681"):
        rechecking.checked(office, file)


def test_receipts_that_wait_are_sealed_anew(pair: Pair) -> None:
    """A receipt that is ready, and one that is asked for again, leave for the key that the partner has by then."""
    ex.send(pair)
    parcels = [ex.sent(pair, number) for number in states(pair.sender)]
    ex.receive(pair.receiver)
    begin(pair.sender)
    tell(pair.sender, pair.receiver)
    switch(pair.sender)
    end(pair.sender)
    assert len(ex.acknowledge(pair.receiver).posted.resealed) == 2
    assert len(ex.receive(pair.sender).opened.closed) == 2

    begin(pair.sender)
    tell(pair.sender, pair.receiver)
    switch(pair.sender)
    end(pair.sender)
    ex.deliver(pair.receiver, *parcels)
    assert ex.receive(pair.receiver).opened.repeated == 2
    assert len(ex.acknowledge(pair.receiver).posted.resealed) == 2
    assert len(ex.receive(pair.sender).opened.closed) == 2
    assert set(states(pair.sender).values()) == {"accepted"}
    assert ex.problems(pair) == ()


def test_an_overlap_that_is_over_is_begun_again_on_purpose_only(pair: Pair) -> None:
    """After the end a switch without a beginning is refused, unless a person says for how long."""
    begin(pair.sender)
    switch(pair.sender)
    end(pair.sender)
    end(pair.sender)
    with pytest.raises(UsageError, match="S480"):
        switch(pair.sender)
    with Office.at(pair.sender) as office:
        again = rotating.switch(office, "staff-9", now(), MONTH, reopen=True)
    assert again.until
    with Office.at(pair.sender) as office:
        assert len(office.opening_keys(now())) == 2
    assert events(pair.sender, "office-key-ended") == ["office-key-ended"]


@pytest.fixture
def over_ssh(pair: Pair, tmp_path: Path) -> Iterator[Pair]:
    """The two offices; the receiver collects from a folder of a real SSH server."""
    with served(tmp_path / "server", "openssh") as place:
        configure(
            pair.receiver, url=place.address.url("mailbox"), host_key=place.address.host_key, ssh_key=str(place.key)
        )
        configure(pair.sender, ssh_key=str(place.key))
        tell(pair.receiver, pair.sender)
        yield pair


def test_over_a_real_ssh_server(over_ssh: Pair) -> None:
    """What waited is sealed anew and posted over SSH, taken in with the new key, and answered over SSH."""
    with Office.at(over_ssh.receiver) as office:
        card = replace(own_card.own_card(office), mailbox="folder:nowhere")
    Directory.add(over_ssh.sender / "partners", card, now())
    assert {item.code for item in ex.send(over_ssh).posted.failed} == {"S404"}
    begin(over_ssh.receiver)
    tell(over_ssh.receiver, over_ssh.sender)
    report = ex.send(over_ssh)
    assert (report.failed, len(report.posted.resealed)) == ((), 2)
    switch(over_ssh.receiver)
    to_the_end(over_ssh)
