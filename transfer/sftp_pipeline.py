"""Many SFTP jobs over one connection at once.

Storing a small file takes three exchanges with the server, each waiting for the one before. One file at a time, the
line is idle nearly all the time; here up to 64 files are under way together, and requests that are ready at the same
time share SSH packets. The server may answer in any order. Every reply reaches the job that asked; none is skipped.

A job is a generator: it yields a batch of requests, is resumed with the batch's replies in the order of the requests,
and returns its result or raises a ServiceError, which ends this job and no other. When a reply refuses, the rest of its
batch is not sent, so that a full disk is not told another thousand writes; the job sees fewer replies than requests.
"""

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, Protocol, TypeVar

from formats.errors import ServiceError
from transfer.sftp_packets import OK, Reply, Request, WireError, extensions, hello

T = TypeVar("T")

# A batch has at least one request.
Batch = Iterable[Request]
Steps = Generator[Batch, list[Reply], T]

# Jobs under way at once, and the bytes they may hold together before no further job is taken up.
JOBS: Final = 64
HELD_BYTES: Final = 64 * 2**20

# Requests without reply: enough for 64 small files. Of large writes the SSH window stops us earlier.
REQUESTS: Final = 256

# Requests are gathered until they fill one SSH packet (32 KiB less paramiko's reserve).
_SEND_BYTES: Final = 32_700

# OpenSSH's own limit of a packet; a longer one is not SFTP.
_PACKET_BYTES: Final = 256 * 1024


class Wire(Protocol):
    """A channel to an SFTP server. Every method but `moved` raises WireError when the connection is lost or silent."""

    def send(self, data: bytes) -> None:
        """Send all of it."""

    def receive(self) -> bytes:
        """At least one byte."""

    def moved(self) -> None:
        """Called when a whole reply has arrived: the server is alive."""


@dataclass(frozen=True, slots=True)
class Job(Generic[T]):
    """One thing to do. `weight`: the bytes it holds in memory."""

    steps: Steps[T]
    weight: int = 0


@dataclass(slots=True, eq=False)
class _Running(Generic[T]):
    """A job under way. Its batch is sent when `batch` is exhausted; `waiting` counts replies still to come."""

    number: int
    job: Job[T]
    batch: Iterator[Request] = field(default_factory=lambda: iter(()))
    replies: list[Reply] = field(default_factory=list)
    waiting: int = 0
    sent: bool = False


_PENDING: Final = Reply(0, b"")


class Pipeline:
    """The client's end of one SFTP session. After a WireError, or when `run` is left early, it is of no more use."""

    def __init__(self, wire: Wire) -> None:
        """Say hello and learn what the server offers. Raises WireError."""
        self._wire = wire
        self._received = bytearray()
        self._place = 0
        self._gathered: list[bytes] = [hello()]
        self._gathered_bytes = 0
        self._number = 0
        self.offers: Mapping[bytes, bytes] = extensions(self._packet())

    def run(self, jobs: Iterable[Job[T]], requests: int = REQUESTS) -> Iterator[tuple[int, T | ServiceError]]:
        """Do the jobs; yield each one's number (its place among the jobs) and result or error, as they end.

        Jobs are taken up as others end; at most `requests` requests are without reply at any time. Raises WireError,
        and whatever the iterable of jobs raises.
        """
        return _Run(self, jobs, requests).results()

    def send(self, request: Request) -> int:
        """Gather the request for sending; its number."""
        self._number = (self._number + 1) & 0xFFFFFFFF
        packet = request.encode(self._number)
        if self._gathered_bytes + len(packet) > _SEND_BYTES:
            self._flush()
        self._gathered.append(packet)
        self._gathered_bytes += len(packet)
        return self._number

    def receive(self) -> tuple[int, Reply]:
        """The next reply with the number of its request. Sends what is gathered before it waits."""
        packet = self._packet()
        if len(packet) < 5:
            raise WireError("a reply that is cut short")
        return int.from_bytes(packet[1:5]), Reply(packet[0], packet[5:])

    def _flush(self) -> None:
        if self._gathered:
            self._wire.send(b"".join(self._gathered))
            self._gathered.clear()
            self._gathered_bytes = 0

    def _packet(self) -> bytes:
        """Type and fields of the next packet."""
        while True:
            start = self._place + 4
            if len(self._received) >= start:
                end = start + int.from_bytes(self._received[self._place : start])
                if end - start > _PACKET_BYTES:
                    raise WireError("a reply that is too long")
                if len(self._received) >= end:
                    self._place = end
                    self._wire.moved()
                    return bytes(self._received[start:end])
            del self._received[: self._place]
            self._place = 0
            self._flush()
            self._received += self._wire.receive()


class _Run(Generic[T]):
    """One call of `Pipeline.run`."""

    def __init__(self, pipeline: Pipeline, jobs: Iterable[Job[T]], requests: int) -> None:
        self._pipeline = pipeline
        self._feed = enumerate(jobs)
        self._requests = requests
        self._exhausted = False
        self._live = 0
        self._held = 0
        self._ready: deque[_Running[T]] = deque()  # to be resumed
        self._sending: deque[_Running[T]] = deque()  # with a batch not sent to its end
        self._asked: dict[int, tuple[_Running[T], int]] = {}  # request number: who asked, place in the batch

    def results(self) -> Iterator[tuple[int, T | ServiceError]]:
        while True:
            self._take_up()
            while self._ready:
                running = self._ready.popleft()
                ended = self._resume(running)
                if ended is not None:
                    yield running.number, ended[0]
            self._send()
            if self._asked:
                self._receive()
            elif self._exhausted and not self._live:
                return

    def _take_up(self) -> None:
        while not self._exhausted and self._live < JOBS and self._held < HELD_BYTES:
            taken = next(self._feed, None)
            if taken is None:
                self._exhausted = True
                return
            number, job = taken
            self._live += 1
            self._held += job.weight
            self._ready.append(_Running(number, job))

    def _resume(self, running: _Running[T]) -> tuple[T | ServiceError] | None:
        """Take the job one step on: its result in a tuple when it has ended."""
        steps = running.job.steps
        try:
            batch = steps.send(running.replies) if running.sent else next(steps)
        except StopIteration as end:
            ended: T | ServiceError = end.value
        except ServiceError as error:
            ended = error
        else:
            running.batch, running.replies, running.sent = iter(batch), [], False
            self._sending.append(running)
            return None
        self._live -= 1
        self._held -= running.job.weight
        return (ended,)

    def _send(self) -> None:
        while self._sending and len(self._asked) < self._requests:
            running = self._sending[0]
            request = next(running.batch, None)
            if request is None:
                self._sending.popleft()
                running.sent = True
                self._ready_if_answered(running)
            else:
                self._asked[self._pipeline.send(request)] = (running, len(running.replies))
                running.replies.append(_PENDING)
                running.waiting += 1

    def _receive(self) -> None:
        number, reply = self._pipeline.receive()
        asked = self._asked.pop(number, None)
        if asked is None:
            raise WireError("a reply to nothing")
        running, place = asked
        running.replies[place] = reply
        running.waiting -= 1
        if reply.status != OK:
            running.batch = iter(())
        self._ready_if_answered(running)

    def _ready_if_answered(self, running: _Running[T]) -> None:
        if running.sent and not running.waiting:
            self._ready.append(running)
