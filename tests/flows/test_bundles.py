"""Evidence bundles of real exchanges: both directions hold, and whatever is changed is found with its code."""

import random
import stat
import subprocess
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive import checkpoints, journal, registry
from archive.bundle import checking, container, parts
from archive.bundle.parts import Bundle, Manifest
from archive.checkpoints import JournalKey
from flows import bundle_checks, bundles
from flows.bundle_checks import BundleReport, verify
from flows.keeping import keep_sent
from flows.own_card import own_card
from flows.times import now, utc_text
from flows.wiring import Office
from formats import xml
from formats.digest import sha256
from formats.errors import IntegrityError, RefusedError, UsageError
from formats.messages import Approval, Delivery, Receipt
from tests import exchange
from tests.command_line import Call
from tests.office import Pair, copied, fill, found_pair, open_approved, some_people
from tests.parts import need
from tests.transfer.gnupg import gnupg
from transfer import detached, envelope
from transfer.envelope import generate_key, load_secret
from transfer.partners import Directory, render_card

SENDER, RECEIVER = "33010001", "44030001"
DELIVERY = "documents/1-delivery.xml"


@dataclass(frozen=True)
class Evidence:
    """Two offices after an exchange of one case, and the bundle that each of them made of it."""

    pair: Pair
    case: str
    sent: bytes
    received: bytes

    def of(self, direction: str) -> bytes:
        """The bundle of the sending (`out`) or the receiving office (`in`)."""
        return self.sent if direction == "out" else self.received

    def home(self, direction: str) -> Path:
        """The home of the office that made it."""
        return self.pair.sender if direction == "out" else self.pair.receiver


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    """One case, accepted."""
    pair = found_pair(tmp_path_factory.mktemp("evidence"))
    ((person, record),) = some_people(1)
    fill(pair.sender, [(person, record)])
    (case,) = open_approved(pair, [person])
    exchange.send(pair)
    exchange.receive(pair.receiver)
    exchange.acknowledge(pair.receiver)
    exchange.receive(pair.sender)
    return Evidence(pair, case, made(pair.sender, case), made(pair.receiver, case))


def made(home: Path, case: str) -> bytes:
    """A bundle made by the office of this home."""
    with Office.at(home) as office:
        return bundles.make(office, case, "staff-9", now())


def codes(report: BundleReport) -> set[str]:
    """All codes that a report has."""
    return {check.code for check in report.checks} - {""}


def first(data: bytes, **more: Mapping[str, str]) -> tuple[str, str]:
    """Code and part of the first check that does not hold."""
    found = verify(data, **more).first
    assert found is not None
    return found.code, found.part


def signed_anew(home: Path, manifest: Manifest, changed: Mapping[str, bytes]) -> bytes:
    """A bundle as its own office could forge it: other parts, sums and manifest made anew, signed with its key."""
    kept = {name: data for name, data in changed.items() if name not in (parts.MANIFEST, parts.SIGNATURE, parts.SUMS)}
    found = {parts.SUMS: parts.sums(kept), **kept}
    listed = replace(manifest, parts=tuple(parts.note(name, data) for name, data in found.items()))
    text = parts.render(listed)
    with Office.at(home) as office:
        signature = detached.sign(text, office.key, now())
    return container.pack({parts.MANIFEST: text, parts.SIGNATURE: signature, **found})


def forged(evidence: Evidence, direction: str, change: Callable[[Bundle], Bundle]) -> bytes:
    """The bundle of an office that changed it and signed it again."""
    other = change(checking.take_apart(evidence.of(direction)))
    return signed_anew(evidence.home(direction), other.manifest, other.parts)


@pytest.mark.parametrize("direction", ["out", "in"])
def test_both_offices_have_evidence_that_holds(evidence: Evidence, direction: str) -> None:
    """Every check was made on something and holds; the keys are named, the receipt's outcome and its checkpoint shown."""
    report = verify(evidence.of(direction))
    assert report.first is None
    assert {check.step for check in report.checks} == set(bundle_checks.STEPS) - {3}
    office, partner = (SENDER, RECEIVER) if direction == "out" else (RECEIVER, SENDER)
    assert (report.office, report.partner, report.case) == (office, partner, evidence.case)
    assert [signature.office for signature in report.signatures] == [office, SENDER, RECEIVER]
    assert not report.compared
    (receipt,) = report.receipts
    assert (receipt.office, receipt.outcome) == (RECEIVER, "accepted")
    assert receipt.head == "holds"
    assert checkpoints.parse(receipt.checkpoint).origin == f"jiexu/{RECEIVER}/journal"


