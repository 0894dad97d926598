"""Signatures beside a document: made here and by gpg, right for good once they were right, and never for other bytes."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from formats.errors import RefusedError, UsageError
from tests.transfer import keyring
from tests.transfer.gnupg import Gpg, gnupg
from tests.transfer.keyring import NOW, PASSPHRASE, RECEIVER, SENDER, office
from transfer import framing
from transfer.detached import Signed, sign, verify
from transfer.envelope import PublicKey, load_public, seal, unseal

DOCUMENT = b"<order/>\r\nnot text \x00\xff"


def refusal(data: bytes, signature: bytes, key: PublicKey) -> str:
    """The code with which this is refused."""
    with pytest.raises(RefusedError) as error:
        verify(data, signature, key)
    return error.value.code


def with_bounds(key: PublicKey, **changes: Any) -> PublicKey:
    """The same key, expired, revoked or made later."""
    signing = tuple(replace(item, bound=replace(item.bound, **changes)) for item in key.signing)
    return replace(key, signing=signing)


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=5000), st.integers(0, 10**9))
def test_a_signature_says_who_and_when(data: bytes, seconds: int) -> None:
    """Any bytes, at any time of the key's life: the signer's fingerprint and the second of signing come back."""
    at = NOW + timedelta(seconds=seconds)
    signature = sign(data, office(SENDER), at)
    assert verify(data, signature, office(SENDER).public) == Signed(office(SENDER).fingerprint, at)
    assert refusal(data + b"\n", signature, office(SENDER).public) == "T122"
    assert refusal(data, signature, office(RECEIVER).public) == "T130"


def test_no_protected_bit_can_be_flipped() -> None:
    """Every bit of a signature: the change is refused, or lies in the part that protects nothing, the 8-byte key id."""
    signature = sign(DOCUMENT, office(SENDER), NOW)
    key_id = bytes.fromhex(office(SENDER).fingerprint)[-8:]
    harmless = range((signature.rindex(key_id) - 2) * 8, (signature.rindex(key_id) + 8) * 8)
    for bit in range(len(signature) * 8):
        changed = bytearray(signature)
        changed[bit // 8] ^= 1 << bit % 8
        try:
            assert verify(DOCUMENT, bytes(changed), office(SENDER).public).created == NOW
            assert bit in harmless
        except RefusedError as error:
            assert error.code in {"T121", "T122", "T130", "T131"}  # noqa: PT017 - which one depends on the bit


def test_what_was_valid_when_it_was_signed_stays_valid() -> None:
    """The key has expired since: right. It had expired before, or did not exist yet, or was ever revoked: T131."""
    key, signature = office(SENDER).public, sign(DOCUMENT, office(SENDER), NOW + timedelta(days=9))
    assert verify(DOCUMENT, signature, with_bounds(key, expires=NOW + timedelta(days=10))).created > NOW
    for bounds in (
        {"expires": NOW + timedelta(days=9)},
        {"created": NOW + timedelta(days=10)},
        {"revoked": NOW + timedelta(days=900)},
    ):
        assert refusal(DOCUMENT, signature, with_bounds(key, **bounds)) == "T131"


def test_nobody_signs_before_his_key_is_there() -> None:
    """S408 at a time at which the key may not sign."""
    with pytest.raises(UsageError) as error:
        sign(DOCUMENT, office(SENDER), NOW - timedelta(days=1))
    assert error.value.code == "S408"


def test_weak_keys_do_not_count() -> None:
    """A key that is too weak is T132, also when its signature is right."""
    key = office(SENDER).public
    weak = replace(key, signing=tuple(replace(item, weak=True) for item in key.signing))
    assert refusal(DOCUMENT, sign(DOCUMENT, office(SENDER), NOW), weak) == "T132"


def test_what_is_not_one_signature_over_a_document_is_refused() -> None:
    """Nothing, noise, two signatures, a signed message, one over text, one that does not say whose: T121."""
    signer, key = office(SENDER), office(SENDER).public
    good = sign(DOCUMENT, signer, NOW)
    text = keyring.signature(DOCUMENT, signer, keyring.document_head(signer, kind=1))
    nameless = keyring.document_head(signer)
    hashed = nameless[6:12]
    nameless = nameless[:4] + len(hashed).to_bytes(2, "big") + hashed
    whole = keyring.signed(DOCUMENT, signer, keyring.document_head(signer))
    wrong = [b"", b"x" * 99, good + good, whole, text, keyring.signature(DOCUMENT, signer, nameless)]
    assert [refusal(DOCUMENT, item, key) for item in wrong] == ["T121"] * len(wrong)


def test_the_signature_of_a_package_holds_by_itself() -> None:
    """What `seal` and `unseal` give out beside the document is one and the same detached signature."""
    made = seal(DOCUMENT, office(SENDER), office(RECEIVER).public, NOW)
    opened = unseal(made.package, [office(RECEIVER)], keyring.pins(office(SENDER).public), NOW)
    assert opened.signature == made.signature
    assert verify(opened.data, opened.signature, office(SENDER).public) == Signed(opened.fingerprint, NOW)


@pytest.fixture(scope="module")
def gpg() -> Iterator[Gpg]:
    """GnuPG with the sender's key."""
    with gnupg(NOW + timedelta(hours=1)) as found:
        found.run("--import", data=keyring.armored(SENDER).encode(), passphrase=PASSPHRASE)
        yield found


