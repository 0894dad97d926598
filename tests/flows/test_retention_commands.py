"""Retention at an office: holds and orders on the command line, two people's signatures, and the destruction itself."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from archive import audit, cases, destruction, journal
from flows import bundle_checks, bundles, destroying
from flows.times import now
from flows.wiring import Office
from formats.digest import sha256
from formats.errors import IntegrityError, UsageError
from formats.retention import Period
from tests.command_line import Call
from tests.office import copied, exchange, fill, found_pair, open_approved, some_people
from tests.transfer.gnupg import gnupg
from transfer import detached
from transfer.keys import OfficeKey, generate_key, load_secret, public_part

LATER = timedelta(days=3 * 366)
# Packages and receipts may go after a year: an office of the tests need not wait for a hundred.
TABLE = [Period(kind, 1, "回执", "receipt", "2009-09-01", "") for kind in ("receipt-received", "package-sent")]


@dataclass(frozen=True)
class Place:
    """A sending office after an exchange of two cases, with three people who may sign."""

    home: Path
    cases: tuple[str, ...]
    staff: dict[str, OfficeKey]

    def signed(self, order: bytes, *people: str) -> list[bytes]:
        """Detached signatures of these people over an order."""
        return [detached.sign(order, self.staff[person], now()) for person in people]


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Two accepted cases; staff-1 to staff-3 have certificates."""
    folder = tmp_path_factory.mktemp("retention")
    pair = found_pair(folder)
    people = some_people(2)
    fill(pair.sender, people)
    numbers = open_approved(pair, [person for person, _ in people])
    exchange(pair)
    staff = {
        name: load_secret(generate_key(name, "secret", now()), "secret") for name in ("staff-1", "staff-2", "staff-3")
    }
    (pair.sender / "staff").mkdir()
    for name, key in staff.items():
        (pair.sender / f"staff/{name}.asc").write_text(public_part(key), encoding="ascii")
    return Place(pair.sender, numbers, staff)


@pytest.fixture
def place(founded: Place, tmp_path: Path) -> Place:
    """A copy to be changed at will."""
    return Place(copied(founded.home.parent, tmp_path / "offices").sender, founded.cases, founded.staff)


def ordered(office: Office) -> tuple[bytes, datetime]:
    """An order of all that is due in three years, by the periods of the tests, and then's time."""
    at = now() + LATER
    return destroying.write_order(office, at, TABLE), at


def problems(office: Office, at: datetime) -> tuple[object, ...]:
    """What the audit finds; that packages went is no problem for it."""
    return audit.audit(office.ledger, office.store, office.archive, at=at, deep=True, patience=0.0).problems


def test_two_people_destroy_what_is_due(place: Place) -> None:
    """An order signed by two of the staff goes through: receipts and packages are gone, the records stay."""
    with Office.at(place.home) as office:
        before = {row.digest: row.kind for row in cases.originals(office.ledger)}
        order, at = ordered(office)
        done, signers = destroying.carry_out(
            office, order, place.signed(order, "staff-1", "staff-3"), "staff-9", at, TABLE
        )
        assert [signer.person for signer in signers] == ["staff-1", "staff-3"]
        gone = {digest for digest, kind in before.items() if kind in ("receipt-received", "package-sent")}
        assert (done.order, done.originals) == (sha256(order), len(gone))
        for digest in before:
            if digest in gone:
                with pytest.raises(IntegrityError, match="A501"):
                    office.store.read(digest)
            else:
                assert sha256(office.store.read(digest)) == digest
        kept = [row for row in cases.originals(office.ledger) if row.kind == "destruction-order"]
        assert len(kept) == 3
        assert office.store.read(sha256(order)) == order
        journal.verify(office.ledger)
        report = bundle_checks.verify(bundles.make(office, place.cases[0], "staff-9", now()))
        assert report.first is None
        assert problems(office, at) == ()


def test_the_second_time_finishes_or_tells(place: Place) -> None:
    """An order carried out is carried out: the same again tells the same and destroys nothing more."""
    with Office.at(place.home) as office:
        order, at = ordered(office)
        signatures = place.signed(order, "staff-1", "staff-2")
        done = destroying.carry_out(office, order, signatures, "staff-9", at, TABLE)
        head = journal.head(office.ledger)
        assert destroying.carry_out(office, order, signatures, "staff-9", at, TABLE) == done
        assert journal.head(office.ledger) == head


