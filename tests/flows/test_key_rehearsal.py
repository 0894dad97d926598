"""The rehearsal of a key: what each file proves, and what is refused; and the warnings of keys that end soon."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from archive import journal
from flows import key_rehearsal, key_warnings, own_card, own_keys, partnering, passes, rotating, upkeeping
from flows.key_rehearsal import Rehearsed
from flows.reports import Warned
from flows.times import now, utc_text
from flows.wiring import Office
from formats.errors import RefusedError, ServiceError, UsageError
from tests.command_line import Call, outside
from tests.office import Pair, configure, copied, found_pair
from tests.transfer.gnupg import gnupg
from transfer import envelope
from transfer.cards import Card, parse_card
from transfer.partners import Directory

SENDER, RECEIVER = "33010001", "44030001"


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two offices that know each other; the receiver's next key is told, not yet used."""
    folder = tmp_path_factory.mktemp("founded")
    pair = found_pair(folder)
    with Office.at(pair.receiver) as office:
        rotating.begin(office, "staff-9", now())
        card = parse_card(own_card.card_text(office, now()))
    with Office.at(pair.sender) as office:
        partnering.add(office, card, "staff-9", now(), timedelta(days=30))
    return folder


@pytest.fixture
def pair(founded: Path, tmp_path: Path) -> Pair:
    """A copy of them."""
    return copied(founded, tmp_path)


def probed(pair: Pair, fingerprint: str = "") -> Rehearsed:
    """The sender's probe of the receiver's newest key, or of this one."""
    with Office.at(pair.sender) as office:
        return key_rehearsal.probe(office, RECEIVER, now(), fingerprint)


def answered(pair: Pair, package: bytes) -> Rehearsed:
    """The receiver's answer."""
    with Office.at(pair.receiver) as office:
        return key_rehearsal.answer(office, package, now())


def checked(pair: Pair, package: bytes) -> Rehearsed:
    """The sender's check."""
    with Office.at(pair.sender) as office:
        return key_rehearsal.check(office, package, "staff-9", now())


def test_a_rehearsal_proves_the_next_key(pair: Pair, call: Call, tmp_path: Path) -> None:
    """By the command line, three steps: the receiver's next key opens and signs, before it is used for anything."""
    with Office.at(pair.receiver) as office:
        present, following = own_keys.every(office.settings)
        assert office.key.fingerprint == present.fingerprint
    probe, reply = tmp_path / "probe", tmp_path / "reply"
    one = call("-C", pair.sender, "partner", "rehearse", RECEIVER, "-o", probe, "--json").document
    two = call("-C", pair.receiver, "partner", "rehearse", "--answer", probe, "-o", reply, "--json").document
    three = call("-C", pair.sender, "partner", "rehearse", "--check", reply, "--by", "staff-9", "--json").document
    assert one["theirs"] == two["ours"] == three["theirs"] == following.fingerprint
    assert one["ours"] == two["theirs"] == three["ours"]
    assert [len(item["proved"]) for item in (one, two, three)] == [2, 4, 4]
    assert any(following.fingerprint in line and "secret key" in line for line in three["proved"])
    assert f"{RECEIVER} signed the answer with its key {following.fingerprint}" in three["proved"][2]
    with Office.at(pair.sender) as office:
        (entry,) = [item for item in journal.entries(office.ledger) if item.kind == "key-rehearsed"]
        assert (entry.what["theirs"], entry.who) == (following.fingerprint, "staff-9")
        keys, pins = office.opening_keys(now()), office.directory.pins()
        document = envelope.unseal(reply.read_bytes(), keys, pins, now()).data
    assert set(json.loads(document)) == {"form", "kind", "sender", "receiver", "made", "opens", "signs", "number"}


def test_an_earlier_key_can_be_probed_too(pair: Pair) -> None:
    """With a fingerprint the probe is for that key; one that the partner has not is S481."""
    with Office.at(pair.receiver) as office:
        old = office.key.fingerprint
    assert probed(pair, old.lower()).theirs == old
    assert checked(pair, answered(pair, probed(pair, old).package).package).theirs == old
    with pytest.raises(UsageError, match="S481"):
        probed(pair, "0" * 40)


