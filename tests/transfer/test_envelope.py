"""Sealing and opening between two offices, and every reason to refuse."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from formats.errors import RefusedError, UsageError
from tests.transfer import keyring
from tests.transfer.keyring import NOW, PASSPHRASE, RECEIVER, SENDER, office
from transfer import detached, framing, signatures
from transfer.envelope import (
    EnvelopeLimits,
    Opened,
    generate_key,
    load_public,
    load_secret,
    public_part,
    seal,
    unseal,
)
from transfer.partners import Pin

DOCUMENT = b"<delivery/>" * 40


def pinned() -> Mapping[str, Pin]:
    """The sender's keys, pinned."""
    return keyring.pins(office(SENDER).public)


def opened(blob: bytes, **options: bool) -> Opened:
    """The package opened by the receiver, who knows the sender."""
    return unseal(blob, [office(RECEIVER)], pinned(), NOW, EnvelopeLimits(), **options)


def refusal(blob: bytes, **options: bool) -> str:
    """The code with which the receiver refuses the package."""
    with pytest.raises(RefusedError) as error:
        opened(blob, **options)
    return error.value.code


def sealed(data: bytes = DOCUMENT) -> bytes:
    """A good package."""
    return seal(data, office(SENDER), office(RECEIVER).public, NOW).package


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=100_000))
def test_sealed_documents_open_to_the_same_bytes(data: bytes) -> None:
    """Any bytes come out as they went in, with office, key and time of signing."""
    made = seal(data, office(SENDER), office(RECEIVER).public, NOW)
    found = opened(made.package, require_intended=True)
    assert found == Opened(data, SENDER, office(SENDER).fingerprint, NOW, made.signature)


def test_two_seals_share_nothing() -> None:
    """Session key and random prefix are new for each package."""
    first, second = sealed(), sealed()
    assert first != second
    assert first[-200:] != second[-200:]


def test_no_bit_can_be_flipped() -> None:
    """Each single bit of a package, one after the other: every change is refused."""
    blob = sealed()
    for bit in range(len(blob) * 8):
        changed = bytearray(blob)
        changed[bit // 8] ^= 1 << bit % 8
        assert refusal(bytes(changed))[0] == "T", bit


def test_no_bit_can_be_flipped_for_an_rsa_key() -> None:
    """The same for a package encrypted to RSA, around its session key."""
    receiver = keyring.foreign_secret("rsender")
    blob = seal(DOCUMENT, office(SENDER), receiver.public, NOW).package
    assert unseal(blob, [receiver], pinned(), NOW).data == DOCUMENT
    for bit in [*range(30 * 8), *range(390 * 8, 420 * 8)]:
        changed = bytearray(blob)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(RefusedError):
            unseal(bytes(changed), [receiver], pinned(), NOW)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_a_cut_or_lengthened_package_is_always_refused(data: st.DataObject) -> None:
    """Neither the beginning of a package nor a package with something behind it is accepted."""
    blob = sealed()
    assert refusal(blob[: data.draw(st.integers(0, len(blob) - 1))])[0] == "T"
    assert refusal(blob + data.draw(st.binary(min_size=1, max_size=40)))[0] == "T"


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_bits_flipped_inside_never_change_the_document(data: st.DataObject) -> None:
    """Who changes a decrypted package and encrypts it again gets a refusal, or what was signed, unchanged."""
    signer = office(SENDER)
    plain = bytearray(keyring.signed(DOCUMENT, signer, keyring.document_head(signer)))
    bit = data.draw(st.integers(0, len(plain) * 8 - 1))
    plain[bit // 8] ^= 1 << bit % 8
    try:
        found = opened(keyring.encrypted(bytes(plain), office(RECEIVER).public))
    except RefusedError:
        return
    assert found == Opened(DOCUMENT, SENDER, signer.fingerprint, NOW, found.signature)
    assert detached.verify(DOCUMENT, found.signature, signer.public).created == NOW


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_inside_are_refused(plain: bytes) -> None:
    """Whatever is encrypted to us, nothing but a refusal comes of it."""
    assert refusal(keyring.encrypted(plain, office(RECEIVER).public))[0] == "T"


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_outside_are_refused(blob: bytes) -> None:
    """Whatever arrives, nothing but a refusal comes of it."""
    assert refusal(blob)[0] == "T"


def test_limits_are_exact() -> None:
    """A package and a document of exactly the limit are accepted, one byte more is refused."""
    blob = sealed()
    keyring_of_receiver = [office(RECEIVER)]
    unseal(blob, keyring_of_receiver, pinned(), NOW, EnvelopeLimits(len(blob), len(DOCUMENT)))
    for limits, code in (
        (EnvelopeLimits(len(blob) - 1, len(DOCUMENT)), "T102"),
        (EnvelopeLimits(len(blob), len(DOCUMENT) - 1), "T140"),
        (EnvelopeLimits(len(blob), len(DOCUMENT), packets=1), "T110"),
    ):
        with pytest.raises(RefusedError) as error:
            unseal(blob, keyring_of_receiver, pinned(), NOW, limits)
        assert error.value.code == code


def test_other_keys_cannot_open() -> None:
    """A package is opened by the key it was made for, among several of the office, and by no other."""
    blob = sealed()
    assert unseal(blob, [office("51010001"), office(RECEIVER)], pinned(), NOW).data == DOCUMENT
    for others in ([office("51010001")], []):
        with pytest.raises(RefusedError) as error:
            unseal(blob, others, pinned(), NOW)
        assert error.value.code == "T111"


def test_a_refusal_names_no_data() -> None:
    """What a refusal says holds nothing of the document or of what went wrong underneath."""
    with pytest.raises(RefusedError) as error:
        unseal(sealed(), [office(RECEIVER)], {}, NOW)
    assert error.value.detail == f"fingerprint {office(SENDER).fingerprint}"
    assert error.value.__cause__ is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"not_before": NOW + timedelta(seconds=1)}, "T131"),
        ({"not_after": NOW}, "T131"),
        ({"revoked": NOW - timedelta(days=1)}, "T131"),
        ({"revoked": NOW + timedelta(days=1)}, "T131"),
        ({"not_after": NOW + timedelta(seconds=1)}, None),
        ({"not_before": NOW}, None),
    ],
)
def test_the_pin_decides_when_a_key_counts(changes: dict[str, Any], code: str | None) -> None:
    """A key counts from not_before to before not_after, and not at all once it was revoked."""
    pins = {name: replace(pin, **changes) for name, pin in pinned().items()}
    if code is None:
        assert unseal(sealed(), [office(RECEIVER)], pins, NOW).office == SENDER
        return
    with pytest.raises(RefusedError) as error:
        unseal(sealed(), [office(RECEIVER)], pins, NOW)
    assert error.value.code == code