def test_what_is_in_a_bundle(evidence: Evidence) -> None:
    """Outgoing: delivery, signature, package, the receipt's package; incoming: the package, receipt, signature, package."""
    for data, kinds in (
        (evidence.sent, ["delivery-sent", "signature-sent", "package-sent", "receipt-received"]),
        (evidence.received, ["package-received", "receipt-sent", "signature-sent", "package-sent"]),
    ):
        manifest, found = checking.take_apart(data)
        assert [item.kind for item in manifest.originals] == kinds
        assert all(sha256(found[item.part]) == item.digest for item in manifest.originals)
        assert sorted(item.kind for item in manifest.documents) == ["delivery", "receipt"]
        assert {item.office for item in manifest.keys} == {SENDER, RECEIVER}


def test_a_bundle_is_journalled(evidence: Evidence) -> None:
    """The journal says who made which bundle, by case and digest, and nothing of the person."""
    with Office.at(evidence.pair.sender) as office:
        entries = [line for line in journal.entries(office.ledger) if line.kind == "bundled"]
    assert dict(entries[0].what) == {"case": evidence.case, "digest": sha256(evidence.sent)}
    assert entries[0].who == "staff-9"


def test_an_unknown_or_empty_case_has_no_bundle(evidence: Evidence, tmp_path: Path) -> None:
    """A case that is not known, or of which nothing is kept yet, is S412."""
    pair = copied(evidence.pair.sender.parent, tmp_path / "copy")
    ((person, _),) = some_people(1)
    (open_case,) = open_approved(pair, [person])
    for number in ("33010001-2026-009999", open_case):
        with pytest.raises(UsageError, match="S412"):
            made(pair.sender, number)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(["out", "in"]), st.floats(0, 1, exclude_max=True), st.integers(0, 7))
def test_every_flipped_bit_is_found(evidence: Evidence, direction: str, where: float, bit: int) -> None:
    """One flipped bit anywhere in the file: the bundle does not hold, by its form, a digest or a signature."""
    data = bytearray(evidence.of(direction))
    data[int(where * len(data))] ^= 1 << bit
    assert first(bytes(data))[0] in {"A520", "A522", "A523"}


@pytest.mark.parametrize("direction", ["out", "in"])
def test_a_flipped_bit_is_named_by_its_part(evidence: Evidence, direction: str) -> None:
    """In whatever part a bit is flipped, that part is the first that is named; the manifest by its form or signature."""
    chance = random.Random(3)
    bundle = checking.take_apart(evidence.of(direction))
    for name, data in bundle.parts.items():
        changed = bytearray(data)
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
        code, part = first(container.pack({**bundle.parts, name: bytes(changed)}))
        assert code in {"A520", "A522", "A523"}
        assert part in ({parts.MANIFEST, name} if name == parts.SIGNATURE else {name}) or name == parts.MANIFEST


def test_every_octet_of_the_manifests_signature_counts(evidence: Evidence) -> None:
    """No digest covers it, and OpenPGP does not protect all of it: still no octet can be another."""
    bundle = checking.take_apart(evidence.sent)
    chance = random.Random()
    for place in range(len(bundle.parts[parts.SIGNATURE])):
        changed = bytearray(bundle.parts[parts.SIGNATURE])
        changed[place] ^= 1 << chance.randrange(8)
        code, part = first(container.pack({**bundle.parts, parts.SIGNATURE: bytes(changed)}))
        assert code in {"A520", "A522", "A523"}
        assert part in {parts.SIGNATURE, parts.MANIFEST}