def test_what_is_no_probe_or_answer_is_refused(pair: Pair) -> None:
    """A probe as an answer, an answer as a probe, an answer to nobody's probe, another's signature: each by its code."""
    probe = probed(pair).package
    reply = answered(pair, probe).package
    trials: list[tuple[Callable[[], object], str]] = [
        (lambda: checked(pair, probe), "T111"),
        (lambda: answered(pair, reply), "T111"),
        (lambda: answered(pair, _sealed(pair, b"{}")), "S484"),
        (lambda: answered(pair, _sealed(pair, b"[")), "S484"),
        (lambda: answered(pair, _sealed(pair, _note(pair, form="other"))), "S484"),
        (lambda: answered(pair, _sealed(pair, _note(pair, kind="answer"))), "S484"),
        (lambda: answered(pair, _sealed(pair, _note(pair, sender="51010001"))), "S484"),
        (lambda: answered(pair, _sealed(pair, _note(pair, signs="0" * 40))), "S484"),
        (lambda: answered(pair, _sealed(pair, _note(pair, opens="0" * 40))), "S484"),
        (lambda: answered(pair, probe[:-1]), "T110"),
        (lambda: answered(pair, probe[:-30] + bytes([probe[-30] ^ 1]) + probe[-29:]), "T113"),
    ]
    for act, code in trials:
        with pytest.raises(ServiceError) as caught:
            act()
        assert caught.value.code == code
    for file in (pair.sender / "rehearsals").iterdir():
        file.unlink()
    with pytest.raises(UsageError, match="S484"):
        checked(pair, reply)
    assert checked(pair, answered(pair, probed(pair).package).package).partner == RECEIVER


def test_a_name_cannot_lead_out_of_the_folder(pair: Pair) -> None:
    """What an answer names is a digest or nothing."""
    with Office.at(pair.receiver) as office, Office.at(pair.sender) as other:
        ours, theirs = office.key, other.key
        values = _note(pair, kind="answer", sender=RECEIVER, receiver=SENDER, number="../office")
        note = json.loads(values) | {"signs": ours.fingerprint, "opens": theirs.fingerprint}
        package = envelope.seal(json.dumps(note).encode(), ours, theirs.public, now()).package
    with pytest.raises(UsageError, match="S484"):
        checked(pair, package)


def test_an_answer_by_a_key_that_is_not_pinned(pair: Pair) -> None:
    """A receiver whose card the sender has not added cannot answer: T130."""
    with Office.at(pair.receiver) as office:
        rotating.switch(office, "staff-9", now(), timedelta(days=30))
        rotating.begin(office, "staff-9", now())
    reply = answered(pair, probed(pair).package).package
    with pytest.raises(RefusedError, match="T130"):
        checked(pair, reply)


def _note(pair: Pair, **changes: str) -> bytes:
    """A probe's note of the sender to the receiver's next key, changed."""
    with Office.at(pair.sender) as office, Office.at(pair.receiver) as other:
        following = own_keys.every(other.settings)[1]
        told = {"form": "jiexu key rehearsal 1", "kind": "probe", "sender": SENDER, "receiver": RECEIVER}
        told |= {"made": utc_text(now()), "opens": following.fingerprint, "signs": office.key.fingerprint}
    return json.dumps(told | {"number": "0" * 64} | changes).encode()


def _sealed(pair: Pair, document: bytes) -> bytes:
    with Office.at(pair.sender) as office:
        recipient = office.directory.partner(RECEIVER).recipient(now())
        return envelope.seal(document, office.key, recipient, now()).package


def ending(home: Path, at: datetime) -> None:
    """Have every key of the only partner end at this time."""
    with Office.at(home) as office:
        for code, partner in office.directory.partners.items():
            for known in partner.keys:
                Directory.end(home / "partners", code, known.key.fingerprint, at)


@pytest.mark.parametrize(
    ("days", "told"), [(61, ()), (59, ("60",)), (29, ("30",)), (6, ("7",)), (0, ("7",)), (-1, ("none",))]
)
def test_passes_warn_before_a_key_ends(pair: Pair, days: int, told: tuple[str, ...]) -> None:
    """At 60, 30 and 7 days, by the number; then that there is none. The passes succeed all the same."""
    ending(pair.sender, now() + timedelta(days=days, hours=1))
    with Office.at(pair.sender) as office:
        reports = [passes.send(office), passes.receive(office), upkeeping.upkeep(office)]
    for report in reports:
        assert report.failed == ()
        warnings = report.warnings
        assert [item.subject for item in warnings] == [RECEIVER] * len(told)
        assert [item.code for item in warnings] == ["S483" if word == "none" else "S482" for word in told]
        assert all(
            word == "none" or f"within {word} days" in item.detail for word, item in zip(told, warnings, strict=True)
        )


