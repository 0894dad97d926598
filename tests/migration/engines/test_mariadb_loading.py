"""What MariaDB takes as it is, and what it must refuse though LOAD DATA LOCAL would let it pass."""

import socket
import threading
from pathlib import Path

import pytest

from formats.errors import IntegrityError, UnreachableError, UsageError
from migration import canon
from migration.catalog import Kind, TableName
from migration.engine import Copied, LoadColumn, Loading
from migration.engines.mariadb import MariadbTarget
from migration.engines.mariadb.wire import Wire
from tests.mariadb_server import MariaDB
from tests.migration.engines.mariadb_parts import load, read, run, socket_of

SECRET = "110101199003074258"


@pytest.mark.parametrize(
    ("native", "value", "place"),
    [
        ("varchar(5)", SECRET, "v, row 2"),
        ("varchar(18)", f"{SECRET}  ", "v, row 2"),
        ("varchar(99) CHARACTER SET latin1", f"{SECRET}张", "v, row 2"),
        ("int", SECRET, "v, row 2"),
        ("tinyint unsigned", "-1", "v, row 2"),
        ("decimal(5,1)", "1234.56", "v, row 2"),
        ("decimal(5,1)", SECRET, "v, row 2"),
        ("date", "2023-02-29", "v, row 2"),
        ("date", "0000-00-00", "v, row 2"),
        ("datetime", "2024-13-01 00:00:00.000000", "v, row 2"),
        ("time", "839:00:00.000000", "v, row 2"),
        ("timestamp NULL", "1969-12-31 00:00:00.000000+00", "v, row 2"),
        ("timestamp NULL", "2500-01-01 00:00:00.000000+00", "v, row 2"),
        ("double", "NaN", "v, row 2"),
        ("double", "Infinity", "v, row 2"),
        ("float", "1e+300", "v, row 2"),
        ("bit(2)", "9", "v, row 2"),
        ("bit(2)", SECRET, ""),
        ("varbinary(2)", "\\x000102", "v, row 2"),
        ("blob", "\\xzz", ""),
        ("enum('a')", SECRET, "v, row 2"),
        ("set('a')", f"a,{SECRET}", "v, row 2"),
        ("uuid", SECRET, "v, row 2"),
        ("int NOT NULL", None, "row 2"),
    ],
)
def test_a_value_that_would_be_altered_is_refused(mariadb_url: str, native: str, value: str | None, place: str) -> None:
    """What the server would cut, round, replace or leave out is D642 with column and row, and nothing stays."""
    run(mariadb_url, f"CREATE TABLE t (id int PRIMARY KEY, v {native})")
    good = {"int NOT NULL": "7"}.get(native)
    with pytest.raises(IntegrityError, match="D642") as caught:
        load(mariadb_url, "t", [("1", good), ("2", value)])
    assert place in caught.value.detail
    assert SECRET not in repr(caught.value)
    assert read(mariadb_url, "t") == []


def test_a_checked_and_a_referring_row_are_refused(mariadb_url: str) -> None:
    """A row against a check or without its parent is D642, and nothing stays."""
    run(
        mariadb_url,
        "CREATE TABLE p (id int PRIMARY KEY)",
        "CREATE TABLE t (id int PRIMARY KEY, v int CHECK (v > 0), p int REFERENCES p (id))",
    )
    for bad in (("1", "0", None), ("1", "1", "5")):
        with pytest.raises(IntegrityError, match="D642"):
            load(mariadb_url, "t", [("2", "1", None), bad])
        assert read(mariadb_url, "t") == []


