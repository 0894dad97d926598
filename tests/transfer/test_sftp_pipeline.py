"""The SFTP pipeline against a small server in memory that answers in any order and refuses what it likes."""

import random
import struct
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.errors import RefusedError, ServiceError, UnreachableError
from transfer import sftp_jobs
from transfer import sftp_packets as packets
from transfer.sftp_packets import WireError
from transfer.sftp_pipeline import JOBS, REQUESTS, Job, Pipeline


def text(value: bytes) -> bytes:
    """A string as the draft packs it."""
    return struct.pack(">I", len(value)) + value


def strings(body: bytes) -> list[bytes]:
    """The strings that a body consists of."""
    found = []
    while body:
        length = int.from_bytes(body[:4])
        found.append(body[4 : 4 + length])
        body = body[4 + length :]
    return found


class MemoryServer:
    """An SFTP server without a line: requests are done at once, replies come in a random order in random pieces.

    `refuses(number)` says whether the request with this number (counted from 1) is refused.
    """

    def __init__(self, seed: int, refuses: Callable[[int], bool], offers: tuple[bytes, ...], read_most: int) -> None:
        self.files: dict[bytes, bytearray] = {}
        self.open: dict[bytes, bytes | None] = {}
        self.most_waiting = 0
        self._random = random.Random(seed)
        self._refuses = refuses
        self._offers = offers
        self._read_most = read_most
        self._requests = 0
        self._handles = 0
        self._input = b""
        self._replies: list[bytes] = []
        self._output = b""

    def moved(self) -> None:
        """Nothing to watch."""

    def send(self, data: bytes) -> None:
        """Do every whole request."""
        self._input += data
        while len(self._input) >= 4 and len(self._input) >= 4 + int.from_bytes(self._input[:4]):
            length = int.from_bytes(self._input[:4])
            packet, self._input = self._input[4 : 4 + length], self._input[4 + length :]
            if packet[0] == packets.INIT:
                body = struct.pack(">I", 3) + b"".join(text(offer) + text(b"1") for offer in self._offers)
                self._replies.append(struct.pack(">IB", len(body) + 1, packets.VERSION) + body)
                continue
            self._requests += 1
            refused = self._refuses(self._requests)
            kind, body = (packets.STATUS, struct.pack(">I", 4)) if refused else self._do(packet[0], packet[5:])
            if refused and packet[0] == packets.CLOSE:
                del self.open[strings(packet[5:])[0]]
            self._replies.append(struct.pack(">IB", len(body) + 5, kind) + packet[1:5] + body)
        self.most_waiting = max(self.most_waiting, len(self._replies))

    def receive(self) -> bytes:
        """One reply after the other in a random order, cut anywhere."""
        if not self._output:
            assert self._replies, "a client waits for a reply that will never come"
            self._output = self._replies.pop(self._random.randrange(len(self._replies)))
        cut = self._random.randint(1, len(self._output))
        data, self._output = self._output[:cut], self._output[cut:]
        return data

    def _do(self, kind: int, body: bytes) -> tuple[int, bytes]:
        first = body[4 : 4 + int.from_bytes(body[:4])]
        rest = body[4 + len(first) :]
        status = packets.OK
        if kind == packets.OPEN:
            return self._opened(first, struct.unpack_from(">I", rest)[0])
        if kind == packets.OPENDIR:
            return self._opened(None, 0)
        if kind == packets.READDIR:
            return self._listed(first)
        if kind == packets.READ:
            return self._read(first, *struct.unpack(">QI", rest))
        if kind == packets.FSTAT:
            return packets.ATTRS, struct.pack(">IQ", 1, len(self._content(first)))
        if kind == packets.WRITE:
            offset, length = struct.unpack_from(">QI", rest)
            content = self._content(first)
            content.extend(bytes(max(0, offset - len(content))))
            content[offset : offset + length] = rest[12:]
        elif kind == packets.CLOSE:
            del self.open[first]
        elif kind == packets.REMOVE:
            status = packets.OK if self.files.pop(first, None) is not None else packets.NO_SUCH_FILE
        else:
            status = self._renamed(kind, strings(body))
        return packets.STATUS, struct.pack(">I", status)

    def _content(self, handle: bytes) -> bytearray:
        name = self.open[handle]
        assert name is not None
        return self.files[name]

    def _opened(self, name: bytes | None, flags: int) -> tuple[int, bytes]:
        if name is not None and flags & 0x10:
            self.files[name] = bytearray()
        if name is not None and name not in self.files:
            return packets.STATUS, struct.pack(">I", packets.NO_SUCH_FILE)
        self._handles += 1
        handle = b"%d" % self._handles
        self.open[handle] = name
        self._unlisted = sorted(self.files)
        return packets.HANDLE, text(handle)

    def _listed(self, handle: bytes) -> tuple[int, bytes]:
        assert handle in self.open
        part, self._unlisted = self._unlisted[:3], self._unlisted[3:]
        if not part:
            return packets.STATUS, struct.pack(">I", packets.END_OF_FILE)
        rows = (text(name) + text(b"") + struct.pack(">IQ", 1, len(self.files[name])) for name in part)
        return packets.NAME, struct.pack(">I", len(part)) + b"".join(rows)

    def _read(self, handle: bytes, offset: int, length: int) -> tuple[int, bytes]:
        data = bytes(self._content(handle)[offset : offset + min(length, self._read_most)])
        if not data:
            return packets.STATUS, struct.pack(">I", packets.END_OF_FILE)
        return packets.DATA, text(data)

    def _renamed(self, kind: int, names: list[bytes]) -> int:
        if kind == packets.EXTENDED and names[0] == packets.FSYNC:
            assert names[1] in self.open
            return packets.OK
        old, new = names[-2:]
        if old not in self.files:
            return packets.NO_SUCH_FILE
        if kind == packets.RENAME and new in self.files:
            return 4
        self.files[new] = self.files.pop(old)
        return packets.OK


