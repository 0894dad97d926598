"""Small secrets wrapped for several keys: opened by each of them and by gpg, and by nobody else."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from formats.errors import RefusedError, ServiceError
from tests.transfer import keyring
from tests.transfer.gnupg import Gpg, gnupg
from tests.transfer.keyring import NOW, PASSPHRASE, RECEIVER, SENDER, office
from transfer import framing
from transfer.wrapping import TEXT_BYTES, unwrap, wrap

SECRET = b"c0ffee" * 10 + b"abcd\n"
ARCHIVE, ESCROW, OTHER = SENDER, RECEIVER, "51010001"


def wrapped(text: bytes = SECRET) -> bytes:
    """A message to the archive key and the escrow key."""
    return wrap(text, [office(ARCHIVE).public, office(ESCROW).public], NOW)


def refusal(message: bytes, *codes: str) -> str:
    """The code with which these keys refuse the message."""
    with pytest.raises(RefusedError) as error:
        unwrap(message, [office(code) for code in codes or (ARCHIVE, ESCROW)])
    return error.value.code


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=3000))
def test_each_recipient_opens_it_alone(text: bytes) -> None:
    """Any bytes come out as they went in, by either key, and by both together."""
    message = wrapped(text)
    for keys in ([office(ARCHIVE)], [office(ESCROW)], [office(OTHER), office(ESCROW), office(ARCHIVE)]):
        assert unwrap(message, keys) == text


def test_nobody_else_opens_it() -> None:
    """Without a key it was made for: T111; without recipients it is not made."""
    assert refusal(wrapped(), OTHER) == "T111"
    for recipients in ([], [office(ARCHIVE).public] * 20):
        with pytest.raises(ServiceError) as error:
            wrap(SECRET, recipients, NOW)
        assert error.value.code == "S408"
    with pytest.raises(ServiceError) as error:
        wrap(SECRET, [office(ARCHIVE).public], NOW - timedelta(days=1))
    assert error.value.code == "S408"


def test_no_bit_can_be_flipped() -> None:
    """Each bit of the message that one key reads: every change is refused, or touches the other key's part alone."""
    message = wrapped()
    others = len(framing.encode(framing.SESSION_KEY, framing.envelope(message, 9).sessions[0].body))
    second = len(framing.encode(framing.SESSION_KEY, framing.envelope(message, 9).sessions[1].body))
    for bit in range(len(message) * 8):
        changed = bytearray(message)
        changed[bit // 8] ^= 1 << bit % 8
        try:
            assert unwrap(bytes(changed), [office(ARCHIVE)]) == SECRET
            assert others <= bit // 8 < others + second, bit
        except RefusedError as error:
            assert error.code[0] == "T"  # noqa: PT017 - most bits are refused, some may not matter


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_cut_or_lengthened_message_is_refused(data: st.DataObject) -> None:
    """Neither the beginning of a message nor one with something behind it is opened."""
    message = wrapped()
    assert refusal(message[: data.draw(st.integers(0, len(message) - 1))])[0] == "T"
    assert refusal(message + data.draw(st.binary(min_size=1, max_size=40)))[0] == "T"


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_inside_are_refused(plain: bytes) -> None:
    """Whatever is encrypted to the archive key, nothing but a document or a refusal comes of it."""
    assert refusal(keyring.encrypted(plain, office(ARCHIVE).public))[0] == "T"


def test_only_one_document_is_inside() -> None:
    """A signed document, two documents and text are T120; too much is T140 where it is made and where it is read."""
    archive = office(ARCHIVE)
    signed = keyring.signed(SECRET, archive, keyring.document_head(archive))
    for plain in (signed, keyring.literal(SECRET) * 2, keyring.literal(SECRET, b"t")):
        assert refusal(keyring.encrypted(plain, archive.public)) == "T120"
    assert unwrap(keyring.encrypted(keyring.compressed(keyring.literal(SECRET)), archive.public), [archive]) == SECRET
    assert unwrap(wrapped(bytes(TEXT_BYTES)), [archive]) == bytes(TEXT_BYTES)
    for much in (keyring.literal(bytes(TEXT_BYTES + 1)), keyring.compressed(keyring.literal(bytes(2**24)))):
        assert refusal(keyring.encrypted(much, archive.public)) == "T140"
    assert refusal(bytes(2**18 + 1)) == "T102"
    with pytest.raises(RefusedError, match="T140"):
        wrapped(bytes(TEXT_BYTES + 1))


@pytest.fixture(scope="module")
def gpg() -> Iterator[Gpg]:
    """GnuPG with both keys."""
    with gnupg(NOW + timedelta(hours=1)) as found:
        for code in (ARCHIVE, ESCROW):
            found.run("--import", data=keyring.armored(code).encode(), passphrase=PASSPHRASE)
            found.trust(office(code).fingerprint)
        yield found


@pytest.mark.parametrize("alone", [ARCHIVE, ESCROW])
def test_gpg_opens_it_with_either_key(alone: str) -> None:
    """A gpg that has one of the two keys and nothing else shows the secret and has nothing to warn of."""
    with gnupg(NOW + timedelta(hours=1)) as found:
        found.run("--import", data=keyring.armored(alone).encode(), passphrase=PASSPHRASE)
        text, statuses, said = found.decrypt(wrapped())
    assert text == SECRET
    assert {"DECRYPTION_OKAY", "GOODMDC"} <= set(statuses)
    warnings = [line for line in said.lower().splitlines() if "warn" in line and "faked system time" not in line]
    assert warnings == []


@pytest.mark.parametrize("options", [(), ("--armor",), ("--compress-algo", "none"), ("--cipher-algo", "AES128")])
def test_what_gpg_wraps_is_opened_here(gpg: Gpg, options: tuple[str, ...]) -> None:
    """An escrow or a recovery that re-encrypts with gpg makes what we read, by either key."""
    names = [part for code in (ARCHIVE, ESCROW) for part in ("--recipient", office(code).fingerprint)]
    made = gpg.run("--trust-model", "always", *names, *options, "--encrypt", data=SECRET).stdout
    for code in (ARCHIVE, ESCROW):
        assert unwrap(made, [office(code)]) == SECRET
