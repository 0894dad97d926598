"""The benchmark of migrations, at a tiny size: everything is carried and compared, and nothing is guessed."""

import importlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest

from flows import relocation
from flows.bench.migration import comparing, measuring, scripts, server, table, work
from flows.bench.migration.measuring import Book, Used
from flows.bench.migration.scripts import Scripts
from flows.bench.migration.server import Server, Servers
from formats.errors import ServiceError, UnreachableError, UsageError
from migration.run import Folder
from tests.parts import need
from tests.servers import PostgreSQL

ROWS = 300


@pytest.fixture
def url(postgresql_server: PostgreSQL) -> str:
    """A server as libpq takes it."""
    return postgresql_server.url("postgres").replace("+psycopg", "")


@pytest.fixture
def both(url: str) -> Servers:
    """That server in both places."""
    one = Server(url, 0)
    return Servers(one, one, "test")


def databases(url: str) -> set[str]:
    """The benchmark's databases on the server."""
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'jiexu_bench_%'").fetchall()
    return {name for (name,) in found}


def test_everything_is_carried_and_compared(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One round gives every figure of ours, each peer's that is installed, and leaves no database behind."""
    for program in ("psql", "sqlite3", "gzip"):
        need(program)

    def here(servers: Servers, name: str, folder: Path, workers: int, rows: int) -> Used:
        """The stage in this process, which saves its start."""
        before = servers.used()
        found = work.measure(name, Folder(folder), workers)
        assert found["rows"] == rows
        after = servers.used()
        spent = None if before is None or after is None else after - before
        return Used(rows, found["seconds"], found["cpu"], spent, found["peak_mib"])

    monkeypatch.setattr(comparing, "stage", here)
    rows = comparing.run(ROWS, 1, url)
    assert all(row.ours > 0 for row in rows)
    assert {row.what for row in rows if row.peer is None} == (
        set() if shutil.which("pgloader") else {row.what for row in rows if row.what.endswith("beside pgloader")}
    )
    assert sum(row.goal is not None for row in rows) == 10
    assert len({row.what for row in rows}) == len(rows)
    assert not databases(url)


def test_a_stage_has_a_process_of_its_own(both: Servers, tmp_path: Path) -> None:
    """What it used is told; one that cannot be done is S420 and says which."""
    source = table.fill(both.source, both.database("source"), ROWS)
    try:
        begun = relocation.begin(tmp_path / "migration", source, f"sqlite:///{tmp_path / 'x.db'}", "benchmark")
        used = measuring.stage(both, "survey", begun.path, 1, ROWS)
        assert (used.rows, used.served) == (ROWS, None)
        assert 0 < used.cpu < 60
        assert 10 < used.peak_mib < 400
        with pytest.raises(ServiceError, match=r"S420.*survey: 300 rows of 301"):
            measuring.stage(both, "survey", begun.path, 1, ROWS + 1)
        with pytest.raises(ServiceError, match=r"S420.*copy: "):
            measuring.stage(both, "copy", begun.path, 1, ROWS)
    finally:
        both.source.drop(both.database("source"))


def test_the_same_rows_in_sqlite(both: Servers, tmp_path: Path) -> None:
    """The file has the rows of the table; texts are Chinese and some cells are empty."""
    source = table.fill(both.source, both.database("source"), ROWS)
    try:
        table.sqlite(source, tmp_path / "source.db")
        begun = relocation.begin(tmp_path / "migration", f"sqlite:///{tmp_path / 'source.db'}", source, "benchmark")
        assert work.measure("survey", begun, 1)["rows"] == ROWS
        assert work.measure("freeze", begun, 1)["rows"] == ROWS
        with psycopg.connect(source) as connection:
            found = connection.execute("SELECT count(*), count(unit), min(length(remark)) FROM contribution").fetchone()
        assert found == (ROWS, 240, 12)
    finally:
        both.source.drop(both.database("source"))


def test_a_tool_that_is_missing_is_not_guessed(both: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a program is not installed there is no figure, and a row beside it is not measured."""
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    tools = Scripts(both, ROWS, both.source.url, tmp_path / "x.db", tmp_path)
    every = [tools.pipe, tools.sqlite_pipe, tools.key, tools.pgloader]
    assert [act(both.source.url) for act in every] == [None] * 4
    assert (tools.file(), tools.packed_file()) == (None, None)
    book = Book()
    book.enter("pipe", None)
    assert book.middle(lambda used: used.speed, "pipe") is None


def test_a_command_that_fails(both: Servers, tmp_path: Path) -> None:
    """A script of which a command fails has no figure: it is S420 and names the program."""
    need("psql")
    with pytest.raises(ServiceError, match=r"S420.*psql ended with"):
        Scripts(both, ROWS, both.source.url, tmp_path / "x.db", tmp_path).pipe(both.source.database("nowhere"))


def test_no_password_on_a_command_line(both: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A password is handed to programs in a variable; others on the machine see their command lines."""
    need("psql")
    seen: list[Any] = []

    def script(_: Servers, rows: int, *lines: Sequence[Sequence[str]], variables: dict[str, str]) -> Used:
        """Take it down."""
        seen.append((str(lines), variables))
        return Used(rows, 1.0, 1.0)

    monkeypatch.setattr(scripts, "script", script)
    monkeypatch.setattr(shutil, "which", lambda name, **_: name)
    tools = Scripts(both, ROWS, "postgresql://u:s%2Fcret@db:5433/a", tmp_path / "x.db", tmp_path)
    for act in (tools.pipe, tools.key, tools.pgloader):
        act("postgresql://u:s%2Fcret@db:5433/b")
    tools.packed_file()
    assert len(seen) == 4
    assert not any("cret" in lines for lines, _ in seen)
    assert all(variables == {"PGPASSWORD": "s/cret"} for _, variables in seen)
    assert "postgresql://u@db:5433/b" in seen[2][0]
    tools.pgloader("postgresql://u@/b?host=/run/pg")
    assert "postgresql://u@unix:/run/pg:5432/b" in seen[-1][0]


def test_servers_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two servers that flush to the disk, whose processes are seen; without the package it is said how to get one."""
    with server.servers(None) as both:
        assert both.source != both.target
        with psycopg.connect(both.target.url) as connection:
            assert connection.execute("SHOW fsync").fetchone() == ("on",)
        before = both.used()
        both.source.execute("SELECT sum(sqrt(n)) FROM generate_series(1, 2000000) AS n")
        after = both.used()
        assert before is not None
        assert after is not None
        assert after > before
    assert Server(both.source.url, 0).used() is None

    def missing(name: str) -> None:
        """It is not installed."""
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(UsageError, match=r"D602.*--postgresql URL"), server.servers(None):
        pytest.fail("there is none")


def test_a_server_that_does_not_answer(tmp_path: Path) -> None:
    """A named server that cannot be reached is S409."""
    with (
        pytest.raises(UnreachableError, match="S409"),
        server.servers(f"postgresql://postgres@/postgres?host={tmp_path}"),
    ):
        pytest.fail("nobody answers")


def test_sums_and_medians() -> None:
    """Pieces of work add up round by round; a figure is the median of the rounds."""
    book = Book()
    for seconds in (1.0, 2.0, 4.0):
        book.enter("a", Used(100, seconds, seconds, 1.0, 10))
        book.enter("b", Used(100, 1.0, 1.0, None, 20))
    assert book.middle(lambda used: used.seconds, "a", "b") == 3.0
    assert book.middle(lambda used: used.peak_mib, "a", "b") == 20
    assert book.middle(lambda used: used.cost, "a") == 3.0 / 100 * 1e6
    assert book.middle(lambda used: used.cost, "a", "b") is None
    assert book.middle(lambda used: used.own_cost, "b") == 1e4