def nothing(_: int) -> bool:
    """Refuse nothing."""
    return False


ALL_OFFERS = (packets.POSIX_RENAME, packets.FSYNC)


@given(
    seed=st.integers(0, 2**32),
    sizes=st.lists(st.sampled_from([0, 1, 100, 32_600, 32_601, 100_000]), max_size=80),
    refused=st.sets(st.integers(1, 300), max_size=10),
    offers=st.sampled_from([(), ALL_OFFERS, (packets.FSYNC,)]),
    old=st.booleans(),
)
def test_storing(seed: int, sizes: list[int], refused: set[int], offers: tuple[bytes, ...], old: bool) -> None:
    """Whatever is refused: stored means whole under its final name, failed means that nothing partial is there.

    No handle stays open, no reply is lost, and only refused parcels fail.
    """
    server = MemoryServer(seed, refused.__contains__, offers, 10**6)
    contents = {b"file-%d" % number: bytes([number]) * size for number, size in enumerate(sizes)}
    if old:
        server.files |= {name: bytearray(b"old") for name in contents}
    pipeline = Pipeline(server)
    jobs = (Job(sftp_jobs.store(name, data, pipeline.offers), len(data)) for name, data in contents.items())
    ended = pipeline.run(jobs)
    outcomes = dict(ended)
    assert sorted(outcomes) == list(range(len(sizes)))
    failures = 0
    for number, (name, data) in enumerate(contents.items()):
        outcome = outcomes[number]
        if outcome is None:
            assert server.files[name] == data
        else:
            failures += 1
            assert isinstance(outcome, ServiceError)
            assert outcome.code == "S407"
            # Without posix-rename the old file may be gone when the second rename is refused.
            assert server.files.get(name) in (
                ([b"old"] if old else []) + ([] if offers == ALL_OFFERS and old else [None])
            )
    assert failures <= len(refused)
    assert not server.open
    assert server.most_waiting <= REQUESTS


@given(
    seed=st.integers(0, 2**32),
    size=st.sampled_from([0, 1, 32_599, 32_600, 32_601, 65_200, 500_000]),
    read_most=st.sampled_from([1024, 8000, 32_599, 10**6]),
)
def test_fetching(seed: int, size: int, read_most: int) -> None:
    """A file comes out whole even when the server answers in any order with less than was asked."""
    server = MemoryServer(seed, nothing, (), read_most)
    data = random.Random(seed).randbytes(size)
    server.files[b"file"] = bytearray(data)
    [(_, outcome)] = Pipeline(server).run([Job(sftp_jobs.fetch(b"file", size))], sftp_jobs.READS)
    assert outcome == data
    assert not server.open
    assert server.most_waiting <= sftp_jobs.READS


