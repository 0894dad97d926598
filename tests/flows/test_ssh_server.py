"""The SSH server of the demo, and the benchmark's small parts."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flows import ssh_server
from flows.bench import sftp as bench_sftp
from flows.bench.delay_proxy import delay_proxy
from flows.bench.rows import compare, document, render
from flows.ssh_server import Kind, exchange_server
from formats.errors import UnreachableError
from tests.parts import need
from tests.ssh_servers import FOLDER, served
from transfer.mailbox import Parcel
from transfer.sftp import SftpMailbox, parse_url
from transfer.ssh_keys import new_ssh_key

KINDS: list[Kind] = ["openssh", "asyncssh"]


@pytest.mark.parametrize("kind", KINDS)
def test_two_offices_use_one_server(tmp_path: Path, kind: Kind) -> None:
    """Each holder of a key sees every folder, also when the root's name has spaces and signs in it."""
    if kind == "openssh":
        need("sshd")
    root = tmp_path / "a root%u"
    lines = [new_ssh_key(tmp_path / name) for name in ("one", "two")]
    with exchange_server(root, ["in box", "other"], lines, kind) as address:
        assert address.kind == kind
        url = address.url("in box")
        with SftpMailbox(parse_url(url, address.host_key, tmp_path / "one")) as mailbox:
            assert mailbox.put([Parcel("a", b"x")]) == (("a", None),)
        with SftpMailbox(parse_url(url, address.host_key, tmp_path / "two")) as mailbox:
            assert mailbox.fetch("a", 10) == b"x"
        assert (root / "in box" / "a").read_bytes() == b"x"
        assert (root / "other").is_dir()
    with pytest.raises(UnreachableError, match="S404"):
        SftpMailbox(parse_url(url, address.host_key, tmp_path / "one", 5)).list()


def test_embedded_where_sshd_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without sshd the embedded server takes its place, unless OpenSSH was asked for."""
    monkeypatch.setattr(ssh_server, "find_sshd", lambda: None)
    line = new_ssh_key(tmp_path / "key")
    with exchange_server(tmp_path / "root", [], [line]) as address:
        assert address.kind == "asyncssh"
    with pytest.raises(UnreachableError), exchange_server(tmp_path / "root", [], [line], "openssh"):
        pytest.fail("there is no sshd")


def test_embedded_where_sshd_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An sshd that lets nobody in is not used."""
    monkeypatch.setattr(ssh_server, "find_sshd", lambda: "/bin/false")
    with exchange_server(tmp_path / "root", ["box"], [new_ssh_key(tmp_path / "key")]) as address:
        assert address.kind == "asyncssh"


def test_embedded_stays_in_its_root(tmp_path: Path) -> None:
    """A path that climbs out of the embedded server's root stays inside it."""
    with served(tmp_path / "home", "asyncssh") as place:
        (tmp_path / "home" / "outside").write_bytes(b"secret")
        url = place.address.url(FOLDER).replace(FOLDER, "../../home")
        mailbox = SftpMailbox(parse_url(url, place.address.host_key, place.key))
        with mailbox, pytest.raises(UnreachableError, match="S407"):
            mailbox.fetch("outside", 100)


@pytest.mark.parametrize("kind", KINDS)
def test_server_does_not_outlive_its_process(tmp_path: Path, kind: Kind) -> None:
    """When the process that started the server is killed, nothing listens any longer."""
    if kind == "openssh":
        need("sshd")
    line = new_ssh_key(tmp_path / "key")
    program = (
        "import sys; from pathlib import Path; from flows.ssh_server import exchange_server\n"
        "with exchange_server(Path(sys.argv[1]), ['box'], [sys.argv[2]], sys.argv[3]) as address:\n"
        "    print(address.url('box'), address.host_key, flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "root"), line, kind]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url, host_key = process.stdout.readline().strip().split(" ", 1)
        mailbox = SftpMailbox(parse_url(url, host_key, tmp_path / "key", 5))
        assert mailbox.list() == ()
        mailbox.close()
        os.kill(process.pid, signal.SIGKILL)
    for _ in range(100):
        try:
            mailbox.list()
        except UnreachableError:
            break
        mailbox.close()
        time.sleep(0.05)
    else:
        pytest.fail("the server is still there")


def test_delay(tmp_path: Path) -> None:
    """The proxy adds its time to every round trip, and loses nothing."""
    with served(tmp_path / "home", "asyncssh") as place:
        host = place.address.host
        with delay_proxy(host, place.address.port, 40) as port:
            url = place.address.url(FOLDER).replace(str(place.address.port), str(port))
            with SftpMailbox(parse_url(url, place.address.host_key, place.key)) as mailbox:
                mailbox.list()
                started = time.monotonic()
                assert mailbox.put([Parcel("a", bytes(2_000_000))]) == (("a", None),)
                assert mailbox.fetch("a", 2_000_000) == bytes(2_000_000)
                assert time.monotonic() - started > 6 * 0.04


def test_bench_on_a_small_scale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The benchmark runs through, with the peer and without it; a missing peer is said and not guessed."""
    need("sshd")
    need("sftp")
    monkeypatch.setattr(bench_sftp, "ROUNDS", 1)
    rows = bench_sftp.run(files=5, size=1000, big=100_000, delay_ms=5)
    assert [row.unit for row in rows] == ["files/s", "files/s", "MB/s"]
    assert all(row.ratio and row.met is not None for row in rows)
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    monkeypatch.setattr(bench_sftp, "find_sshd", lambda: None)
    monkeypatch.setattr(ssh_server, "find_sshd", lambda: None)
    rows = bench_sftp.run(files=2, size=10, big=10, delay_ms=1)
    assert {(row.peer, row.ratio, row.met) for row in rows} == {(None, None, None)}
    assert all(row.ours > 0 for row in rows)


def test_rows() -> None:
    """Ratios say how many times better ours is, whichever way better is counted."""
    rows = [
        compare("speed", 300.0, 100.0, "files/s", 2.0),
        compare("time", 2.0, 1.0, "s", 1.0, less_is_better=True),
        compare("alone", 1.0, None, "s", 1.0),
        compare("informs", 1.0, 2.0, "s"),
    ]
    assert [(row.ratio, row.met) for row in rows] == [(3.0, True), (0.5, False), (None, None), (0.5, None)]
    written = document("sftp", rows)
    assert (written["bench"], len(written["rows"])) == ("sftp", 4)  # type: ignore[arg-type]  # a JSON value is any object
    lines = render(rows).splitlines()
    assert len(lines) == 5
    assert [line.split()[-1] for line in lines[1:4]] == ["met", "missed", "measured"]