def test_rows_are_not_altered_by_what_the_table_does_by_itself(mariadb_url: str) -> None:
    """Numbers that the server gives, ON UPDATE and defaults change nothing of what is loaded, 0 and NULL among it.

    With a SET clause (here for `w`, `y` and `b`) and without one, for which the server behaves differently.
    """
    run(
        mariadb_url,
        """CREATE TABLE t (id int PRIMARY KEY AUTO_INCREMENT, v text DEFAULT 'x', w timestamp NULL DEFAULT
         current_timestamp() ON UPDATE current_timestamp(), g int AS (y + 1), h int AS (y + 2) STORED, y year, b bit(64))""",
    )
    rows: list[canon.Cells] = [
        ("0", None, None, "0", None),
        ("5", "", "2001-02-03 04:05:06.000000+00", "2024", "18446744073709551615"),
    ]
    load(mariadb_url, "t", rows)
    assert read(mariadb_url, "t") == rows
    run(mariadb_url, "CREATE TABLE u (id int PRIMARY KEY AUTO_INCREMENT, v text)")
    load(mariadb_url, "u", [("0", "a"), ("-1", "b")])
    assert read(mariadb_url, "u") == [("-1", "b"), ("0", "a")]


def test_values_of_other_types_come_back(mariadb_url: str) -> None:
    """Booleans in bits, shapes, uuids, json and sets are loaded from their canonical text."""
    run(
        mariadb_url,
        "CREATE TABLE t (b bit(1), g geometry, u uuid, j json, s set('x','y'), v varbinary(9), d date, f float)",
    )
    rows: list[canon.Cells] = [
        ("0", None, None, None, None, None, None, None),
        (
            *("1", "\\x000000000101000000000000000000f03f0000000000000040", "123e4567-e89b-12d3-a456-426655440000"),
            *('{"a":  "\\"\\\\n"}', "x,y", "\\x00ff0a22", "0001-01-01", "3.4028234663852886e+38"),
        ),
    ]
    load(mariadb_url, "t", rows, b=Kind.BOOLEAN)
    assert read(mariadb_url, "t", b=(Kind.BOOLEAN, None)) == rows


def test_a_trigger_that_writes_is_found_by_reading_back(mariadb_url: str) -> None:
    """A trigger at work while rows are loaded alters them, and the reading shows it: triggers come last."""
    run(
        mariadb_url,
        "CREATE TABLE t (id int PRIMARY KEY, v text)",
        "CREATE TRIGGER now BEFORE INSERT ON t FOR EACH ROW SET NEW.v = 'now'",
    )
    load(mariadb_url, "t", [("1", "then")])
    assert read(mariadb_url, "t") == [("1", "now")]


def test_values_equal_in_the_order_of_the_target_are_told(mariadb_url: str) -> None:
    """'a', 'A' and 'a ' in a unique key of a collation for which they are equal: D642 loading, D627 making the key."""
    rows: list[canon.Cells] = [("a",), ("A",), ("a ",)]
    run(mariadb_url, "CREATE TABLE t (k varchar(9) PRIMARY KEY) COLLATE utf8mb4_general_ci")
    with pytest.raises(IntegrityError, match="D642"):
        load(mariadb_url, "t", rows)
    for collation, fits in (("utf8mb4_general_ci", False), ("utf8mb4_bin", False), ("utf8mb4_nopad_bin", True)):
        run(mariadb_url, f"CREATE OR REPLACE TABLE t (k varchar(9)) COLLATE {collation}")
        load(mariadb_url, "t", rows)
        target = MariadbTarget(mariadb_url)
        if fits:
            target.execute(["ALTER TABLE t ADD PRIMARY KEY (k)"])
        else:
            with pytest.raises(IntegrityError, match="D627") as caught:
                target.execute(["SELECT 1", "ALTER TABLE t ADD PRIMARY KEY (k)"])
            assert "statement 2" in caught.value.detail
        assert sorted(read(mariadb_url, "t")) == sorted(rows)


@pytest.mark.parametrize("engine", ["MyISAM", "Aria"])
def test_a_table_without_transactions_is_no_target(mariadb_url: str, engine: str) -> None:
    """Rows are loaded only where a chunk can be undone: D609, also for a table that is missing."""
    run(mariadb_url, f"CREATE TABLE t (id int) ENGINE={engine}")
    with pytest.raises(UsageError, match="D609"):
        load(mariadb_url, "t", [("1",)])
    assert read(mariadb_url, "t") == []
    nowhere = Loading(TableName("", "none"), (LoadColumn("id", Kind.INTEGER, "int"),))
    with MariadbTarget(mariadb_url).session() as session, pytest.raises(UsageError, match="D609"):
        session.load("run", Copied(1, 1, 1, "0" * 64), nowhere, [b'"1"\n'])


