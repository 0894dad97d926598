"""An office that was lost and restored from an older backup gives out no number that the lost one had given out."""

from pathlib import Path

from archive import cases, journal
from archive.backup import restoring
from archive.counters import SEQUENCES, SERIALS
from flows import backup_places, backups
from flows.times import now
from flows.wiring import Office
from tests.office import exchange, fill, found_pair, open_approved, some_people, states


def test_partners_accept_what_a_restored_office_sends(tmp_path: Path) -> None:
    """Sent, backed up, more sent, lost, restored, sent again: all accepted at both, nothing in quarantine."""
    pair = found_pair(tmp_path)
    elsewhere, lost = tmp_path / "elsewhere", tmp_path / "lost"
    elsewhere.mkdir()
    people = some_people(6)
    fill(pair.sender, people)
    persons = [person for person, _ in people]
    before = open_approved(pair, persons[:2])
    exchange(pair)
    with Office.at(pair.sender) as office, backup_places.opened(str(elsewhere)) as place:
        backups.back_up(office, place, "elsewhere", now())
    after = open_approved(pair, persons[2:4])
    exchange(pair)
    with Office.at(pair.sender) as office:
        verifier = office.journal_key.verifier
        pair.sender.rename(lost)
        key = backups.key_at(lost / "keys/archive.asc", lost / "keys/passphrase")
    with backup_places.opened(str(elsewhere)) as place:
        found = restoring.open_snapshot(place, "", key, verifier)
        backups.restore_office(place, found, key, pair.sender, now())
    (pair.sender / "keys/passphrase").write_bytes((lost / "keys/passphrase").read_bytes())
    (pair.sender / "records.db").write_bytes((lost / "records.db").read_bytes())

    again = open_approved(pair, persons[4:])
    assert not {*before, *after} & {*again}
    assert [int(number[-6:]) for number in again] == [SERIALS + 3, SERIALS + 4]
    exchange(pair)
    assert [states(pair.sender)[number] for number in (*before, *again)] == ["accepted"] * 4
    assert [states(pair.receiver)[number] for number in (*before, *after, *again)] == ["accepted"] * 6
    assert list((pair.receiver / "quarantine").glob("*.pgp")) == []
    with Office.at(pair.sender) as office:
        assert {cases.find(office.ledger, number).state for number in again} == {"accepted"}
        (entry,) = (entry for entry in journal.entries(office.ledger) if entry.kind == "restored")
    assert f"sequence numbers were moved on by {SEQUENCES}" in entry.how