@pytest.mark.parametrize("direction", ["out", "in"])
def test_a_dropped_part_is_named(evidence: Evidence, direction: str) -> None:
    """Each part that is taken out is the first that is named: A520."""
    bundle = checking.take_apart(evidence.of(direction))
    for name in bundle.parts:
        left = container.pack({part: data for part, data in bundle.parts.items() if part != name})
        assert first(left) == ("A520", name)


def test_swapped_parts_are_named(evidence: Evidence) -> None:
    """Any two parts with each other's bytes: one of the two is named first."""
    bundle = checking.take_apart(evidence.sent)
    names = [name for name in bundle.parts if name not in (parts.MANIFEST, parts.SIGNATURE)]
    for one, two in pairwise(names):
        swapped = {**bundle.parts, one: bundle.parts[two], two: bundle.parts[one]}
        code, part = first(container.pack(swapped))
        assert code == "A520"
        assert part in {one, two}


def test_parts_of_another_bundle_do_not_fit(evidence: Evidence) -> None:
    """The manifest of one office's bundle with the parts of the other's is refused."""
    sent, received = (checking.take_apart(data) for data in (evidence.sent, evidence.received))
    mixed = {**received.parts, parts.MANIFEST: sent.parts[parts.MANIFEST], parts.SIGNATURE: sent.parts[parts.SIGNATURE]}
    assert first(container.pack(mixed))[0] == "A520"


def with_part(name: str, data: bytes) -> Callable[[Bundle], Bundle]:
    """Another part in a bundle."""
    return lambda bundle: Bundle(bundle.manifest, {**bundle.parts, name: data})


def with_original(**changes: str) -> Callable[[Bundle], Bundle]:
    """Another line for the first original."""
    return lambda bundle: Bundle(
        replace(
            bundle.manifest,
            originals=(replace(bundle.manifest.originals[0], **changes), *bundle.manifest.originals[1:]),
        ),  # type: ignore[arg-type]
        bundle.parts,
    )


def with_keys(office: str, /, **changes: str) -> Callable[[Bundle], Bundle]:
    """Other bounds for an office's keys."""

    def change(bundle: Bundle) -> Bundle:
        keys = tuple(replace(key, **changes) if key.office == office else key for key in bundle.manifest.keys)
        return Bundle(replace(bundle.manifest, keys=keys), bundle.parts)

    return change


def other_case(bundle: Bundle) -> Bundle:
    """The bundle as if it were of another case."""
    return Bundle(replace(bundle.manifest, case="33010001-2026-000777"), bundle.parts)


@pytest.mark.parametrize(
    ("change", "code", "part"),
    [
        (with_part(DELIVERY, b"<forged/>"), "A521", DELIVERY),
        (with_original(digest="0" * 64), "A521", DELIVERY),
        (with_original(kept_at="2020-01-01T00:00:00Z"), "A526", DELIVERY),
        (with_original(message_id="another"), "A526", DELIVERY),
        (with_original(entry="{}"), "A526", DELIVERY),
        (other_case, "A521", DELIVERY),
        (with_part(f"{DELIVERY}.sig", b"no signature"), "A521", f"{DELIVERY}.sig"),
        (with_part("packages/3-sent.pgp", b"another package"), "A521", "packages/3-sent.pgp"),
        (with_part("documents/4-receipt.xml", b"<forged/>"), "A521", "documents/4-receipt.xml"),
        (with_part("documents/4-receipt.xml.sig", b"none"), "A522", "documents/4-receipt.xml"),
        (with_keys(RECEIVER, revoked="2026-01-01T00:00:00Z"), "A523", "documents/4-receipt.xml"),
        (with_keys(RECEIVER, not_before="2999-01-01T00:00:00Z"), "A523", "documents/4-receipt.xml"),
        (with_keys(RECEIVER, not_after="2001-01-01T00:00:00Z"), "A523", "documents/4-receipt.xml"),
        (with_keys(SENDER, not_after="2001-01-01T00:00:00Z"), "A523", parts.MANIFEST),
        (with_keys(RECEIVER, office="11010001"), "A522", "documents/4-receipt.xml"),
        (with_part(parts.CHECKPOINT, b"none"), "A527", parts.CHECKPOINT),
        (with_part(parts.VERIFIER, b"none"), "A527", parts.CHECKPOINT),
    ],
)
def test_what_the_maker_itself_forges_is_found(
    evidence: Evidence, change: Callable[[Bundle], Bundle], code: str, part: str
) -> None:
    """The office that makes a bundle, and signs it, cannot change what it holds: the check that says so is the first."""
    assert first(forged(evidence, "out", change)) == (code, part)