def test_two_different_people_must_sign_these_bytes(place: Place) -> None:
    """None, one, one twice, a stranger, another order's, an armored and a changed one: S442 unless two people signed."""
    stranger = load_secret(generate_key("stranger", "secret", now()), "secret")
    with Office.at(place.home) as office:
        order, at = ordered(office)
        one, two = place.signed(order, "staff-1", "staff-2")
        again = detached.sign(order, place.staff["staff-1"], now() + timedelta(seconds=1))
        head = journal.head(office.ledger)
        for signatures in (
            [],
            [one],
            [one, one],
            [one, again],
            [one, detached.sign(order, stranger, now())],
            [one, two, detached.sign(order, stranger, now())],
            [one, *place.signed(order + b" ", "staff-2")],
            [one, two[:-1] + bytes([two[-1] ^ 1])],
            [one, b"not a signature"],
        ):
            with pytest.raises(UsageError, match="S442"):
                destroying.carry_out(office, order, signatures, "staff-9", at, TABLE)
        assert journal.head(office.ledger) == head
        assert len(destroying.signed_by(office, order, [one, two])) == 2


def test_one_key_under_two_names_is_one_person(place: Place) -> None:
    """A person who stands in staff/ twice, or has two keys under one name, does not make two: S442."""
    double = place.home / "staff/staff-8.asc"
    double.write_text(public_part(place.staff["staff-1"]), encoding="ascii")
    with Office.at(place.home) as office:
        order, _ = ordered(office)
        with pytest.raises(UsageError, match="S442"):
            destroying.signed_by(office, order, place.signed(order, "staff-1", "staff-1"))


def test_a_key_must_be_valid_when_it_signs(place: Place) -> None:
    """A signature dated before its key was made is none; a certificate that cannot be read stops everything: S408."""
    with Office.at(place.home) as office:
        order, _ = ordered(office)
        early = load_secret(generate_key("early", "secret", now() + timedelta(days=2)), "secret")
        (place.home / "staff/staff-7.asc").write_text(public_part(early), encoding="ascii")
        late = detached.sign(order, early, now() + timedelta(days=3))
        assert destroying.signed_by(office, order, [late, *place.signed(order, "staff-1")])[0].person == "staff-7"
        with pytest.raises(UsageError, match="S408"):
            detached.sign(order, early, now())
        (place.home / "staff/staff-6.asc").write_bytes(b"\xff")
        with pytest.raises(UsageError, match="S408"):
            destroying.signed_by(office, order, place.signed(order, "staff-1", "staff-2"))


def test_people_sign_with_gpg(place: Place, tmp_path: Path) -> None:
    """`gpg --detach-sign ORDER` makes a signature that counts, armored or not."""
    with Office.at(place.home) as office, gnupg(now()) as gpg:
        order, _ = ordered(office)
        file = tmp_path / "order.json"
        file.write_bytes(order)
        people = {}
        for person, more in (("staff-4", []), ("staff-5", ["--armor"])):
            key = gpg.make_key(person, "ed25519", "cv25519")
            (place.home / f"staff/{person}.asc").write_text(key.armored, encoding="ascii")
            out = tmp_path / f"{person}.sig"
            gpg.run(*more, "--local-user", key.fingerprint, "--output", str(out), "--detach-sign", str(file))
            people[person] = out.read_bytes()
        assert {signer.person for signer in destroying.signed_by(office, order, [*people.values()])} == set(people)


def test_nothing_goes_before_its_date(place: Place) -> None:
    """By the law's own periods nothing of a young office is due, whatever two people sign: S440."""
    with Office.at(place.home) as office:
        order, at = ordered(office)
        signatures = place.signed(order, "staff-1", "staff-2")
        with pytest.raises(UsageError, match="S440"):
            destroying.carry_out(office, order, signatures, "staff-9", at)
        with pytest.raises(UsageError, match="S440"):
            destroying.carry_out(office, order, signatures, "staff-9", now(), TABLE)
        with pytest.raises(UsageError, match="S440"):
            destroying.write_order(office, now())


