"""Cards, the partners' files, and which keys count when."""

import shutil
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from formats.errors import UsageError
from tests.transfer import keyring
from tests.transfer.keyring import NOW, RECEIVER, SENDER, office
from transfer.envelope import OfficeKey, generate_key, load_secret, public_part
from transfer.partners import FOREVER, Card, Directory, grouped, parse_card, render_card


def card(code: str = SENDER, key: OfficeKey | None = None) -> Card:
    """The card that an office gives out."""
    key = key or office(code)
    return Card(
        code=code,
        name='杭州市社会保险管理服务中心 "本级" C:\\',
        mailbox="sftp://jiexu@sftp.example:2222/in",
        host_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHUq",
        public_key=public_part(key),
        fingerprint=key.fingerprint,
    )


JOURNAL = "jiexu/33010001/journal+1a2b3c4d+AX+8/w=="


def test_the_journal_s_key_travels_with_the_card(tmp_path: Path) -> None:
    """A card may carry the public line of the journal's key; it is kept, and a card without it takes nothing away."""
    assert "journal" not in render_card(card())
    told = replace(card(), journal=JOURNAL)
    assert parse_card(render_card(told)).journal == JOURNAL
    assert Directory.add(tmp_path, card(), NOW).journal == ""
    assert Directory.load(tmp_path).partner(SENDER).journal == ""
    for item in (told, card()):
        Directory.add(tmp_path, item, NOW)
        assert Directory.load(tmp_path).partner(SENDER).journal == JOURNAL
    later = replace(card(), journal=JOURNAL.replace("1a2b", "ffff"))
    assert Directory.add(tmp_path, later, NOW).journal == later.journal
    with pytest.raises(UsageError, match="S401"):
        parse_card(render_card(replace(card(), journal="two\nlines")))


def new_key() -> OfficeKey:
    """Another key of the sender, a year later."""
    return load_secret(generate_key("33010001 <33010001@jiexu>", "x", NOW + timedelta(days=365)), "x")


def test_a_card_round_trips_and_can_be_read_out() -> None:
    """What was rendered is read as it was; the fingerprint stands in groups of four."""
    text = render_card(card())
    found = parse_card(text)
    assert replace(found, public_key="") == replace(card(), public_key="")
    assert found.public_key.strip() == card().public_key.strip()
    assert grouped(card().fingerprint) in text
    assert len(grouped(card().fingerprint).split()) == 10


@settings(max_examples=50, deadline=None)
@given(st.text(min_size=1).filter(lambda text: text.isprintable() and bool(text.strip())))
def test_any_printable_name_stands_in_a_card(name: str) -> None:
    """No name breaks the form of a card."""
    assert parse_card(render_card(replace(card(), name=name))).name == name


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"code": "3301"}, "S401"),
        ({"code": "../33010001"}, "S401"),
        ({"name": " "}, "S401"),
        ({"name": "a\nb"}, "S401"),
        ({"mailbox": "sftp://x\x7f"}, "S401"),
        ({"fingerprint": "0" * 40}, "S401"),
        ({"fingerprint": ""}, "S401"),
        ({"public_key": "none"}, "S408"),
    ],
)
def test_a_wrong_card_is_refused(changes: dict[str, str], code: str, tmp_path: Path) -> None:
    """A card that is not whole is refused where it is read and where it is added, and nothing is written."""
    wrong = replace(card(), **changes)
    with pytest.raises(UsageError) as error:
        parse_card(render_card(wrong))
    assert error.value.code in (code, "S401")
    with pytest.raises(UsageError) as error:
        Directory.add(tmp_path, wrong, NOW)
    assert error.value.code == code
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "code = 1", "no toml", "code = '33010001'"])
def test_what_is_no_card_is_refused(text: str) -> None:
    """Neither other TOML nor other text is a card."""
    with pytest.raises(UsageError, match="S401"):
        parse_card(text)


def test_a_card_for_another_s_key_is_refused() -> None:
    """The fingerprint that was compared by telephone decides which key is taken."""
    with pytest.raises(UsageError, match="S401"):
        parse_card(render_card(replace(card(), public_key=public_part(office(RECEIVER)))))


