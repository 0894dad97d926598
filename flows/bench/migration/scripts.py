"""What a user would script instead, out of psql, sqlite3, gzip and pgloader. None where a program is missing."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit, urlunsplit

from flows.bench.migration.measuring import Command, Used, script
from flows.bench.migration.server import Servers
from flows.bench.migration.table import ANALYSE, COLUMNS, KEY, NAME

_OUT: Final = f"COPY {NAME} TO STDOUT"


@dataclass(frozen=True, slots=True)
class Scripts:
    """The scripts over the source's database of so many rows, the same rows in SQLite, and a folder for files."""

    servers: Servers
    rows: int
    source: str
    sqlite: Path
    folder: Path

    def pipe(self, target: str) -> Used | None:
        """`psql COPY | psql COPY`."""
        return self._into(target, _psql(self.source, _OUT), f"COPY {NAME} FROM STDIN")

    def sqlite_pipe(self, target: str) -> Used | None:
        """`sqlite3 -csv | psql COPY`."""
        reading = ["sqlite3", "-csv", str(self.sqlite), f"SELECT * FROM {NAME} ORDER BY id"]  # noqa: S608
        return self._into(target, reading, f"COPY {NAME} FROM STDIN (FORMAT csv)")

    def key(self, target: str) -> Used | None:
        """The primary key and the statistics, behind a pipe."""
        return self._run(target, [_psql(target, KEY)], [_psql(target, ANALYSE)])

    def pgloader(self, target: str) -> Used | None:
        """`pgloader`, which makes the table and its key itself."""
        if ":" in (urlsplit(target).hostname or ""):  # an IPv6 address, of which it knows nothing
            return None
        loading = ["pgloader", "--root-dir", str(self.folder), f"sqlite://{self.sqlite}", _for_pgloader(target)]
        return self._run(target, [loading], [_psql(target, ANALYSE)])

    def file(self) -> Used | None:
        r"""`\copy` to a CSV file, on the disk."""
        file = self.folder / "plain.csv"
        used = self._run(self.source, [_psql(self.source, rf"\copy {NAME} TO '{file}' (FORMAT csv)")], [_synced(file)])
        file.unlink(missing_ok=True)
        return used

    def packed_file(self) -> Used | None:
        r"""`\copy` through `gzip -1` to a file, on the disk."""
        file = self.folder / "packed.csv.gz"
        copying = rf"\copy {NAME} TO PROGRAM 'gzip -1 > {file}' (FORMAT csv)"
        used = self._run(self.source, [_psql(self.source, copying)], [_synced(file)], also=("gzip",))
        file.unlink(missing_ok=True)
        return used

    def _into(self, target: str, reading: Command, writing: str) -> Used | None:
        if not _installed(reading, ["psql"]):
            return None
        making = [_psql(target, f"CREATE TABLE {NAME} ({COLUMNS})")]
        return self._run(target, making, [reading, _psql(target, writing)])

    def _run(self, url: str, *lines: Sequence[Command], also: Sequence[str] = ()) -> Used | None:
        if not _installed(also, *(command for line in lines for command in line)):
            return None
        password = urlsplit(url).password
        variables = {"PGPASSWORD": unquote(password)} if password else {}
        return script(self.servers, self.rows, *lines, variables=variables)


def _installed(*commands: Command) -> bool:
    return all(shutil.which(command[0]) for command in commands if command)


def _psql(url: str, statement: str) -> Command:
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")
    user = place[0].partition(":")[0]
    shown = urlunsplit(parts._replace(netloc=f"{user}{place[1]}{place[2]}"))
    return ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", shown, "-c", statement]


def _synced(file: Path) -> Command:
    return ["sync", str(file)]


def _for_pgloader(url: str) -> str:
    """The URL as pgloader writes it, which puts the folder of a socket where the host stands."""
    parts = urlsplit(url)
    host = parse_qs(parts.query).get("host", [parts.hostname or "localhost"])[0]
    where = f"unix:{host}:{parts.port or 5432}" if host.startswith("/") else f"{host}:{parts.port or 5432}"
    return f"postgresql://{parts.username or 'postgres'}@{where}{parts.path}"
