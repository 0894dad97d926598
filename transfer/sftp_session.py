"""A session with an SFTP server that connects when it is first used, and anew at the call after a loss."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from formats.errors import ServiceError, UnreachableError
from transfer.sftp_address import SftpAddress
from transfer.sftp_connection import Connection
from transfer.sftp_packets import WireError
from transfer.sftp_pipeline import REQUESTS, Job, Pipeline, Steps

T = TypeVar("T")


class LostError(Exception):
    """The connection was lost during an operation; `error` is S404."""

    def __init__(self, error: UnreachableError) -> None:
        """`error` says what was lost."""
        super().__init__(error.code)
        self.error = error


class Session:
    """Jobs for one SFTP server, one thread at a time."""

    def __init__(self, address: SftpAddress) -> None:
        """Nothing is done until the first call."""
        self._address = address
        self._connection: Connection | None = None

    def connected(self) -> Connection:
        """The connection; a new one if there is none or it was lost.

        Raises UnreachableError S404 S407, UsageError S401 S405 S406 S408.
        """
        if self._connection is not None and not self._connection.alive:
            self.close()
        if self._connection is None:
            self._connection = Connection(self._address)
        return self._connection

    @contextmanager
    def moving(self, connection: Connection) -> Iterator[Pipeline]:
        """The pipeline, watched. Raises LostError.

        Whatever ends the block early leaves requests without reply: the connection is dropped.
        """
        try:
            with connection.watchdog:
                yield connection.pipeline
        except WireError as error:
            self.close()
            raise LostError(self._address.unreachable(str(error))) from None
        except BaseException:
            self.close()
            raise

    def do(self, steps: Steps[T], requests: int = REQUESTS, on: Connection | None = None) -> T:
        """Do one job; raise what it raises. `on`: the connection to which a handle in it belongs."""
        [outcome] = self.do_all([steps], requests, on)
        if isinstance(outcome, ServiceError):
            raise outcome
        return outcome

    def do_all(
        self, jobs: Iterable[Steps[T]], requests: int = REQUESTS, on: Connection | None = None
    ) -> list[T | ServiceError]:
        """Do jobs side by side; their results or errors in the order of the jobs. Raises UnreachableError S404."""
        if on is not None and (on is not self._connection or not on.alive):
            raise self._address.unreachable("connection lost")
        connection = self.connected()
        try:
            with self.moving(connection) as pipeline:
                outcomes = sorted(pipeline.run(map(Job, jobs), requests), key=lambda item: item[0])
        except LostError as lost:
            raise lost.error from None
        return [outcome for _, outcome in outcomes]

    def close(self) -> None:
        """Cut the connection. Nothing that was confirmed depends on it. Closing twice is fine."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