def test_weak_keys_are_refused_with_their_card() -> None:
    """RSA of 1024 bits is refused before the first package comes."""
    weak = keyring.foreign_public("weakrsa")
    with pytest.raises(UsageError, match="S408"):
        parse_card(render_card(replace(card(), public_key=weak.armored, fingerprint=weak.fingerprint)))


def test_partners_are_kept_in_files_of_their_own(tmp_path: Path) -> None:
    """A partner that was added is there after loading; its file is for this user alone."""
    folder = tmp_path / "partners"
    assert Directory.load(folder).partners == {}
    added = Directory.add(folder, card(), NOW)
    Directory.add(folder, card(RECEIVER), NOW)
    directory = Directory.load(folder)
    assert sorted(directory.partners) == [SENDER, RECEIVER]
    assert directory.partner(SENDER) == added
    assert stat.S_IMODE((folder / f"{SENDER}.toml").stat().st_mode) == 0o600
    assert sorted(path.name for path in folder.iterdir()) == [f"{SENDER}.toml", f"{RECEIVER}.toml"]
    with pytest.raises(UsageError, match="S403"):
        directory.partner("51010001")


def test_pins_hold_every_signing_key(tmp_path: Path) -> None:
    """A partner's key counts from its creation, for ever, as that partner's."""
    Directory.add(tmp_path, card(), NOW)
    pins = Directory.load(tmp_path).pins()
    pin = pins[office(SENDER).fingerprint]
    assert list(pins) == [office(SENDER).fingerprint]
    assert (pin.office, pin.not_before, pin.not_after, pin.revoked) == (SENDER, NOW, FOREVER, None)


def test_the_operator_ends_and_revokes_keys_in_the_file(tmp_path: Path) -> None:
    """What is written in the file counts, and stays when the card is added again."""
    Directory.add(tmp_path, card(), NOW)
    path = tmp_path / f"{SENDER}.toml"
    text = path.read_text("utf-8")
    end, revoked = datetime(2026, 12, 31, 16, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC)
    path.write_text(text.replace("public_key", "not_after = 2027-01-01T00:00:00+08:00\npublic_key"), "utf-8")
    assert Directory.load(tmp_path).pins()[office(SENDER).fingerprint].not_after == end
    path.write_text(text.replace("public_key", "revoked = 2026-11-23T00:00:00Z\npublic_key"), "utf-8")
    Directory.add(tmp_path, replace(card(), mailbox="folder:/srv/in"), NOW)
    partner = Directory.load(tmp_path).partner(SENDER)
    assert partner.mailbox == "folder:/srv/in"
    assert Directory.load(tmp_path).pins()[office(SENDER).fingerprint].revoked == revoked
    with pytest.raises(UsageError, match="S408"):
        partner.recipient(NOW)


def test_a_second_key_stands_beside_the_first(tmp_path: Path) -> None:
    """While a partner changes over, both keys sign; one encrypts to the newest that is valid."""
    second = new_key()
    Directory.add(tmp_path, card(), NOW)
    Directory.add(tmp_path, card(key=second), NOW)
    Directory.add(tmp_path, card(key=second), NOW)
    directory = Directory.load(tmp_path)
    assert set(directory.pins()) == {office(SENDER).fingerprint, second.fingerprint}
    partner = directory.partner(SENDER)
    assert partner.recipient(NOW).fingerprint == office(SENDER).fingerprint
    assert partner.recipient(NOW + timedelta(days=400)).fingerprint == second.fingerprint


def third_key() -> OfficeKey:
    """A key of the sender that it had before."""
    return load_secret(generate_key("33010001 <33010001@jiexu>", "x", NOW - timedelta(days=100)), "x")


