"""The pure guards: packets, numbers, armor, compression, structure."""

import time
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transfer import framing
from transfer.framing import FramingError, Packet

MEGABYTE = 2**20


def in_parts(tag: int, body: bytes, size: int) -> bytes:
    """The body as a packet in parts of 2**size octets."""
    step = 1 << size
    cut = [body[start : start + step] for start in range(0, len(body), step)]
    whole = [part for part in cut if len(part) == step]
    rest = cut[-1] if cut and len(cut[-1]) < step else b""
    parts = b"".join(bytes([224 + size]) + part for part in whole)
    return bytes([0xC0 | tag]) + parts + framing.length_octets(len(rest)) + rest


@given(st.lists(st.tuples(st.integers(1, 63), st.binary(max_size=9000)), max_size=5))
def test_packets_round_trip(wanted: list[tuple[int, bytes]]) -> None:
    """What was framed is read as it was."""
    data = b"".join(framing.encode(tag, body) for tag, body in wanted)
    assert [(tag, bytes(body)) for tag, body in framing.packets(data, 5)] == wanted


@given(st.binary(max_size=5000), st.integers(9, 12))
def test_a_body_in_parts_is_joined(body: bytes, size: int) -> None:
    """Partial lengths of 512 octets and more are joined, whatever their number."""
    assert [bytes(packet.body) for packet in framing.packets(in_parts(framing.LITERAL, body, size), 1)] == [body]


@given(st.binary(max_size=300))
def test_any_bytes_are_packets_or_refused(data: bytes) -> None:
    """No bytes raise anything but FramingError, and what is read is never longer than what was given."""
    try:
        found = framing.packets(data, 20)
    except FramingError:
        return
    assert sum(len(packet.body) + 1 for packet in found) <= len(data)


@pytest.mark.parametrize(
    ("data", "flaw"),
    [
        (b"\x00\x00", "not an OpenPGP packet"),
        (b"\xcb", "too early"),
        (b"\xcb\x05abc", "too early"),
        (b"\xcb\xff\xff\xff\xff\xff", "too early"),
        (b"\xb0\x02a", "too early"),
        (b"\xc2\xea" + bytes(1024) + b"\x00", "partial lengths in a packet"),
        (b"\xcb\xe0a\x00", "below 512"),
        (b"\x8babc", "without a length"),
        (framing.encode(11, b"") * 4, "more than 3"),
    ],
)
def test_bad_framing_is_refused(data: bytes, flaw: str) -> None:
    """Every flaw of framing has its own words."""
    with pytest.raises(FramingError, match=flaw):
        framing.packets(data, 3)


def test_legacy_packets_are_read() -> None:
    """The legacy format with one, two and four octets of length, and without a length where data stream."""
    data = b"\x88\x02ab" + b"\x89\x00\x02cd" + b"\x8a\x00\x00\x00\x02ef" + b"\xaf" + b"rest"
    assert [bytes(packet.body) for packet in framing.packets(data, 4)] == [b"ab", b"cd", b"ef", b"rest"]


def test_many_parts_take_linear_time() -> None:
    """32 MB in parts of 512 octets are joined in well under a second of CPU."""
    data = in_parts(framing.LITERAL, bytes(32 * MEGABYTE), 9)
    started = time.process_time()
    framing.packets(data, 1)
    assert time.process_time() - started < 1


@given(st.integers(min_value=0, max_value=2**600))
def test_numbers_round_trip_in_one_form_only(value: int) -> None:
    """A number is read as written; the same number with another bit length is refused."""
    octets = value.to_bytes((value.bit_length() + 7) // 8, "big")
    written = framing.encode_number(b"\0" + octets)
    assert framing.number(written, 0) == (octets, len(written))
    longer = (int.from_bytes(written[:2], "big") + 1).to_bytes(2, "big") + written[2:] + b"\0"
    with pytest.raises(FramingError):
        framing.number(longer, 0)


@given(st.binary(max_size=2000))
def test_armor_round_trips(data: bytes) -> None:
    """What was armored is read as it was, with either kind of line end."""
    text = framing.armored(data, "MESSAGE")
    assert framing.dearmored(text.encode(), "MESSAGE") == data
    assert framing.dearmored(text.replace("\n", "\r\n").encode(), "MESSAGE") == data


def test_armor_with_headers_and_without_checksum_is_read() -> None:
    """Headers are skipped; the checksum is optional."""
    text = framing.armored(b"abc", "MESSAGE").replace("-----\n\n", "-----\nComment: x\nVersion: y\n\n", 1)
    lines = [line for line in text.splitlines() if not line.startswith("=")]
    assert framing.dearmored("\n".join(lines).encode(), "MESSAGE") == b"abc"


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN PGP SIGNED MESSAGE-----\n\nabc\n",
        framing.armored(b"abc", "SIGNATURE"),
        framing.armored(b"abc", "MESSAGE") + "more",
        framing.armored(b"abc", "MESSAGE").replace("YWJj", "Y!Jj"),
        framing.armored(b"abc", "MESSAGE").replace("-----END", "-----and"),
        framing.armored(b"abc", "MESSAGE").replace("\n\n", "\n", 1),
    ],
)
def test_bad_armor_is_refused(text: str) -> None:
    """Cleartext signatures, other kinds, trailing text, bad base64, no end, no empty line."""
    with pytest.raises(FramingError):
        framing.dearmored(text.encode(), "MESSAGE")