def test_a_key_that_has_expired_since_is_still_good(evidence: Evidence) -> None:
    """What counts is that a key was valid when it signed."""
    after = utc_text(now() + timedelta(seconds=2))
    assert verify(forged(evidence, "out", with_keys(RECEIVER, not_after=after))).first is None


def test_the_partners_bounds_on_a_key_are_in_the_bundle(evidence: Evidence, tmp_path: Path) -> None:
    """A key that the office's own file on the partner calls revoked makes the receipt A523; the bundle can be made."""
    pair = copied(evidence.pair.sender.parent, tmp_path / "copy")
    file = pair.sender / f"partners/{RECEIVER}.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("\nnot_before", "\nrevoked = 2026-12-01T00:00:00Z\nnot_before"), encoding="utf-8")
    assert first(made(pair.sender, evidence.case)) == ("A523", "documents/4-receipt.xml")


def test_an_earlier_key_of_the_office_still_proves(evidence: Evidence, tmp_path: Path) -> None:
    """After an office changed its key, the old one beside it opens and proves what is from before; without it: T111."""
    pair = copied(evidence.pair.sender.parent, tmp_path / "copy")
    file = pair.sender / "keys/office.asc"
    with Office.at(pair.sender) as office:
        fresh = generate_key(f"{SENDER} <{SENDER}@jiexu>", office.settings.passphrase(), now())
    old = file.read_text(encoding="ascii")
    file.write_text(fresh, encoding="ascii")
    with pytest.raises(RefusedError, match="T111"):
        made(pair.sender, evidence.case)
    (pair.sender / "keys/office-1.asc").write_text(old, encoding="ascii")
    report = verify(made(pair.sender, evidence.case))
    assert report.first is None
    assert len({signature.fingerprint for signature in report.signatures if signature.office == SENDER}) == 2
    (pair.sender / "keys/office-2.asc").write_bytes(b"\xff")
    with pytest.raises(UsageError, match="S408"):
        made(pair.sender, evidence.case)


def forged_delivery(evidence: Evidence) -> bytes:
    """The delivery with another wage in it: same header, same approvals."""
    bundle = checking.take_apart(evidence.received)
    document = bundle.parts[DELIVERY]
    message = xml.decode(document)
    assert isinstance(message, Delivery)
    person = message.record.person._replace(name="冒名")
    return xml.encode(replace(message, record=replace(message.record, person=person)))


def test_the_receiver_cannot_put_words_into_the_senders_mouth(evidence: Evidence) -> None:
    """A delivery that the sender never signed, beside a package that nobody else can open: A522."""
    assert first(forged(evidence, "in", with_part(DELIVERY, forged_delivery(evidence)))) == ("A522", DELIVERY)


def test_another_key_in_the_senders_name_is_found_by_whoever_knows_the_senders(evidence: Evidence) -> None:
    """A forger who brings a key of his own for the other office is found when keys are compared, and only then."""
    forger = load_secret(generate_key("forger", "secret", now()), "secret")
    document = forged_delivery(evidence)

    def change(bundle: Bundle) -> Bundle:
        key = next(key for key in bundle.manifest.keys if key.office == SENDER)
        keys = (
            replace(key, fingerprint=forger.fingerprint, not_before=""),
            *(each for each in bundle.manifest.keys if each != key),
        )
        (receipt,) = (note for note in bundle.manifest.documents if note.kind == "receipt")
        documents = tuple(note for note in bundle.manifest.documents if note != receipt)
        signature = detached.sign(document, forger, now())
        more = {DELIVERY: document, f"{DELIVERY}.sig": signature, key.part: forger.public.armored.encode()}
        return Bundle(replace(bundle.manifest, keys=keys, documents=documents), {**bundle.parts, **more})

    data = forged(evidence, "in", change)
    assert verify(data).first is None
    assert first(data, trusted=trusted(evidence)) == ("A522", checking.take_apart(data).manifest.keys[0].part)