def test_gpg_verifies_what_is_signed_here(gpg: Gpg) -> None:
    """`gpg --verify` finds both kinds good: signed by itself, and taken out of a package; and no other document."""
    file, beside = gpg.home / "doc", gpg.home / "doc.sig"
    taken_out = seal(DOCUMENT, office(SENDER), office(RECEIVER).public, NOW).signature
    for signature in (sign(DOCUMENT, office(SENDER), NOW), taken_out):
        beside.write_bytes(signature)
        file.write_bytes(DOCUMENT)
        said = gpg.run("--verify", str(beside), str(file)).stderr
        assert b"VALIDSIG " + office(SENDER).fingerprint.encode() in said
        file.write_bytes(DOCUMENT + b"\n")
        assert gpg.try_run("--verify", str(beside), str(file)).returncode != 0


@pytest.mark.parametrize("options", [(), ("--armor",), ("--digest-algo", "SHA512")])
def test_what_gpg_signs_is_verified_here(gpg: Gpg, options: tuple[str, ...]) -> None:
    """A person signs an order with `gpg --detach-sign`; binary and armored both hold, for exactly these bytes."""
    local = ("--local-user", office(SENDER).fingerprint)
    made = gpg.run(*local, *options, "--detach-sign", data=DOCUMENT, passphrase=PASSPHRASE).stdout
    assert verify(DOCUMENT, made, office(SENDER).public) == Signed(office(SENDER).fingerprint, gpg.clock)
    assert refusal(DOCUMENT[:-1], made, office(SENDER).public) == "T122"


def test_a_person_s_key_that_only_signs_will_do(gpg: Gpg) -> None:
    """A certificate without anything to encrypt to can sign an order; after its expiry the signature still holds."""
    gpg.run("--quick-generate-key", "one@example", "ed25519", "sign,cert", "seconds=7200")
    fingerprint = gpg.fingerprint("one@example")
    key = load_public(gpg.run("--armor", "--export", fingerprint).stdout.decode())
    made = gpg.run("--local-user", fingerprint, "--detach-sign", data=DOCUMENT).stdout
    assert key.encryption == ()
    assert key.expires == gpg.clock + timedelta(hours=2)
    assert verify(DOCUMENT, made, key) == Signed(fingerprint, gpg.clock)
    late = framing.armored(made, "SIGNATURE").encode()
    assert verify(DOCUMENT, late, key).fingerprint == fingerprint
