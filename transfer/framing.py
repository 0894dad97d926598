"""OpenPGP framing: what a file is made of, judged before any cryptography or OpenPGP library sees it. Pure.

The grammar accepted here is much narrower than RFC 9580 allows. One package is

    one or more session keys (tag 1, version 3)      RFC 9580 §5.1.1
    one encrypted, integrity protected body (tag 18, version 1)   §5.13.1
    nothing else

and what it decrypts to is

    optionally one compressed packet (ZIP or ZLIB), which holds the rest and nothing else   §5.6
    one one-pass signature, one literal document in binary form, one signature   §5.4, §5.9, §5.2
    nothing else

Lengths are strict, every walk over the input is linear in its size, and every number of packets and size of output has
a limit. General libraries accept nesting, several documents, text beside the signed one, bodies without integrity
protection, and need quadratic time for small partial lengths: each of these has been used to attack a receiver.
"""

import base64
import binascii
import re
import zlib
from typing import Final, NamedTuple

Octets = bytes | memoryview

# Packet types (RFC 9580 §5).
SESSION_KEY: Final = 1
SIGNATURE: Final = 2
ONE_PASS: Final = 4
SECRET_KEY: Final = 5
PUBLIC_KEY: Final = 6
SECRET_SUBKEY: Final = 7
COMPRESSED: Final = 8
LITERAL: Final = 11
USER_ID: Final = 13
PUBLIC_SUBKEY: Final = 14
ENCRYPTED: Final = 18

# Only packets that carry data may come in parts or without a length (§4.2.1.4); 9 is the old unprotected body.
_STREAMED: Final = frozenset({COMPRESSED, 9, LITERAL, ENCRYPTED})
_LEAST_PART: Final = 512

ZIP: Final = 1
ZLIB: Final = 2

_RSA: Final = 1
_ECDH: Final = 18
_NATIVE_POINT: Final = 0x40  # the first octet of an X25519 point
_NATIVE_POINT_LENGTH: Final = 33
_NIST_POINT: Final = 0x04  # of a point of a NIST curve, not compressed

_ARMOR_HEADERS: Final = rb"[ \t]*\r?\n(?:[A-Za-z]+: [^\r\n]*\r?\n){0,16}[ \t]*\r?\n"
_ARMOR_CHECKSUM: Final = re.compile(rb"\n=[A-Za-z0-9+/]{4}\s*\Z")


class FramingError(ValueError):
    """The bytes are not framed as they must be. The text names the flaw, never what the bytes hold."""


class Packet(NamedTuple):
    """One OpenPGP packet: its type and its body."""

    tag: int
    body: Octets


class Session(NamedTuple):
    """One session key packet: for which key it is (8 bytes of key id) and the whole body."""

    key_id: bytes
    body: bytes


class Envelope(NamedTuple):
    """The outer structure: session keys and the encrypted body behind its version octet."""

    sessions: tuple[Session, ...]
    ciphertext: Octets


class Signed(NamedTuple):
    """The inner structure. `announced`: what the one-pass packet says of the signature; `signature`: its body."""

    announced: "OnePass"
    data: Octets
    signature: bytes


class OnePass(NamedTuple):
    """What a one-pass signature packet announces (RFC 9580 §5.4, version 3)."""

    kind: int
    digest_algorithm: int
    algorithm: int
    key_id: bytes


def need(condition: bool, flaw: str) -> None:
    """Raise FramingError unless the condition holds."""
    if not condition:
        raise FramingError(flaw)


def packets(data: Octets, most: int) -> list[Packet]:
    """The packets that the bytes consist of, at most `most`; nothing may be left over (RFC 9580 §4.2).

    Bodies are views on the input except where they came in parts. Raises FramingError.
    """
    view = memoryview(data)
    found: list[Packet] = []
    offset = 0
    while offset < len(view):
        need(len(found) < most, f"more than {most} packets")
        first = view[offset]
        need(first & 0x80 != 0, "not an OpenPGP packet")
        if first & 0x40:
            tag = first & 0x3F
            body, offset = _new_body(view, offset + 1, tag)
        else:
            tag = (first >> 2) & 0x0F
            body, offset = _old_body(view, offset + 1, tag, first & 0x03)
        found.append(Packet(tag, body))
    return found


def _old_body(view: memoryview, offset: int, tag: int, length_type: int) -> tuple[memoryview, int]:
    """The body of a packet in the legacy format (§4.2.2) and where it ends."""
    if length_type == 3:
        need(tag in _STREAMED, "a packet without a length that must have one")
        return view[offset:], len(view)
    octets = 1 << length_type
    length = int.from_bytes(_slice(view, offset, octets), "big")
    return _slice(view, offset + octets, length), offset + octets + length


