"""A real MariaDB for the tests: one server a session, a fresh database a test, reached through a socket only."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pymysql

from tests.parts import need

_WAIT = 60  # seconds for the server to answer


@dataclass(frozen=True, slots=True)
class MariaDB:
    """A running server, reached through the socket at `socket`."""

    socket: str

    def url(self, database: str) -> str:
        """The database's URL as SQLAlchemy reads it."""
        return f"mysql+pymysql://root@/{database}?unix_socket={quote(self.socket, safe='')}&charset=utf8mb4"

    def execute(self, *statements: str, database: str | None = None) -> None:
        """Run statements as the administrator, each for good."""
        connection = pymysql.connect(unix_socket=self.socket, user="root", database=database, autocommit=True)
        with connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a fresh empty database (utf8mb4), which is dropped afterwards."""
        name = f"test_{uuid.uuid4().hex}"
        self.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE {name}")


@contextmanager
def mariadb(options: Sequence[str] = ()) -> Iterator[MariaDB]:
    """A MariaDB server for the time of the block, its data in a temporary folder; as root it runs as user mysql."""
    program, install = need("mariadbd"), need("mariadb-install-db")
    place = Path(tempfile.mkdtemp(prefix="jiexu-my-"))
    place.chmod(0o755)  # the server's user must reach it
    user = _user(place)
    data, socket = place / "data", place / "s.sock"
    subprocess.run(
        [
            install,
            "--no-defaults",
            f"--datadir={data}",
            f"--user={user}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    # The tests kill processes, never the machine: no flushing.
    command = [program, "--no-defaults", f"--datadir={data}", f"--socket={socket}", f"--user={user}"]
    command += ["--skip-networking", "--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync"]
    command += [f"--tmpdir={place}", f"--log-error={place / 'log'}", f"--pid-file={place / 'pid'}", *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield _answering(MariaDB(str(socket)), process, place / "log")
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(place)


def _user(place: Path) -> str:
    """Who the server runs as; the folder is given to them."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid()).pw_name
    shutil.chown(place, "mysql")
    return "mysql"


def _answering(server: MariaDB, process: "subprocess.Popen[bytes]", log: Path) -> MariaDB:
    end = time.monotonic() + _WAIT
    while True:
        with socket.socket(socket.AF_UNIX) as trial:
            if trial.connect_ex(server.socket) == 0:
                return server
        if process.poll() is not None or time.monotonic() > end:
            said = log.read_text(errors="replace") if log.exists() else "nothing"
            raise RuntimeError(f"mariadbd does not answer; its log: {said}")
        time.sleep(0.1)