def trusted(evidence: Evidence) -> dict[str, str]:
    """Both offices' fingerprints with their codes, as cards tell them."""
    cards = {}
    for home in (evidence.pair.sender, evidence.pair.receiver):
        with Office.at(home) as office:
            cards[office.key.fingerprint] = office.code
    return cards


def test_keys_are_compared(evidence: Evidence) -> None:
    """Among the trusted keys: holds. One is missing, or stands for the other office: A522 with the key's part."""
    known = trusted(evidence)
    for direction in ("out", "in"):
        data = evidence.of(direction)
        report = verify(data, known)
        assert report.first is None
        assert report.compared
        assert verify(data, dict.fromkeys(known, "")).first is None
        for fingerprint, office in known.items():
            part = f"keys/{office}-{fingerprint}.asc"
            assert first(data, trusted={key: who for key, who in known.items() if key != fingerprint}) == ("A522", part)
            assert first(data, trusted={**known, fingerprint: "11010001"}) == ("A522", part)


def test_one_key_stands_for_one_office(evidence: Evidence) -> None:
    """A maker who lists his own trusted key for the partner too is found: A520."""

    def change(bundle: Bundle) -> Bundle:
        key = next(key for key in bundle.manifest.keys if key.office == SENDER)
        return Bundle(
            replace(bundle.manifest, keys=(*bundle.manifest.keys, replace(key, office=RECEIVER))), bundle.parts
        )

    assert first(forged(evidence, "out", change))[0] == "A520"


def test_the_journals_key_is_compared(evidence: Evidence) -> None:
    """A head signed with a new journal key is no head of the journal that the office's card names: A527."""
    strange = JournalKey.generate(f"jiexu/{SENDER}/journal")

    def change(bundle: Bundle) -> Bundle:
        head = checkpoints.parse(bundle.parts[parts.CHECKPOINT].decode())
        more = {
            parts.VERIFIER: f"{strange.verifier}\n".encode(),
            parts.CHECKPOINT: checkpoints.sign(head, strange).encode(),
        }
        return Bundle(bundle.manifest, {**bundle.parts, **more})

    with Office.at(evidence.pair.sender) as office:
        journals = {SENDER: office.journal_key.verifier}
    assert first(forged(evidence, "out", change), journals=journals) == ("A527", parts.CHECKPOINT)
    assert verify(evidence.sent, journals=journals).first is None


@pytest.mark.parametrize("direction", ["out", "in"])
def test_the_head_in_a_receipt_is_judged_by_its_journals_key(evidence: Evidence, direction: str) -> None:
    """By the key in the bundle; a card's key goes before it and finds another's head (A527); none known: it says so."""
    data, strange = evidence.of(direction), JournalKey.generate(f"jiexu/{RECEIVER}/journal")
    (receipt,) = verify(data).receipts
    report = verify(data, journals={RECEIVER: strange.verifier})
    assert report.receipts[0].head == "wrong"
    assert (11, receipt.part, "A527") in {(check.step, check.part, check.code) for check in report.checks}
    anothers = verify(data, journals={RECEIVER: JournalKey.generate(f"jiexu/{SENDER}/journal").verifier})
    assert anothers.receipts[0].head == "wrong"


def test_a_bundle_without_the_partners_journal_key(evidence: Evidence) -> None:
    """An office that knows no journal key of its partner's makes evidence that holds, and the head is called unknown."""

    def change(bundle: Bundle) -> Bundle:
        left = {name: data for name, data in bundle.parts.items() if name != parts.PARTNER_VERIFIER}
        return Bundle(bundle.manifest, left)

    report = verify(forged(evidence, "out", change))
    assert (report.first, report.receipts[0].head) == (None, "unknown")


def test_a_manifest_says_nothing_that_steers_a_terminal(evidence: Evidence) -> None:
    """No text of it, not even a part's name that is only shown when it is missing, has control characters: A520."""
    assert first(forged(evidence, "out", with_original(part="\x9b2J"))) == ("A520", parts.MANIFEST)
    assert first(forged(evidence, "out", with_keys(RECEIVER, part="\x9b2J"))) == ("A520", parts.MANIFEST)