def test_a_server_that_takes_no_files_is_told(mariadb_server: MariaDB, mariadb_url: str) -> None:
    """Where local_infile is off, the session says so and how to change it, before anything is loaded."""
    mariadb_server.execute("SET GLOBAL local_infile = 0")
    try:
        with pytest.raises(UsageError, match="local_infile") as caught:
            MariadbTarget(mariadb_url).session()
        assert caught.value.code == "D609"
    finally:
        mariadb_server.execute("SET GLOBAL local_infile = 1")


def test_a_killed_session_leaves_nothing(mariadb_url: str) -> None:
    """When the server ends the connection in the middle of a chunk it is S409, and nothing of the chunk stays."""
    run(mariadb_url, "CREATE TABLE t (id int PRIMARY KEY, v longtext)")
    columns = (LoadColumn("id", Kind.INTEGER, "int"), LoadColumn("v", Kind.TEXT, "longtext"))
    with MariadbTarget(mariadb_url).session() as session:

        def data():  # type: ignore[no-untyped-def]
            for at in range(2000):
                if at == 1000:
                    run(mariadb_url, f"KILL {session._wire.thread_id()}")
                yield canon.line((str(at), "x" * 10_000))

        with pytest.raises(UnreachableError, match="S409"):
            session.load("run", Copied(1, 1, 2000, "0" * 64), Loading(TableName("", "t"), columns), data())
    assert read(mariadb_url, "t") == []
    assert MariadbTarget(mariadb_url).copied("run") == ()


def test_statements_are_strict_and_keep_zeros(mariadb_url: str) -> None:
    """A statement that would cut values is D641; numbering added to a column keeps its 0; backslashes are escapes."""
    target = MariadbTarget(mariadb_url)
    target.execute(
        [
            "CREATE TABLE t (id int, v varchar(9) COMMENT 'a\\\\b') ENGINE=InnoDB",
            "INSERT INTO t VALUES (0, 'abcdef'), (1, 'b')",
            "ALTER TABLE t MODIFY id int AUTO_INCREMENT PRIMARY KEY",
        ]
    )
    with pytest.raises(IntegrityError, match="D641"):
        target.execute(["ALTER TABLE t MODIFY v varchar(3)"])
    assert read(mariadb_url, "t") == [("0", "abcdef"), ("1", "b")]
    assert target.catalog().tables[0].column("v").comment == "a\\b"
    target.refresh([TableName("", "t")])
    with pytest.raises(IntegrityError, match="D641"):
        target.refresh([TableName("", "none")])


def test_a_server_gets_no_file_it_was_not_told_of(tmp_path: Path, mariadb_url: str) -> None:
    """A server that asks for a file in answer to another statement gets none: the connection refuses."""
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    real, false = socket_of(mariadb_url), tmp_path / "false"
    received: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(false))
        listening.listen()
        server = threading.Thread(target=_asking, args=(listening, real, secret, received))
        server.start()
        with (
            pytest.raises(Exception, match=r"local_infile|LOAD_LOCAL"),
            Wire(unix_socket=str(false), user="root") as wire,
        ):
            wire.fetch("SELECT 'ask'")
        server.join()
    assert SECRET.encode() not in b"".join(received)


def _asking(listening: socket.socket, real: Path, secret: Path, received: list[bytes]) -> None:
    """Pass everything on to the real server, but answer `ask` by the wish for a file."""
    client, _ = listening.accept()
    with client, socket.socket(socket.AF_UNIX) as server:
        server.connect(str(real))
        client.sendall(server.recv(65536))
        while data := client.recv(65536):
            received.append(data)
            if b"'ask'" in data:
                name = b"\xfb" + str(secret).encode()
                client.sendall(len(name).to_bytes(3, "little") + b"\x01" + name)
                continue
            server.sendall(data)
            if data[4:5] == b"\x01":  # the client takes its leave
                return
            client.sendall(server.recv(65536))
