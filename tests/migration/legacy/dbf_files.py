"""DBF files made by hand for tests: the parts of the format that no public file has."""

import struct


def dbf(
    columns: list[tuple[bytes, str, int, int, int]],
    records: list[bytes],
    *,
    version: int = 0x03,
    driver: int = 0,
    count: int | None = None,
    tail: bytes = b"\x1a",
) -> bytes:
    """A file with these columns (name, type, size, decimals, flags) and whole records, the deletion mark included."""
    wide = version & 7 == 4
    descriptors = b"".join(
        name.ljust(32, b"\0") + struct.pack("<cBB13x", kind.encode(), size, decimals)
        if wide
        else name.ljust(11, b"\0") + kind.encode() + bytes(4) + bytes([size, decimals, flags]) + bytes(13)
        for name, kind, size, decimals, flags in columns
    )
    start = (68 if wide else 32) + len(descriptors) + 1
    length = 1 + sum(size + (256 * decimals if kind == "C" else 0) for _, kind, size, decimals, _ in columns)
    number = len(records) if count is None else count
    head = struct.pack("<B3xIHH17xB2x", version, number, start, length, driver)
    assert all(len(record) == length for record in records)
    return head + bytes(36 if wide else 0) + descriptors + b"\r" + b"".join(records) + tail


def fpt(memos: list[bytes], block: int = 64) -> tuple[bytes, list[int]]:
    """A FoxPro memo file and the block of each memo."""
    data, blocks = bytearray(512), []
    data[6:8] = block.to_bytes(2, "big")
    for memo in memos:
        blocks.append(len(data) // block)
        data += struct.pack(">II", 1, len(memo)) + memo
        data += bytes(-len(data) % block)
    return bytes(data), blocks