def approved_by(*names: str, sent: timedelta = timedelta(0), last: str = "") -> Callable[[Delivery], bytes]:
    """A delivery with its approvals signed by these people; sent so much later, the last approval at another time."""

    def alter(delivery: Delivery) -> bytes:
        given = [Approval(one.stage, name, one.at) for one, name in zip(delivery.approvals, names, strict=False)]
        if last:
            given[-1] = given[-1]._replace(at=last)
        return xml.encode(replace(delivery, approvals=tuple(given)))

    return alter


def test_approvals_that_art_7_does_not_know(tmp_path: Path) -> None:
    """A stage is missing, one person signed twice, a stage was signed after the sending or before the one before: A525."""
    pair = found_pair(tmp_path)
    people = some_people(5)
    fill(pair.sender, people)
    cases = open_approved(pair, [person for person, _ in people])
    alters = [
        approved_by("a", "b", "c"),
        approved_by("a", "b", "c", "a"),
        approved_by("a", "b", "c", "d", last="2999-01-01T00:00:00Z"),
        approved_by("a", "b", "c", "d", last="2001-01-01T00:00:00Z"),
        approved_by("a", "b", "c", "d"),
    ]
    exchange.seal_as_is(pair, dict(zip(cases, alters, strict=True)))
    for case in cases[:4]:
        assert first(made(pair.sender, case)) == ("A525", DELIVERY)
    assert verify(made(pair.sender, cases[4])).first is None


@pytest.mark.parametrize("change", [{"digest": "0" * 64}, {"answers": "00000000-0000-4000-8000-000000000000"}])
def test_a_receipt_for_something_else(evidence: Evidence, tmp_path: Path, change: dict[str, str]) -> None:
    """A receipt that is signed and registered, but for other bytes or another message: A524."""
    pair = copied(evidence.pair.sender.parent, tmp_path / "copy")
    bundle = checking.take_apart(evidence.received)
    message = xml.decode(bundle.parts["documents/2-receipt.xml"])
    assert isinstance(message, Receipt)
    identity = "11111111-1111-4111-8111-111111111111"
    answers = change.get("answers", message.header.answers)
    header = replace(message.header, message_id=identity, sequence=99, answers=answers)
    other = replace(message, header=header, digest=change.get("digest", message.digest))
    with Office.at(pair.receiver) as office:
        document = xml.encode(other)
        sealed = envelope.seal(document, office.key, office.directory.partner(SENDER).recipient(now()), now())
        (kept,) = keep_sent(office, "receipt-sent", [(document, sealed)], now())
        values = [
            registry.original_values(item, "in", SENDER, evidence.case, identity, utc_text(now())) for item in kept
        ]
        with office.ledger.writing() as connection:
            registry.register(connection, values, "why", "staff-1", utc_text(now()))
    assert first(made(pair.receiver, evidence.case)) == ("A524", "documents/5-receipt.xml")


def test_a_document_without_a_signature_proves_nothing(evidence: Evidence) -> None:
    """Of an older home no signature was kept: the rest holds, and the document is named: A522."""

    def change(bundle: Bundle) -> Bundle:
        signature = f"{DELIVERY}.sig"
        documents = tuple(
            replace(note, signature="") if note.part == DELIVERY else note for note in bundle.manifest.documents
        )
        originals = tuple(item for item in bundle.manifest.originals if item.part != signature)
        left = {name: data for name, data in bundle.parts.items() if name != signature}
        return Bundle(replace(bundle.manifest, documents=documents, originals=originals), left)

    report = verify(forged(evidence, "out", change))
    assert [(check.code, check.part) for check in report.checks if check.code] == [("A522", DELIVERY)]


@given(st.binary(max_size=3000))
def test_any_bytes_are_judged(data: bytes) -> None:
    """Whatever the file is, there is a report that names A520; nothing is raised."""
    assert first(data) == ("A520", parts.MANIFEST)