def test_the_days_are_a_setting(pair: Pair) -> None:
    """An office that wants to be warned a year before says so; the own next key is looked at, not the one it replaces."""
    ending(pair.sender, now() + timedelta(days=300))
    with Office.at(pair.sender) as office:
        settings = replace(office.settings, warn_days=(365,))
    with Office(settings) as office:
        (warning,) = key_warnings.warnings(office, now())
        assert isinstance(warning, Warned)
        assert "within 365 days" in warning.detail
    with Office.at(pair.receiver) as office:
        assert key_warnings.warnings(office, now()) == ()
        assert [line.role for line in key_warnings.own(office.settings, now())] == ["present", "next"]


def test_a_directory_that_cannot_be_read_has_no_warnings(pair: Pair) -> None:
    """Warnings never make a pass fail: what needs the directory names it."""
    (pair.sender / f"partners/{RECEIVER}.toml").write_text("wrong", encoding="utf-8")
    with Office.at(pair.sender) as office:
        assert key_warnings.warnings(office, now()) == ()


def test_the_directory_by_the_command_line(pair: Pair, call: Call) -> None:
    """List shows each key's state and days; end and revoke change them, and the journal says who did."""

    def states() -> list[tuple[str, int | None]]:
        found = call("-C", pair.sender, "partner", "list", "--json").document["partners"]
        return [(item["state"], item["days_left"]) for item in found]

    listed = call("-C", pair.sender, "partner", "list", "--json").document
    assert [(item["role"], item["state"]) for item in listed["own"]] == [("present", "valid")]
    assert states() == [("valid", 29), ("valid", None)]
    old, new = (item["fingerprint"] for item in listed["partners"])
    for words, expected in (
        (["end", RECEIVER, "--fingerprint", new.lower(), "--at", "2026-01-01T00:00:00+08:00"], ("ended", 0)),
        (["end", RECEIVER, "--fingerprint", new, "--at", "2099-01-01T00:00:00Z"], ("valid", None)),
        (["end", RECEIVER, "--fingerprint", new], ("ended", 0)),
        (["revoke", RECEIVER, "--fingerprint", new], ("revoked", 0)),
        (["end", RECEIVER, "--fingerprint", new, "--at", "2099-01-01T00:00:00Z"], ("revoked", 0)),
    ):
        answer = call("-C", pair.sender, "partner", *words, "--by", "staff-9", "--json")
        assert answer.status == 0, answer.err
        assert answer.document["keys"][1]["state"] == expected[0]
        state, days = states()[1]
        assert (state, expected[1] is None or days == expected[1]) == (expected[0], True)
    assert states()[0][0] == "valid"
    shown = call("-C", pair.sender, "partner", "list")
    assert [word in shown.out for word in (old, new, "revoked", "own, present")] == [True] * 4
    assert "S482" in shown.err
    with Office.at(pair.sender) as office:
        kinds = [item.kind for item in journal.entries(office.ledger, last=5)]
    assert kinds == ["partner-key-ended"] * 3 + ["partner-key-revoked", "partner-key-ended"]
    for words, code in (
        (["end", "51010001", "--fingerprint", new], "S403"),
        (["revoke", RECEIVER, "--fingerprint", "0" * 40], "S481"),
        (["end", RECEIVER, "--fingerprint", new, "--at", "2099-01-01"], "S421"),
        (["end", RECEIVER, "--fingerprint", new, "--at", "never"], "S421"),
    ):
        assert call("-C", pair.sender, "partner", *words, "--by", "staff-9", "--json").code == code
    with Office.at(pair.sender) as office:
        assert journal.entries(office.ledger, last=1)[0].kind == "partner-key-ended", "a refusal enters nothing"