def _new_body(view: memoryview, offset: int, tag: int) -> tuple[Octets, int]:
    """The body of a packet in the present format (§4.2.1), its parts joined, and where it ends."""
    parts: list[memoryview] = []
    while True:
        first = _slice(view, offset, 1)[0]
        if 224 <= first < 255:
            length, offset = 1 << (first & 0x1F), offset + 1
            need(tag in _STREAMED, "partial lengths in a packet that must have one length")
            need(length >= _LEAST_PART, "partial lengths below 512 octets")
        else:
            length, offset = _length(view, offset, first)
        parts.append(_slice(view, offset, length))
        offset += length
        if not 224 <= first < 255:
            return (parts[0] if len(parts) == 1 else b"".join(parts)), offset


def _length(view: memoryview, offset: int, first: int) -> tuple[int, int]:
    """A length of one, two or five octets and where it ends; subpackets use the same form (§5.2.3.7)."""
    if first < 192:
        return first, offset + 1
    if first < 255:
        return ((first - 192) << 8) + _slice(view, offset, 2)[1] + 192, offset + 2
    return int.from_bytes(_slice(view, offset, 5)[1:], "big"), offset + 5


def _slice(view: memoryview, offset: int, length: int) -> memoryview:
    need(offset + length <= len(view), "it ends too early")
    return view[offset : offset + length]


def subpackets(area: bytes) -> list[Packet]:
    """The subpackets of a signature's area (RFC 9580 §5.2.3.7); the tag keeps the critical bit. Raises FramingError."""
    view = memoryview(area)
    found: list[Packet] = []
    offset = 0
    while offset < len(view):
        length, offset = _length(view, offset, view[offset])
        need(length > 0, "an empty subpacket")
        body = _slice(view, offset, length)
        found.append(Packet(body[0], bytes(body[1:])))
        offset += length
    return found


def length_octets(length: int) -> bytes:
    """A length in the present format, as short as it can be (RFC 9580 §4.2.1)."""
    if length < 192:
        return bytes([length])
    if length < 8384:
        return bytes([((length - 192) >> 8) + 192, (length - 192) & 0xFF])
    return b"\xff" + length.to_bytes(4, "big")


def packet_header(tag: int, length: int) -> bytes:
    """What stands before the body of a packet with this type and length."""
    return bytes([0xC0 | tag]) + length_octets(length)


def encode(tag: int, body: Octets) -> bytes:
    """One packet in the present format."""
    return packet_header(tag, len(body)) + body