def test_a_weak_key_is_refused_before_its_signature_is_looked_at() -> None:
    """A pinned key that is too weak does not count."""
    weak = office(SENDER).public
    weak = replace(weak, signing=tuple(replace(key, weak=True) for key in weak.signing))
    with pytest.raises(RefusedError) as error:
        unseal(sealed(), [office(RECEIVER)], keyring.pins(weak), NOW)
    assert error.value.code == "T132"


@pytest.mark.parametrize(
    ("minutes", "code"), [(0, None), (-5, None), (-6, "T123"), (60 * 24 * 3650, None)], ids=["now", "5", "6", "old"]
)
def test_a_signature_from_the_future_is_refused(minutes: int, code: str | None) -> None:
    """Clocks may differ by five minutes; how old a signature is does not matter."""
    at = NOW + timedelta(minutes=minutes)
    if code is None:
        assert unseal(sealed(), [office(RECEIVER)], pinned(), at).signed == NOW
        return
    with pytest.raises(RefusedError) as error:
        unseal(sealed(), [office(RECEIVER)], pinned(), at)
    assert error.value.code == code


def wrong_signatures() -> list[tuple[str, bytes, str]]:
    """Signed documents that are wrong in one way each, and the code of the refusal."""
    signer, stranger = office(SENDER), office("51010001")
    head = keyring.document_head(signer)
    good = keyring.signed(DOCUMENT, signer, head)
    announced, document, made = keyring.one_pass(signer, head), keyring.literal(DOCUMENT), keyring.signature
    anonymous = head[:4] + b"\x00\x06" + head[6:12]
    untimed = head[:4] + b"\x00\x17" + head[12:]

    def with_head(**changes: Any) -> bytes:
        return keyring.signed(DOCUMENT, signer, keyring.document_head(signer, **changes))

    return [
        ("unsigned", document, "T120"),
        ("no announcement", made(DOCUMENT, signer, head) + document, "T120"),
        ("signature first", announced + made(DOCUMENT, signer, head) + document, "T120"),
        ("two documents", announced + document + document + made(DOCUMENT, signer, head), "T120"),
        ("signed twice", announced + good + made(DOCUMENT, signer, head), "T120"),
        ("text form", announced + keyring.literal(DOCUMENT, b"t") + made(DOCUMENT, signer, head), "T120"),
        ("packed twice", keyring.compressed(keyring.compressed(good)), "T120"),
        ("something behind", keyring.compressed(good) + document, "T140"),
        ("empty", b"", "T120"),
        ("SHA-1", with_head(digest=2), "T121"),
        ("certification", with_head(kind=0x13), "T121"),
        ("text signature", with_head(kind=0x01), "T121"),
        ("critical notation", with_head(extra=b"\x02\x94x"), "T121"),
        ("issuer twice", with_head(extra=b"\x16\x21\x04" + bytes(20)), "T121"),
        ("issuer unprotected", keyring.signed(DOCUMENT, signer, anonymous), "T121"),
        ("no time", keyring.signed(DOCUMENT, signer, untimed), "T121"),
        ("announced by another", keyring.one_pass(stranger, head) + good[len(announced) :], "T121"),
        ("unknown signer", keyring.signed(DOCUMENT, stranger, keyring.document_head(stranger)), "T130"),
        ("dated before the key", with_head(at=NOW - timedelta(hours=1)), "T131"),
        ("for somebody else", with_head(extra=b"\x16\x23\x04" + bytes(20)), "T124"),
        ("other document", announced + keyring.literal(b"other") + made(DOCUMENT, signer, head), "T122"),
        ("another's signature", announced + document + made(DOCUMENT, stranger, head), "T122"),
    ]