@given(seed=st.integers(0, 2**32), refused=st.sets(st.integers(1, 30), min_size=1, max_size=3))
def test_fetching_with_refusals(seed: int, refused: set[int]) -> None:
    """A refused read is an error, never bytes that are not the file's; the file is closed again."""
    server = MemoryServer(seed, refused.__contains__, (), 10**6)
    data = random.Random(seed).randbytes(500_000)
    server.files[b"file"] = bytearray(data)
    [(_, outcome)] = Pipeline(server).run([Job(sftp_jobs.fetch(b"file", len(data)))])
    assert outcome == data or isinstance(outcome, UnreachableError)
    assert not server.open


def test_crumbs_are_refused() -> None:
    """A server that hands out a file byte by byte is given up."""
    server = MemoryServer(1, nothing, (), 1)
    server.files[b"file"] = bytearray(100_000)
    [(_, outcome)] = Pipeline(server).run([Job(sftp_jobs.fetch(b"file", 10**6))])
    assert isinstance(outcome, UnreachableError)


def test_too_large_is_not_read() -> None:
    """A file over the cap is T102 after one look at its size."""
    server = MemoryServer(1, nothing, (), 10**6)
    server.files[b"file"] = bytearray(100_000)
    [(_, outcome)] = Pipeline(server).run([Job(sftp_jobs.fetch(b"file", 99_999))])
    assert isinstance(outcome, RefusedError)
    assert outcome.code == "T102"
    assert not server.open


@given(seed=st.integers(0, 2**32), count=st.integers(0, 60))
def test_listing(seed: int, count: int) -> None:
    """A listing in many parts is whole, also when parts are asked for ahead."""
    server = MemoryServer(seed, nothing, (), 10**6)
    names = {b"file-%d" % number for number in range(count)}
    server.files = {name: bytearray(b"x") for name in names}
    [(_, outcome)] = Pipeline(server).run([Job(sftp_jobs.listing(b"."))])
    assert isinstance(outcome, list)
    assert {name for name, _ in outcome} == names
    assert not server.open


def test_jobs_are_taken_up_as_others_end() -> None:
    """No more than JOBS jobs are taken from the iterable before the first has ended."""
    server = MemoryServer(1, nothing, ALL_OFFERS, 10**6)
    taken = ended = most = 0

    def jobs() -> Iterator[Job[None]]:
        nonlocal taken, most
        for number in range(500):
            taken += 1
            most = max(most, taken - ended)
            yield Job(sftp_jobs.store(b"file-%d" % number, b"x", ALL_OFFERS))

    for _ in Pipeline(server).run(jobs()):
        ended += 1
    assert (ended, most) == (500, JOBS)


def test_heavy_jobs_wait() -> None:
    """Large parcels are held in memory a few at a time, however many are waiting."""
    server = MemoryServer(1, nothing, ALL_OFFERS, 10**6)
    taken = ended = most = 0

    def jobs() -> Iterator[Job[None]]:
        nonlocal taken, most
        for number in range(20):
            taken += 1
            most = max(most, taken - ended)
            yield Job(sftp_jobs.store(b"file-%d" % number, b"x", ALL_OFFERS), 40 * 2**20)

    for _ in Pipeline(server).run(jobs()):
        ended += 1
    assert (ended, most) == (20, 2)


@pytest.mark.parametrize(
    "reply",
    [
        struct.pack(">IBII", 9, packets.STATUS, 77, 0),
        struct.pack(">IB", 1, packets.STATUS),
        struct.pack(">IBI", 5, packets.STATUS, 1),
        struct.pack(">IBI", 5, packets.DATA, 1),
        struct.pack(">IB", 2**31, packets.STATUS),
    ],
    ids=["to nothing", "without number", "without status", "of the wrong type", "endless"],
)
def test_broken_reply(reply: bytes) -> None:
    """What is not SFTP ends the connection."""

    class Broken(MemoryServer):
        def receive(self) -> bytes:
            greeting = super().receive()
            self._replies = [reply]
            return greeting

    server = Broken(1, nothing, (), 1)
    server._random = random.Random(0)  # the reply is cut anywhere, which must make no difference
    with pytest.raises((WireError, AssertionError)):
        dict(Pipeline(server).run([Job(sftp_jobs.store(b"file", b"x", ()))]))