def test_what_is_damaged_cannot_be_bundled(evidence: Evidence, tmp_path: Path) -> None:
    """A bundle is made of originals that are as they were kept: a damaged archive is told instead (A501, A502)."""
    pair = copied(evidence.pair.sender.parent, tmp_path / "copy")
    with Office.at(pair.sender) as office:
        for tar in office.archive.rglob("*.tar"):
            tar.chmod(0o600)
            tar.write_bytes(bytes(tar.stat().st_size))
        with pytest.raises(IntegrityError, match=r"A50[12]"):
            bundles.make(office, evidence.case, "staff-9", now())


def test_by_hand(evidence: Evidence, tmp_path: Path) -> None:
    """What README.txt says works: tar, sha256sum and gpg check a bundle without Jiexu."""
    for direction in ("out", "in"):
        folder = tmp_path / direction
        folder.mkdir()
        (folder / "file").write_bytes(evidence.of(direction))
        subprocess.run([need("tar"), "xf", "file"], cwd=folder, check=True)
        summed = subprocess.run(
            [need("sha256sum"), "--check", "--strict", parts.SUMS],
            cwd=folder,
            capture_output=True,
            check=True,
            text=True,
        )
        assert summed.stdout.count(": OK\n") == len(checking.take_apart(evidence.of(direction)).parts) - 3
        with gnupg(now() + timedelta(days=1)) as gpg:
            gpg.run("--import", *map(str, folder.glob("keys/*.asc")))
            documents = [*folder.glob("documents/*.xml"), folder / parts.MANIFEST]
            assert len(documents) == 3
            for file in documents:
                done = gpg.run("--verify", f"{file}.sig", str(file))
                assert b"GOODSIG" in done.stderr


def test_the_commands(evidence: Evidence, call: Call, tmp_path: Path) -> None:
    """`bundle` writes a private file and warns; `verify` needs no home, and ends with 4 and the first flaw."""
    file = tmp_path / "case.bundle"
    answer = call("-C", evidence.pair.sender, "archive", "bundle", evidence.case, "-o", file, "--by", "staff-9")
    assert (answer.status, stat.S_IMODE(file.stat().st_mode)) == (0, 0o600)
    assert "personal data" in answer.err
    cards = []
    with ExitStack() as stack:
        for home in (evidence.pair.sender, evidence.pair.receiver):
            office = stack.enter_context(Office.at(home))
            card = tmp_path / f"{office.code}.card"
            card.write_text(render_card(own_card(office)), encoding="utf-8")
            cards += ["--card", card]
    nowhere = tmp_path / "nowhere"
    answer = call("-C", nowhere, "archive", "verify", file, *cards, "--json")
    assert (answer.status, answer.document["holds"], answer.document["compared"]) == (0, True, True)
    assert answer.document["digest"] == sha256(file.read_bytes())
    answer = call("-C", nowhere, "archive", "verify", file)
    assert answer.status == 0
    assert "the evidence holds, if the fingerprints" in answer.out
    assert "signed by that journal's key" in answer.out
    assert "keys not compared" in answer.out
    answer = call("-C", nowhere, "archive", "verify", file, "--trust", "ab " * 20, "--json")
    assert (answer.status, answer.document["first"]["code"]) == (4, "A522")
    file.write_bytes(file.read_bytes()[:-1])
    answer = call("-C", nowhere, "archive", "verify", file)
    assert answer.status == 4
    assert "it does not hold: first A520" in answer.out


def test_the_commands_refuse(evidence: Evidence, call: Call, tmp_path: Path) -> None:
    """No such case, no such file, a fingerprint that is none: a code each, and no file is left."""
    file = tmp_path / "case.bundle"
    answer = call("-C", evidence.pair.sender, "archive", "bundle", "33010001-2026-009999", "-o", file, "--json")
    assert (answer.status, answer.code, file.exists()) == (2, "S412", False)
    answer = call("archive", "verify", file, "--json")
    assert (answer.status, answer.code) == (2, "S417")
    file.write_bytes(evidence.sent)
    answer = call("archive", "verify", file, "--trust", "abc", "--json")
    assert (answer.status, answer.code) == (2, "S421")
    with Office.at(evidence.pair.sender) as office:
        assert Directory.load(office.settings.path("partners")).partners.keys() == {RECEIVER}