def test_wrong_signatures_are_refused() -> None:
    """Every way in which a decrypted message is not one rightly signed document has its code."""
    expected = [(name, code) for name, _, code in wrong_signatures()]
    found = [
        (name, refusal(keyring.encrypted(plain, office(RECEIVER).public))) for name, plain, _ in wrong_signatures()
    ]
    assert found == expected


def test_an_expired_signature_is_refused() -> None:
    """A signature that was made to last one hour does not count after it."""
    signer = office(SENDER)
    head = keyring.document_head(signer, extra=b"\x05\x03\x00\x00\x0e\x10")
    blob = keyring.encrypted(keyring.signed(DOCUMENT, signer, head), office(RECEIVER).public)
    assert opened(blob).data == DOCUMENT
    with pytest.raises(RefusedError) as error:
        unseal(blob, [office(RECEIVER)], pinned(), NOW + timedelta(hours=1))
    assert error.value.code == "T123"


def test_who_a_signature_names_must_be_us_and_may_be_required() -> None:
    """A signature without intended recipients is accepted, as gpg 2.2 makes it, unless they are required."""
    signer = office(SENDER)
    blob = keyring.encrypted(keyring.signed(DOCUMENT, signer, keyring.document_head(signer)), office(RECEIVER).public)
    assert opened(blob).data == DOCUMENT
    assert refusal(blob, require_intended=True) == "T124"
    forwarded = signatures.document_head(22, signer.fingerprint, office("51010001").fingerprint, NOW)
    plain = keyring.signed(DOCUMENT, signer, forwarded)
    assert refusal(keyring.encrypted(plain, office(RECEIVER).public)) == "T124"


def test_wrong_encryption_is_refused() -> None:
    """Session keys and bodies that are wrong in one way each."""
    signer, receiver = office(SENDER), office(RECEIVER)
    plain = keyring.signed(DOCUMENT, signer, keyring.document_head(signer))
    session_key = bytes(32)
    session, body = keyring.session_packet(receiver.public, session_key), keyring.encrypted_packet(plain, session_key)
    other = keyring.session_packet(office("51010001").public, session_key)
    assert opened(session + body).data == DOCUMENT
    assert opened(other + session + body).data == DOCUMENT
    assert refusal(session + session + body) == "T110"
    assert refusal(other + body) == "T111"
    assert refusal(body) == "T110"
    assert refusal(session + keyring.encrypted_packet(plain, session_key, bytes(17) + b"a")) == "T113"
    assert refusal(session + keyring.encrypted_packet(plain, bytes(31) + b"a")) == "T113"
    assert refusal(session + framing.encode(framing.ENCRYPTED, b"\x01" + bytes(39))) == "T113"
    assert refusal(session + framing.encode(9, bytes(100))) == "T110"
    short = keyring.session_packet(receiver.public, bytes(16))  # says AES-256, holds 16 octets
    assert refusal(short + keyring.encrypted_packet(plain, bytes(16))) == "T112"


