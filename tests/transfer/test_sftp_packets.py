"""SFTP packets."""

import struct
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.errors import UnreachableError
from transfer import sftp_packets as packets
from transfer.sftp_packets import Attributes, Reply, WireError, extensions

READERS: list[Callable[[Reply], object]] = [
    Reply.check,
    Reply.handle,
    Reply.data,
    Reply.attributes,
    Reply.names,
    Reply.write_limit,
    lambda reply: reply.status,
]


def text(value: bytes) -> bytes:
    """A string as the draft packs it."""
    return struct.pack(">I", len(value)) + value


def packed(attributes: Attributes) -> bytes:
    """Attributes as a server packs them, with an owner and an extended pair that nobody asked for."""
    flags = 0x80000002
    body = struct.pack(">II", 0, 0)
    if attributes.size is not None:
        flags |= 1
        body = struct.pack(">Q", attributes.size) + body
    if attributes.mode is not None:
        flags |= 4
        body += struct.pack(">I", attributes.mode)
    if attributes.modified is not None:
        flags |= 8
        body += struct.pack(">II", 0, attributes.modified)
    return struct.pack(">I", flags) + body + struct.pack(">I", 1) + text(b"name") + text(b"value")


numbers = st.integers(0, 2**32 - 1)
attribute_sets = st.builds(Attributes, st.none() | st.integers(0, 2**64 - 1), st.none() | numbers, st.none() | numbers)


@given(st.lists(st.tuples(st.binary(max_size=20), attribute_sets), max_size=5))
def test_listings_are_read_as_written(names: list[tuple[bytes, Attributes]]) -> None:
    """Names and attributes come out as the server put them in, whichever attributes it gives."""
    body = b"".join(text(name) + text(b"long") + packed(attributes) for name, attributes in names)
    assert Reply(packets.NAME, struct.pack(">I", len(names)) + body).names() == names


@given(attribute_sets)
def test_attributes_are_read_as_written(attributes: Attributes) -> None:
    """So do the attributes of one file."""
    assert Reply(packets.ATTRS, packed(attributes)).attributes() == attributes


@given(st.sampled_from([101, 102, 103, 104, 105, 201, 0, 7]), st.binary(max_size=60), st.sampled_from(READERS))
def test_rubbish_is_an_error_of_ours(kind: int, body: bytes, reader: Callable[[Reply], object]) -> None:
    """Whatever a server sends, reading it ends with a value, a refusal or a WireError."""
    with suppress(WireError, UnreachableError):
        reader(Reply(kind, body))


@given(st.binary(max_size=60))
def test_rubbish_as_greeting(packet: bytes) -> None:
    """The same for the server's first packet."""
    try:
        extensions(packet)
    except WireError:
        return
    assert packet[0] == packets.VERSION


def test_greeting() -> None:
    """Extensions are kept with their versions; older protocols are refused."""
    offers = text(packets.FSYNC) + text(b"1")
    assert extensions(struct.pack(">BI", 2, 3) + offers) == {packets.FSYNC: b"1"}
    with pytest.raises(WireError):
        extensions(struct.pack(">BI", 2, 2))


def test_refusal_keeps_the_number_only() -> None:
    """A status becomes S407 with its number; the server's words are left out."""
    reply = Reply(packets.STATUS, struct.pack(">I", 4) + text(b"Mrs. Kim's file") + text(b""))
    with pytest.raises(UnreachableError) as caught:
        reply.handle()
    assert str(caught.value.detail) == "SFTP status 4"


@given(st.binary(max_size=50), st.integers(0, 2**63), st.binary(max_size=50), numbers)
def test_write_request(handle: bytes, offset: int, data: bytes, number: int) -> None:
    """A request is its length, its type, its number and its fields."""
    packet = packets.write(handle, offset, memoryview(data)).encode(number)
    assert packet[:9] == struct.pack(">IBI", len(packet) - 4, packets.WRITE, number)
    assert packet[9:] == text(handle) + struct.pack(">Q", offset) + text(data)