def test_endless_armor_takes_linear_time() -> None:
    """13 MB of armor without its end are refused at once."""
    data = b"-----BEGIN PGP MESSAGE-----\n\n" + (b"A" * 64 + b"\n") * 200_000
    started = time.process_time()
    with pytest.raises(FramingError):
        framing.dearmored(data, "MESSAGE")
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    ("body", "flaw"),
    [
        (b"", "another method"),
        (b"\x02", "another method"),
        (b"\x00abc", "another method"),
        (b"\x03BZh9", "another method"),
        (b"\x02abc", "damaged"),
        (b"\x02" + zlib.compress(b"x" * 5000), "more than 4096"),
        (b"\x02" + zlib.compress(b"x")[:-1], "do not end"),
        (b"\x02" + zlib.compress(b"x") + b"y", "do not end"),
    ],
)
def test_bad_compression_is_refused(body: bytes, flaw: str) -> None:
    """Only ZIP and ZLIB, only up to the limit, only to an exact end."""
    with pytest.raises(FramingError, match=flaw):
        framing.decompressed(framing.encode(framing.COMPRESSED, body), 4096)


@given(st.binary(max_size=4096))
def test_compression_round_trips(data: bytes) -> None:
    """ZLIB, ZIP and none; the limit itself is allowed."""
    plain = framing.encode(framing.LITERAL, b"b\0\0\0\0\0" + data)
    raw = zlib.compressobj(wbits=-15)
    zipped = raw.compress(plain) + raw.flush()
    zlibbed = framing.encode(framing.COMPRESSED, b"\x02" + zlib.compress(plain))
    assert framing.decompressed(zlibbed, len(plain)) == plain
    assert framing.decompressed(framing.encode(framing.COMPRESSED, b"\x01" + zipped), len(plain)) == plain
    assert framing.decompressed(plain, len(plain)) == plain


def session(body: bytes) -> bytes:
    """A session key packet for key id 0 with this behind the algorithm."""
    return b"\x03" + bytes(8) + body


@pytest.mark.parametrize(
    "body",
    [
        session(b"\x12" + framing.encode_number(b"\x40" + bytes(31) + b"\x80") + b"\x01x"),  # highest bit of the point
        session(b"\x12" + framing.encode_number(b"\x40" + bytes(31)) + b"\x01x"),  # a short point
        session(b"\x12" + framing.encode_number(b"\x40" + bytes(32)) + b"\x02x"),  # wrapped key too short
        session(b"\x12" + framing.encode_number(b"\x40" + bytes(32)) + b"\x01xy"),  # something behind it
        session(b"\x12" + framing.encode_number(b"\x40" + bytes(32))),  # no wrapped key
        session(b"\x01" + framing.encode_number(b"\x40") + b"x"),  # RSA with something behind it
        session(b"\x10" + framing.encode_number(b"\x40")),  # ElGamal
        session(b"\x01\x00\x08\x01"),  # bit length that is not exact
    ],
)
def test_session_keys_have_one_exact_form(body: bytes) -> None:
    """What could be changed without changing what it means is refused."""
    with pytest.raises(FramingError):
        framing.check_session(body)


def test_structure_is_exact() -> None:
    """Outer: session keys, then one protected body. Inner: one-pass, document, signature. Nothing else."""
    session_key = framing.encode(1, session(b"\x01" + framing.encode_number(b"\x40")))
    body = framing.encode(18, b"\x01abc")
    assert bytes(framing.envelope(session_key * 2 + body, 20).ciphertext) == b"abc"
    good = [Packet(4, b"\x03" + bytes(11) + b"\x01"), Packet(11, b"b\x01n\0\0\0\0data"), Packet(2, b"signature")]
    assert bytes(framing.signed(b"".join(framing.encode(*packet) for packet in good)).data) == b"data"
    for outer in (
        b"",
        body,
        session_key,
        body + session_key,
        session_key + body + body,
        session_key + b"\xd2\x02\x02a",
    ):
        with pytest.raises(FramingError):
            framing.envelope(outer, 20)
    for inner in ([], good[1:], good[:2], [*good, good[2]], good[::-1], [good[0], Packet(11, b"t\0\0\0\0\0"), good[2]]):
        with pytest.raises(FramingError):
            framing.signed(b"".join(framing.encode(*packet) for packet in inner))
