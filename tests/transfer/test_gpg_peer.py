"""The peer that partners have: GnuPG opens what is sealed here, and what it makes is opened here."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from formats.errors import RefusedError
from tests.transfer import keyring
from tests.transfer.gnupg import Gpg, gnupg
from tests.transfer.keyring import PASSPHRASE, RECEIVER, SENDER, office
from transfer.envelope import OfficeKey, Opened, PublicKey, load_public, load_secret, public_part, seal, unseal

DOCUMENT = ('<delivery xmlns="urn:jiexu:message:1" version="1.0">接续</delivery>\n' * 2000).encode()

# gpg is told what time it is, so that the machine's clock and the dates of the test data do not matter.
CLOCK = datetime(2026, 11, 22, 15, tzinfo=UTC)


@pytest.fixture(scope="module")
def gpg() -> Iterator[Gpg]:
    """GnuPG with the keys of both offices imported."""
    with gnupg(CLOCK) as found:
        for code in (SENDER, RECEIVER):
            found.run("--import", data=keyring.armored(code).encode(), passphrase=PASSPHRASE)
            found.trust(office(code).fingerprint)
        yield found


def package(gpg: Gpg, signer: str, recipient: str, *options: str, data: bytes = DOCUMENT) -> bytes:
    """A document signed and encrypted by gpg; both are named by their fingerprints."""
    passphrase = PASSPHRASE if signer == office(SENDER).fingerprint else ""
    names = ("--local-user", signer, "--recipient", recipient, "--trust-model", "always")
    return gpg.run(*names, *options, "--sign", "--encrypt", data=data, passphrase=passphrase).stdout


def opened(blob: bytes, *signers: PublicKey) -> Opened:
    """The package opened by the receiver, who knows these signers."""
    return unseal(blob, [office(RECEIVER)], keyring.pins(*signers), CLOCK)


def refusal(blob: bytes, *signers: PublicKey) -> str:
    """The code with which the receiver refuses the package."""
    with pytest.raises(RefusedError) as error:
        opened(blob, *signers)
    return error.value.code


def assert_good(gpg: Gpg, blob: bytes, data: bytes = DOCUMENT) -> None:
    """Decrypted, integrity protected, rightly signed, and nothing to warn of."""
    found, statuses, said = gpg.decrypt(blob)
    assert found == data
    assert {"DECRYPTION_OKAY", "GOODMDC", "GOODSIG", "VALIDSIG"} <= set(statuses)
    warnings = [line for line in said.lower().splitlines() if "warn" in line and "faked system time" not in line]
    assert warnings == []
    assert "BADSIG" not in statuses


@pytest.mark.parametrize("data", [b"", b"x", DOCUMENT, os.urandom(300_000)], ids=["empty", "one", "xml", "random"])
def test_gpg_opens_what_is_sealed_here(gpg: Gpg, data: bytes) -> None:
    """gpg --decrypt shows a package with a good signature and without a warning."""
    assert_good(gpg, seal(data, office(SENDER), office(RECEIVER).public, keyring.NOW).package, data)


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--compress-algo", "none"),
        ("--compress-algo", "zip"),
        ("--armor",),
        ("--digest-algo", "SHA512"),
        ("--cipher-algo", "AES128"),
        ("--set-filename", "x" * 200),
    ],
    ids=lambda options: " ".join(options)[:30],
)
def test_what_gpg_makes_with_the_same_keys_is_opened_here(gpg: Gpg, options: tuple[str, ...]) -> None:
    """A package by gpg is received like one of ours, also with other options than its defaults."""
    found = opened(
        package(gpg, office(SENDER).fingerprint, office(RECEIVER).fingerprint, *options), office(SENDER).public
    )
    assert (found.data, found.office, found.fingerprint) == (DOCUMENT, SENDER, office(SENDER).fingerprint)


def test_large_documents_by_gpg_are_opened_here(gpg: Gpg) -> None:
    """gpg writes what it cannot measure in parts: 6 MB that do not compress, in all layers."""
    data = os.urandom(6_000_000)
    assert (
        opened(
            package(gpg, office(SENDER).fingerprint, office(RECEIVER).fingerprint, data=data), office(SENDER).public
        ).data
        == data
    )


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--compress-algo", "bzip2"), "T140"),
        (("--cipher-algo", "CAMELLIA256"), "T112"),
        (("--cipher-algo", "TWOFISH"), "T112"),
        (("--throw-keyids",), "T111"),
        (("--digest-algo", "SHA1"), "T121"),
        (("--digest-algo", "SHA224"), "T121"),
        (("--textmode",), "T120"),
        (("--faked-system-time", "20300101T000000"), "T123"),
        (("--symmetric",), "T110"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else value,
)
def test_what_is_not_allowed_is_refused(gpg: Gpg, options: tuple[str, ...], code: str) -> None:
    """Other compression, ciphers, digests, hidden receivers, text, a wrong clock, a password beside."""
    blob = package(gpg, office(SENDER).fingerprint, office(RECEIVER).fingerprint, "--weak-digest", "MD5", *options)
    assert refusal(blob, office(SENDER).public, office(RECEIVER).public) == code


@pytest.mark.parametrize(
    ("kind", "encryption"), [("nistp256", "nistp256"), ("nistp521", "nistp384"), ("ed25519", "rsa3072")]
)
def test_partners_with_other_keys_are_served(gpg: Gpg, kind: str, encryption: str) -> None:
    """ECDSA and ECDH on NIST curves and RSA work both ways."""
    key = gpg.make_key(f"{kind}@{encryption}", kind, encryption)
    assert opened(package(gpg, key.fingerprint, office(RECEIVER).fingerprint), key).data == DOCUMENT
    assert_good(gpg, seal(DOCUMENT, office(SENDER), key, CLOCK).package)


def test_partners_with_rsa_3072_are_served(gpg: Gpg) -> None:
    """A real RSA-3072 key made by gpg works both ways, also as an office's own key.

    Made anew: with a key whose primes stand the wrong way round, as pgpy makes them, gpg 2.2 itself fails now and then.
    """
    made = gpg.make_key("rsa@example", "rsa3072", "rsa3072")
    key = load_secret(gpg.run("--armor", "--export-secret-keys", made.fingerprint).stdout.decode(), "")
    assert opened(package(gpg, key.fingerprint, office(RECEIVER).fingerprint), key.public).data == DOCUMENT
    assert_good(gpg, seal(DOCUMENT, office(SENDER), key.public, CLOCK).package)
    assert_good(gpg, seal(DOCUMENT, key, office(RECEIVER).public, CLOCK).package)
    made_by_gpg = package(gpg, office(SENDER).fingerprint, key.fingerprint)
    assert unseal(made_by_gpg, [key], keyring.pins(office(SENDER).public), CLOCK).data == DOCUMENT


def test_two_signatures_are_refused(gpg: Gpg) -> None:
    """One document has one signer, though gpg can add others."""
    second = ("--local-user", office(RECEIVER).fingerprint)
    blob = package(gpg, office(SENDER).fingerprint, office(RECEIVER).fingerprint, *second)
    assert refusal(blob, office(SENDER).public, office(RECEIVER).public) == "T120"


def test_partners_with_rsa_2048_are_refused(gpg: Gpg) -> None:
    """A signature by RSA-2048 does not count even where the key is pinned."""
    key = gpg.make_key("weak@example", "rsa2048", "cv25519")
    assert refusal(package(gpg, key.fingerprint, office(RECEIVER).fingerprint), key) == "T132"


def test_partners_with_a_signing_subkey_are_served(gpg: Gpg) -> None:
    """gpg signs with the subkey; it counts because the primary key has bound it."""
    key = gpg.make_key("subkey@example", "ed25519", "cv25519", ("ed25519", "sign"))
    found = opened(package(gpg, key.fingerprint, office(RECEIVER).fingerprint), key)
    assert found.fingerprint in {signing.fingerprint for signing in key.signing}
    assert found.fingerprint != key.fingerprint
    secret = load_secret(gpg.run("--armor", "--export-secret-keys", key.fingerprint).stdout.decode(), "")
    assert_good(gpg, seal(DOCUMENT, secret, office(RECEIVER).public, CLOCK).package)


def test_keys_made_here_are_gpg_s_in_both_halves(gpg: Gpg) -> None:
    """gpg lists the key as made here, and exports it so that it can be loaded again."""
    listed = gpg.run("--with-colons", "--list-keys", office(SENDER).fingerprint).stdout.decode()
    assert f":{office(SENDER).fingerprint}:" in listed
    assert f"{SENDER} <{SENDER}@jiexu>" in listed
    exported = gpg.run(
        "--armor", "--export-secret-keys", office(SENDER).fingerprint, passphrase=PASSPHRASE
    ).stdout.decode()
    again: OfficeKey = load_secret(exported, PASSPHRASE)
    assert again.fingerprint == office(SENDER).fingerprint
    assert (
        load_public(gpg.run("--armor", "--export", office(SENDER).fingerprint).stdout.decode()).fingerprint
        == again.fingerprint
    )
    assert load_public(public_part(again)).armored == office(SENDER).public.armored