def test_generated_keys_are_what_was_asked_for() -> None:
    """Ed25519 and X25519, created when asked, locked with the passphrase and only with it."""
    key = office(SENDER)
    assert key.public.created == NOW
    assert [part.bound.body[5] for part in key.public.signing] == [22]
    assert [part.bound.body[5] for part in key.public.encryption] == [18]
    assert load_public(public_part(key)).fingerprint == key.fingerprint
    for wrong in ("", "wrong"):
        with pytest.raises(UsageError, match="S408"):
            load_secret(keyring.armored(SENDER), wrong)
    assert "PRIVATE" not in public_part(key)
    assert repr(key).count("Private") == 0


@pytest.mark.parametrize(("name", "passphrase"), [("", "x"), ("a\nb", "x"), ("a", "")])
def test_keys_need_a_name_and_a_passphrase(name: str, passphrase: str) -> None:
    """A key without either is not made."""
    with pytest.raises(UsageError, match="S401"):
        generate_key(name, passphrase, NOW)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damaged_public_keys_are_never_another_key(data: st.DataObject) -> None:
    """A changed key block is refused, or is still the same key: what is not signed by it is left out."""
    public = office(SENDER).public
    block = bytearray(framing.dearmored(public.armored.encode(), "PUBLIC KEY BLOCK"))
    bit = data.draw(st.integers(0, len(block) * 8 - 1))
    block[bit // 8] ^= 1 << bit % 8
    changed = framing.armored(bytes(block), "PUBLIC KEY BLOCK")
    try:
        found = load_public(changed)
    except UsageError:
        with pytest.raises(UsageError, match="S408"):
            load_public(changed)
        return
    assert found.fingerprint == public.fingerprint
    assert {key.fingerprint for key in found.signing} <= {key.fingerprint for key in public.signing}
    assert {key.fingerprint for key in found.encryption} <= {key.fingerprint for key in public.encryption}


@pytest.mark.parametrize("text", ["", "no key", "é", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n\n"])
def test_what_is_no_key_is_refused(text: str) -> None:
    """Neither half can be read from anything else."""
    for read in (load_public, lambda armored: load_secret(armored, "x")):
        with pytest.raises(UsageError, match="S408"):
            read(text)


def test_another_key_s_subkey_is_left_out() -> None:
    """A key cannot claim another's subkey: it is not signed by the key it stands under."""
    mine, theirs = office(SENDER).public, office(RECEIVER).public
    blocks = [
        framing.packets(framing.dearmored(key.armored.encode(), "PUBLIC KEY BLOCK"), 20) for key in (mine, theirs)
    ]
    claimed = b"".join(framing.encode(*packet) for packet in (*blocks[0], *blocks[1][3:]))
    found = load_public(framing.armored(claimed, "PUBLIC KEY BLOCK"))
    assert {key.fingerprint for key in found.encryption} == {key.fingerprint for key in mine.encryption}


def test_sealing_needs_valid_keys() -> None:
    """Nothing is sealed with or for a key that is not yet valid, has ended, or is weak."""
    with pytest.raises(UsageError, match="S408"):
        seal(DOCUMENT, office(SENDER), office(RECEIVER).public, NOW - timedelta(days=1))
    weak = office(RECEIVER).public
    weak = replace(weak, encryption=tuple(replace(key, weak=True) for key in weak.encryption))
    with pytest.raises(UsageError, match="S408"):
        seal(DOCUMENT, office(SENDER), weak, NOW)


def test_locking_uses_a_slow_digest() -> None:
    """Each guess of a passphrase costs hashing 65 MB (the most that OpenPGP's S2K offers)."""
    block = framing.dearmored(keyring.armored(SENDER).encode(), "PRIVATE KEY BLOCK")
    body = bytes(framing.packets(block, 20)[0].body)
    lock = body[len(office(SENDER).public.signing[0].bound.body) :]
    assert lock[:4] == b"\xfe\x09\x03\x08"  # SHA-1 checked, AES-256, iterated and salted, SHA-256
    assert lock[12] == 255
    assert PASSPHRASE.encode() not in block