def test_holds_on_the_command_line(place: Place, call: Call) -> None:
    """A hold is placed, listed, keeps an order from being carried out (S441), and is lifted."""
    answer = call(
        "-C", place.home, "archive", "hold", place.cases[0], "--why", "objection 17", "--by", "staff-2", "--json"
    )
    number = answer.document["number"]
    listed = call("-C", place.home, "archive", "holds", "--json").document["holds"]
    assert [(each["number"], each["case"], each["why"]) for each in listed] == [
        (number, place.cases[0], "objection 17")
    ]
    with Office.at(place.home) as office:
        order, _ = ordered(office)
        held = {row.digest for row in cases.originals(office.ledger, place.cases[0])}
        assert held.isdisjoint(item.digest for item in destruction.read(order).items)
    assert call("-C", place.home, "archive", "lift", str(number), "--by", "staff-2").status == 0
    assert place.cases[0] not in call("-C", place.home, "archive", "holds").out
    answer = call("-C", place.home, "archive", "lift", str(number), "--by", "staff-2", "--json")
    assert (answer.status, answer.code) == (2, "S411")
    assert len(call("-C", place.home, "archive", "holds", "--all", "--json").document["holds"]) == 1
    with Office.at(place.home) as office:
        assert len(ordered(office)[0]) > len(order)


def test_a_hold_stops_a_signed_order(place: Place, call: Call) -> None:
    """What two people signed yesterday is refused today when a hold was placed meanwhile: S441, nothing is gone."""
    with Office.at(place.home) as office:
        order, at = ordered(office)
        signatures = place.signed(order, "staff-1", "staff-2")
        answer = call("-C", place.home, "archive", "hold", place.cases[1], "--why", "suit 4", "--by", "staff-2")
        assert answer.status == 0
        with pytest.raises(UsageError, match="S441"):
            destroying.carry_out(office, order, signatures, "staff-9", at, TABLE)
        assert all(office.store.read(row.digest) for row in cases.originals(office.ledger))


def test_due_and_destroy_on_the_command_line(place: Place, call: Call, tmp_path: Path) -> None:
    """A young office has nothing due: no order is written (S440); an order for later is refused by its date."""
    assert call("-C", place.home, "archive", "due", "--json").document == {"due": []}
    file = tmp_path / "order.json"
    answer = call("-C", place.home, "archive", "destroy", "--order", file, "--json")
    assert (answer.status, answer.code, file.exists()) == (2, "S440", False)
    with Office.at(place.home) as office:
        order, _ = ordered(office)
    file.write_bytes(order)
    arguments: list[str | Path] = []
    for number, signature in enumerate(place.signed(order, "staff-1", "staff-2")):
        (tmp_path / f"{number}.sig").write_bytes(signature)
        arguments += ["--signature", tmp_path / f"{number}.sig"]
    answer = call("-C", place.home, "archive", "destroy", file, *arguments[:2], "--json")
    assert (answer.status, answer.code) == (2, "S442")
    answer = call("-C", place.home, "archive", "destroy", file, *arguments, "--by", "staff-9", "--json")
    assert (answer.status, answer.code) == (2, "S440")


@pytest.mark.parametrize("words", ["destroy", "destroy ORDER --order FILE", "destroy --order FILE --signature ORDER"])
def test_destroy_is_either_one_or_the_other(place: Place, call: Call, words: str) -> None:
    """Neither or both ways of calling it at once is S421."""
    answer = call("-C", place.home, "archive", *words.split(), "--json")
    assert (answer.status, answer.code) == (2, "S421")


def test_files_that_are_not_there(place: Place, call: Call, tmp_path: Path) -> None:
    """A missing order or signature is S417."""
    missing = tmp_path / "missing"
    answer = call("-C", place.home, "archive", "destroy", missing, "--json")
    assert (answer.status, answer.code) == (2, "S417")


def test_an_order_says_each_row_that_goes(place: Place) -> None:
    """What two people sign names office, originals and their rows, and nothing of a person."""
    with Office.at(place.home) as office:
        order, _ = ordered(office)
    told = json.loads(order)
    assert told["office"] == "33010001"
    rows = [row for item in told["originals"] for row in item["rows"]]
    assert {row[0] for row in rows} == {"receipt-received", "package-sent"}
    assert {row[3] for row in rows} == set(place.cases)