THREE = (third_key(), office(SENDER), new_key())
DAYS = st.integers(-50, 500)
CHANGES = st.lists(st.tuples(st.sampled_from(["add", "end", "revoke"]), st.integers(0, 2), DAYS, DAYS), max_size=8)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(CHANGES, DAYS)
def test_whatever_is_done_to_a_directory(tmp_path: Path, changes: list[tuple[str, int, int, int]], day: int) -> None:
    """After any changes: the file says what was given back, revoked stays revoked, one encrypts to the newest valid."""
    folder = tmp_path / "partners"
    shutil.rmtree(folder, ignore_errors=True)
    partner = Directory.add(folder, card(key=THREE[1]), NOW)
    revoked: set[str] = set()
    for what, number, when, overlap in changes:
        key, at = THREE[number], NOW + timedelta(days=when)
        known = {item.key.fingerprint for item in partner.keys}
        if what == "add":
            partner = Directory.add(folder, card(key=key), at, timedelta(days=abs(overlap)))
            others = [item for item in partner.keys if item.key.fingerprint != key.fingerprint]
            end = at + timedelta(days=abs(overlap))
            assert key.fingerprint in known or all(item.not_after <= end for item in others)
        elif key.fingerprint not in known:
            with pytest.raises(UsageError, match="S481"):
                Directory.end(folder, SENDER, key.fingerprint, at)
        elif what == "end":
            partner = Directory.end(folder, SENDER, key.fingerprint, at)
        else:
            partner = Directory.revoke(folder, SENDER, key.fingerprint, at)
            revoked.add(key.fingerprint)
    assert Directory.load(folder).partner(SENDER) == partner
    at = NOW + timedelta(days=day)
    valid = [item.key for item in partner.keys if item.state(at) == "valid"]
    assert {item.key.fingerprint for item in partner.keys if item.state(at) == "revoked"} == revoked
    if valid:
        assert partner.recipient(at) == max(valid, key=lambda key: key.created)
    else:
        with pytest.raises(UsageError, match="S408"):
            partner.recipient(at)


def test_what_a_key_says_of_itself_narrows_its_pin(tmp_path: Path) -> None:
    """An expired and a revoked key do not count, whatever the file leaves open."""
    expired, revoked = keyring.foreign_public("expired"), keyring.foreign_public("revoked")
    for code, key in ((SENDER, expired), (RECEIVER, revoked)):
        Directory.add(tmp_path, replace(card(code), public_key=key.armored, fingerprint=key.fingerprint), NOW)
    for path in tmp_path.iterdir():
        kept = [line for line in path.read_text("utf-8").splitlines() if not line.startswith("not_")]
        path.write_text("\n".join(kept), "utf-8")
    pins = Directory.load(tmp_path).pins()
    assert pins[expired.fingerprint].not_after == expired.expires
    assert pins[revoked.fingerprint].revoked == revoked.revoked is not None


def test_signing_subkeys_are_pinned_with_their_own_end() -> None:
    """A subkey that signs has a pin of its own, which ends when the subkey does; its primary key does not sign."""
    key = keyring.foreign_public("expsub")
    assert [signing.fingerprint for signing in key.signing] == ["9298F81676AC920117BC23FE1F349608A4F5731B"]
    assert key.signing[0].bound.expires == datetime(2024, 11, 30, tzinfo=UTC)
    assert key.expires is None


def test_two_partners_cannot_have_one_key(tmp_path: Path) -> None:
    """A signature must say which office signed."""
    Directory.add(tmp_path, card(), NOW)
    Directory.add(tmp_path, card(RECEIVER, office(SENDER)), NOW)
    with pytest.raises(UsageError, match="S401"):
        Directory.load(tmp_path).pins()


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (f'"{SENDER}"', f'"{RECEIVER}"', "S401"),
        ("[[key]]", "[key]", "S401"),
        ("added = ", "added = 2026-11-22 # ", "S401"),
        ("-----BEGIN", "-----", "S408"),
        ("name = ", "name = 1 # ", "S401"),
        ('fingerprint = "', 'fingerprint = "0', "S401"),
        ("[[key]]", "[[key", "S401"),
    ],
)
def test_a_file_that_is_wrong_is_named(old: str, new: str, code: str, tmp_path: Path) -> None:
    """A partner's file that cannot be used stops the command and is named; nothing is guessed."""
    Directory.add(tmp_path, card(), NOW)
    path = tmp_path / f"{SENDER}.toml"
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
    with pytest.raises(UsageError) as error:
        Directory.load(tmp_path)
    assert error.value.code == code
    assert error.value.detail.startswith(f"{SENDER}.toml: ")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 are a file that cannot be read."""
    (tmp_path / f"{SENDER}.toml").write_bytes(b"\xff")
    with pytest.raises(UsageError, match="S417"):
        Directory.load(tmp_path)
