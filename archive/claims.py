"""Claims: who works on which case, message or arrival, so that no two do.

An owner is one process at work. Its row in the ledger is the lease of everything it has claimed: ten minutes, renewed
whenever it claims or records. An owner that is dead for certain (same host, same boot, and the process is gone) or
whose lease has run out loses its claims when somebody claims next. Whoever records first locks its own row: if that row
is gone, the claims are somebody else's by now, and nothing is written.
"""

import os
import socket
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from sqlalchemy import Connection, Row, Table, delete, select, update

from archive.ledger import insert
from archive.tables import arrivals, cases, messages, owners, utc_text
from formats.errors import UnreachableError

LEASE = timedelta(minutes=10)

_PROC = Path("/proc")
_CLAIMABLE: tuple[Table, ...] = (cases, messages, arrivals)


@dataclass(frozen=True, slots=True)
class Owner:
    """One process at work.

    `host` also names the process namespace, because containers share a kernel and its boot id but not their process
    numbers; `boot_id` and `started` are empty where the system has no /proc, and such an owner is never called dead.
    """

    host: str
    boot_id: str
    pid: int
    started: str  # clock ticks since boot
    token: str

    @classmethod
    def this_process(cls) -> Self:
        """This process, under a new token. Make it after a fork, not before."""
        pid = os.getpid()
        return cls(_host(), _boot_id(), pid, _started(pid), uuid4().hex)

    def is_dead(self) -> bool:
        """Whether the process is certainly gone: same host, same boot, and no such process, or a later one."""
        if not self.boot_id or (self.host, self.boot_id) != (_host(), _boot_id()):
            return False
        return _started(self.pid) != self.started


def admit(connection: Connection, owner: Owner, at: datetime) -> None:
    """Begin or renew this owner's lease, then take the claims of the dead and the late away.

    In this order two owners that are both late cannot wait for each other.
    """
    begin = insert(connection, owners).values(
        token=owner.token,
        host=owner.host,
        boot_id=owner.boot_id,
        pid=owner.pid,
        started=owner.started,
        until=utc_text(at + LEASE),
    )
    connection.execute(
        begin.on_conflict_do_update(index_elements=[owners.c.token], set_={"until": begin.excluded.until})
    )
    now = utc_text(at)
    for row in connection.execute(select(owners).where(owners.c.token != owner.token)).all():
        if row.until < now or _owner(row).is_dead():
            _take_away(connection, row)


def _take_away(connection: Connection, row: Row[Any]) -> None:
    """Forget an owner, unless it renews its lease or is being forgotten at this moment."""
    unchanged = select(owners.c.token).where(owners.c.token == row.token, owners.c.until == row.until)
    if connection.execute(unchanged.with_for_update(skip_locked=True)).first() is not None:
        forget(connection, row.token)


def holds(connection: Connection, owner: Owner, at: datetime) -> bool:
    """Whether the owner still has its lease, which is renewed and locked until the transaction ends."""
    renewed = update(owners).where(owners.c.token == owner.token).values(until=utc_text(at + LEASE))
    return connection.execute(renewed).rowcount == 1


def held(connection: Connection, owner: Owner, at: datetime, numbers: Collection[int]) -> frozenset[int]:
    """Which of these arrivals are this owner's; its lease is renewed."""
    if not holds(connection, owner, at):
        return frozenset()
    mine = select(arrivals.c.number).where(arrivals.c.claim == owner.token)
    return frozenset(connection.execute(mine).scalars()) & frozenset(numbers)


def confirm(connection: Connection, owner: Owner, at: datetime, numbers: Collection[int]) -> None:
    """All these arrivals are this owner's. Raises UnreachableError S409 naming one that no longer is."""
    lost = frozenset(numbers) - held(connection, owner, at, numbers)
    if lost:
        raise UnreachableError("S409", f"another process has taken over arrival {min(lost)}")


def forget(connection: Connection, token: str) -> None:
    """Give back everything that the owner with this token has claimed."""
    for table in _CLAIMABLE:
        connection.execute(update(table).where(table.c.claim == token).values(claim=None))
    connection.execute(delete(owners).where(owners.c.token == token))


def _owner(row: Row[Any]) -> Owner:
    return Owner(host=row.host, boot_id=row.boot_id, pid=row.pid, started=row.started, token=row.token)


def _host() -> str:
    try:
        return f"{socket.gethostname()} {(_PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return socket.gethostname()


def _boot_id() -> str:
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _started(pid: int) -> str:
    """When a process began, in clock ticks since boot; empty when there is none, or only its corpse (a zombie)."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()  # the command before it may hold spaces and brackets
    return "" if fields[0] in "ZX" else fields[19]