def number(data: Octets, offset: int) -> tuple[bytes, int]:
    """The multiprecision integer at an offset, without leading zeros, and where it ends (RFC 9580 §3.2).

    Its number of bits must be exact: one number has one form only. Raises FramingError.
    """
    view = memoryview(data)
    bits = int.from_bytes(_slice(view, offset, 2), "big")
    octets = bytes(_slice(view, offset + 2, (bits + 7) // 8))
    need(int.from_bytes(octets, "big").bit_length() == bits, "a number whose length is wrong")
    return octets, offset + 2 + len(octets)


def encode_number(octets: bytes) -> bytes:
    """A multiprecision integer from its octets, leading zeros left out."""
    octets = octets.lstrip(b"\0")
    return int.from_bytes(octets, "big").bit_length().to_bytes(2, "big") + octets


def envelope(data: Octets, most: int) -> Envelope:
    """The outer structure of a package of at most `most` packets. Raises FramingError for anything else."""
    found = packets(data, most)
    need(len(found) > 1, "not an encrypted message")
    body = found[-1].body
    need(found[-1].tag == ENCRYPTED and len(body) > 1 and body[0] == 1, "no body with integrity protection at its end")
    sessions = []
    for packet in found[:-1]:
        need(packet.tag == SESSION_KEY, "something other than session keys before the encrypted body")
        need(len(packet.body) > 10 and packet.body[0] == 3, "a session key of an unknown version")
        sessions.append(Session(bytes(packet.body[1:9]), bytes(packet.body)))
    return Envelope(tuple(sessions), memoryview(body)[1:])


def check_session(body: bytes) -> None:
    """Refuse a session key packet that is not RSA or ECDH in its one exact form (RFC 9580 §5.1.3, §5.1.5).

    An X25519 point with its highest bit set means the same point as without (RFC 7748 §5); it is refused, so that no
    bit of a package can be changed unnoticed. Raises FramingError.
    """
    value, end = number(body, 10)
    if body[9] == _ECDH:
        native = len(value) == _NATIVE_POINT_LENGTH and value[0] == _NATIVE_POINT and value[-1] < 0x80
        need(native or value[:1] == bytes([_NIST_POINT]), "a point in a wrong form")
        need(end < len(body) and body[end] == len(body) - end - 1, "a wrapped session key of a wrong length")
    else:
        need(body[9] == _RSA and end == len(body), "a session key of an unknown kind")


def decompressed(plain: Octets, most: int) -> Octets:
    """What is inside the compressed packet that `plain` consists of, or `plain` itself if it is not compressed.

    The output is at most `most` bytes, the compressed data must end exactly where the packet does, and what is inside
    is not decompressed again. BZip2 is refused: it grows up to a million times. Raises FramingError.
    """
    if len(plain) == 0 or not _is_compressed(plain[0]):
        return plain
    found = packets(plain, 1)
    body = memoryview(found[0].body)
    need(len(body) > 1 and body[0] in (ZIP, ZLIB), "compressed by another method than ZIP or ZLIB")
    stream = zlib.decompressobj(-15 if body[0] == ZIP else 15)
    try:
        out = stream.decompress(body[1:], most + 1)
    except zlib.error:
        raise FramingError("the compressed data are damaged") from None
    need(len(out) <= most, f"more than {most} bytes when decompressed")
    need(stream.eof and not stream.unused_data, "the compressed data do not end where they should")
    return out


def _is_compressed(first: int) -> bool:
    return (first & 0x3F if first & 0x40 else (first >> 2) & 0x0F) == COMPRESSED and first & 0x80 != 0


def signed(plain: Octets) -> Signed:
    """The one signed document that `plain` consists of. Raises FramingError for anything else."""
    found = packets(plain, 3)
    need([packet.tag for packet in found] == [ONE_PASS, LITERAL, SIGNATURE], "not one signed document and nothing else")
    one_pass, signature = memoryview(found[0].body), memoryview(found[2].body)
    # The last octet says whether another signature follows; some write 0 though none does.
    need(len(one_pass) == 13 and one_pass[0] == 3 and one_pass[12] in (0, 1), "a one-pass packet of an unknown form")
    announced = OnePass(one_pass[1], one_pass[2], one_pass[3], bytes(one_pass[4:12]))
    return Signed(announced, _literal(found[1].body), bytes(signature))


def document(plain: Octets) -> Octets:
    """The one document, not signed, that `plain` consists of. Raises FramingError for anything else."""
    found = packets(plain, 1)
    need([packet.tag for packet in found] == [LITERAL], "not one document and nothing else")
    return _literal(found[0].body)


def _literal(body: Octets) -> memoryview:
    """The document in a literal packet (§5.9): behind its form, its name and its time."""
    view = memoryview(body)
    need(len(view) >= 6 and view[0] == ord("b"), "a document that is not in binary form")
    start = 6 + view[1]
    need(start <= len(view), "a document's name that is longer than the document")
    return view[start:]


def dearmored(data: bytes, kind: str) -> bytes:
    """The bytes inside ASCII armor (RFC 9580 §6); bytes that do not begin like armor are given back as they are.

    `kind` is what must be inside, e.g. `MESSAGE`. The checksum is not read: what is inside has a better one. Raises
    FramingError.
    """
    if not data.startswith(b"-"):
        return data
    name = kind.encode("ascii")
    begin = re.compile(rb"-----BEGIN PGP %b-----%b" % (name, _ARMOR_HEADERS)).match(data)
    if begin is None:
        raise FramingError(f"not the armor of a {kind.lower()}")
    tail = b"-----END PGP %b-----" % name
    end = data.find(tail, begin.end())
    need(end >= 0, "armor without its end")
    need(not data[end + len(tail) :].strip(), "something behind the armor")
    checksum = _ARMOR_CHECKSUM.search(data, max(begin.end() - 1, end - 64), end)
    text = data[begin.end() : checksum.start() if checksum else end]
    try:
        return base64.b64decode(text.translate(None, b" \t\r\n"), validate=True)
    except binascii.Error:
        raise FramingError("armor that is not base64") from None


def armored(data: bytes, kind: str) -> str:
    """The bytes in ASCII armor with its checksum, for people to pass on (RFC 9580 §6). Slow: for keys, not packages."""
    text = base64.b64encode(data).decode("ascii")
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    check = base64.b64encode(_crc24(data).to_bytes(3, "big")).decode("ascii")
    return "\n".join([f"-----BEGIN PGP {kind}-----", "", *lines, f"={check}", f"-----END PGP {kind}-----", ""])


def _crc24(data: bytes) -> int:
    """The checksum of armor (RFC 9580 §6.1)."""
    check = 0xB704CE
    for octet in data:
        check ^= octet << 16
        for _ in range(8):
            check = (check << 1) ^ (0x1864CFB if check & 0x800000 else 0)
    return check