def test_a_next_card_by_the_command_line(pair: Pair, call: Call, tmp_path: Path) -> None:
    """Who adds it is told that it is another key, and who signed the card; the fingerprint is asked for all the same."""
    card = tmp_path / "card"
    with Office.at(pair.sender) as office:
        old = office.key.fingerprint
    begun = call("-C", pair.sender, "partner", "rotate", "--begin", "--by", "staff-1", "--json").document
    card.write_text(call("-C", pair.sender, "partner", "card").out, encoding="utf-8")
    asked = outside("-C", pair.receiver, "partner", "add", card, "--json")
    assert (asked.status, asked.code) == (2, "T130")
    assert f"this is another key, {begun['following']}" in asked.err
    assert f"the card is signed by {old}, a key of {SENDER} that is pinned and valid here" in asked.err
    words = ["partner", "add", card, "--fingerprint", begun["following"], "--overlap-days", "3"]
    told = call("-C", pair.receiver, *words, "--json").document
    assert (told["endorsed_by"], told["new_key"], [item["fingerprint"] for item in told["ended"]]) == (old, True, [old])
    unsigned = tmp_path / "unsigned"
    unsigned.write_text(card.read_text("utf-8").split("endorsement")[0], encoding="utf-8")
    with Office.at(pair.receiver) as office:
        (pair.receiver / f"partners/{SENDER}.toml").unlink()
        assert office.code == RECEIVER
    first = call("-C", pair.receiver, "partner", "add", unsigned, "--fingerprint", begun["following"])
    assert (first.out.split()[0], first.err) == ("added", "")


def test_a_key_that_gpg_made_and_renewed(pair: Pair) -> None:
    """A partner's gpg key with an end is warned of; the same key with a later end, from its next card, is not."""
    with gnupg(now() - timedelta(hours=2)) as gpg:
        gpg.run("--quick-generate-key", "51010001@x", "ed25519", "sign,cert", "20d")
        fingerprint = gpg.fingerprint("51010001@x")
        gpg.run("--quick-add-key", fingerprint, "cv25519", "encr", "20d")
        public = gpg.run("--armor", "--export", fingerprint).stdout.decode()
        later = replace(gpg, clock=now() - timedelta(hours=1))
        later.run("--quick-set-expire", fingerprint, "2y")
        later.run("--quick-set-expire", fingerprint, "2y", "*")
        renewed = later.run("--armor", "--export", fingerprint).stdout.decode()
    for armored, told in ((public, ["S482"]), (renewed, [])):
        card = Card("51010001", "gpg", "folder:nowhere", "", armored, fingerprint)
        with Office.at(pair.sender) as office:
            partnering.add(office, card, "staff-9", now(), timedelta(days=30))
        with Office.at(pair.sender) as office:
            found = [item.code for item in key_warnings.warnings(office, now()) if item.subject == "51010001"]
            assert found == told
            recipient = office.directory.partner("51010001").recipient(now() + timedelta(days=10))
            assert recipient.fingerprint == fingerprint


def test_a_revocation_survives_a_copy_without_it(pair: Pair) -> None:
    """The card of a key that was revoked here, given again, does not bring it back."""
    with Office.at(pair.receiver) as office:
        card = own_card.own_card(office)
    with Office.at(pair.sender) as office:
        partnering.revoke(office, RECEIVER, card.fingerprint, "staff-9", now())
        partnering.add(office, card, "staff-9", now(), timedelta(days=30))
    with Office.at(pair.sender) as office:
        assert office.directory.partner(RECEIVER).recipient(now()).fingerprint != card.fingerprint


def test_a_switch_by_the_command_line(pair: Pair, call: Call) -> None:
    """The three steps for people: what signs now, what is next, until when the earlier one opens."""
    configure(pair.sender, overlap_days=5)
    call("-C", pair.sender, "partner", "rotate", "--begin", "--by", "staff-1")
    shown = call("-C", pair.sender, "partner", "rotate", "--switch", "--by", "staff-1")
    assert "opens what arrives until" in shown.out
    listed = call("-C", pair.sender, "partner", "list", "--json").document["own"]
    assert [(item["role"], item["state"], item["days_left"]) for item in listed] == [
        ("present", "valid", None),
        ("earlier", "valid", 4),
    ]
    assert call("-C", pair.sender, "partner", "rotate", "--end", "--by", "staff-1").status == 0
    listed = call("-C", pair.sender, "partner", "list", "--json").document["own"]
    assert [item["state"] for item in listed] == ["valid", "ended"]
    assert call("-C", pair.sender, "partner", "rotate", "--by", "staff-1").status == 2
