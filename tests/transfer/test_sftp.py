"""A mailbox on real SSH servers: OpenSSH's and asyncssh's, well and unwell."""

import shutil
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import asyncssh.sftp
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from flows.ssh_server import OpenSshServer
from formats.errors import ServiceError, UnreachableError, UsageError
from tests.ssh_servers import BareHandler, Place, breaking, embedded, served, silent, sshd, stuck_link
from tests.suites.mailbox import MailboxBehaviour, stored
from transfer.mailbox import Mailbox, Parcel
from transfer.sftp import SftpMailbox, parse_url
from transfer.ssh_keys import new_ssh_key

# Seconds; a call that meets a hanging server must return within twice this.
TIMEOUT = 1.0


def emptied(place: Place) -> Place:
    """The place with nothing left in it by an earlier test."""
    shutil.rmtree(place.folder)
    place.folder.mkdir()
    return place


@pytest.fixture(scope="module")
def openssh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """OpenSSH's sshd."""
    with served(tmp_path_factory.mktemp("openssh"), "openssh") as place:
        yield place


@pytest.fixture(scope="module")
def asyncssh_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The embedded server, in its own process."""
    with served(tmp_path_factory.mktemp("asyncssh"), "asyncssh") as place:
        yield place


class TestOpenSsh(MailboxBehaviour):
    """The behaviour of every mailbox, on sshd."""

    @pytest.fixture
    def place(self, openssh: Place) -> Place:
        """An empty mailbox."""
        return emptied(openssh)


class TestAsyncssh(MailboxBehaviour):
    """The behaviour of every mailbox, on asyncssh's server."""

    @pytest.fixture
    def place(self, asyncssh_server: Place) -> Place:
        """An empty mailbox."""
        return emptied(asyncssh_server)


@pytest.fixture(params=["openssh", "asyncssh"])
def place(request: pytest.FixtureRequest) -> Place:
    """An empty mailbox on either server."""
    name = {"openssh": "openssh", "asyncssh": "asyncssh_server"}[request.param]
    return emptied(request.getfixturevalue(name))


def code_of(call: Callable[[], object]) -> str:
    """The reason code of the error that the call raises."""
    with pytest.raises(ServiceError) as caught:
        call()
    return caught.value.code


def codes(results: tuple[tuple[str, ServiceError | None], ...]) -> list[str | None]:
    """The reason codes of what `put` says."""
    return [error.code if error else None for _, error in results]


def in_time(call: Callable[[], object]) -> float:
    """Seconds of a call that fails with S404."""
    started = time.monotonic()
    assert code_of(call) == "S404"
    return time.monotonic() - started


def watchdogs() -> set[threading.Thread]:
    """The watchdogs that are awake."""
    return {thread for thread in threading.enumerate() if thread.name == "jiexu-watchdog"}


def all_ended(since: set[threading.Thread]) -> bool:
    """Whether every watchdog started since has ended (it may take a moment)."""
    for thread in watchdogs() - since:
        thread.join(2)
    return watchdogs() <= since


class TestWhoIsThere:
    """The server's key and the user's."""

    def test_other_host_key(self, place: Place, tmp_path: Path) -> None:
        """A server with another key than the pinned one is S405, and says which key it has."""
        address = replace(place.at(), host_key=new_ssh_key(tmp_path / "other"))
        with SftpMailbox(address) as mailbox, pytest.raises(UsageError, match=r"S405.*SHA256:"):
            mailbox.list()

    def test_host_key_of_another_type(self, place: Place) -> None:
        """A server that has no key of the pinned type is S405 too: its other keys do not count."""
        public = generate_private_key(SECP256R1()).public_key()
        line = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
        assert code_of(SftpMailbox(replace(place.at(), host_key=line)).list) == "S405"

    def test_host_key_comes_before_the_login(self, place: Place, tmp_path: Path) -> None:
        """With both keys wrong it is the host key that is named: a stranger is not told who wants to log in."""
        line = new_ssh_key(tmp_path / "other")
        address = replace(place.at(), host_key=line, private_key=tmp_path / "other")
        assert code_of(SftpMailbox(address).list) == "S405"

    def test_other_user_key(self, place: Place, tmp_path: Path) -> None:
        """A key that the server does not know is S406."""
        new_ssh_key(tmp_path / "other")
        assert code_of(SftpMailbox(replace(place.at(), private_key=tmp_path / "other")).list) == "S406"

    def test_other_user(self, place: Place) -> None:
        """A user whom the server does not know is S406."""
        assert code_of(SftpMailbox(replace(place.at(), user="nobody-we-know")).list) == "S406"

    def test_unreadable_user_key(self, place: Place, tmp_path: Path) -> None:
        """A key file that is missing or is no key is S408, before anything is sent."""
        (tmp_path / "rubbish").write_text("rubbish")
        for name in ("missing", "rubbish"):
            assert code_of(SftpMailbox(replace(place.at(), private_key=tmp_path / name)).list) == "S408"

    def test_damaged_user_key(self, asyncssh_server: Place, tmp_path: Path) -> None:
        """A key file in which any byte was changed is S408, or still the same key, and never another error."""
        whole = asyncssh_server.key.read_bytes()
        for place in range(40, len(whole), 3):
            damaged = tmp_path / f"key-{place}"
            damaged.write_bytes(whole[:place] + b"A" + whole[place + 1 :])
            with socket.create_server(("127.0.0.1", 0)) as listener:
                port = listener.getsockname()[1]
            address = replace(asyncssh_server.at(), private_key=damaged, port=port)
            assert code_of(SftpMailbox(address).list) in {"S408", "S404"}

    @pytest.mark.parametrize("line", ["", "ssh-ed25519", "ssh-ed25519 ###", "ssh-dss AAAA", "ssh-ed25519 AAAA"])
    def test_unreadable_pin(self, place: Place, line: str) -> None:
        """A pinned key that cannot be read is a wrong setting, S401, and never an unchecked server."""
        assert code_of(SftpMailbox(replace(place.at(), host_key=line)).list) == "S401"


class TestLostAndSilent:
    """Servers that are away, go away, or stop answering."""

    def test_nobody_listens(self, asyncssh_server: Place) -> None:
        """A port where nobody listens is S404 at once."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        assert in_time(SftpMailbox(replace(asyncssh_server.at(), port=port)).list) < 1

    def test_server_that_never_speaks(self, asyncssh_server: Place) -> None:
        """A server that takes the connection and says nothing is S404 in time, and leaves nothing running."""
        before = watchdogs()
        with silent() as port:
            address = replace(asyncssh_server.at(TIMEOUT), port=port)
            assert in_time(SftpMailbox(address).list) < 2 * TIMEOUT
        assert all_ended(before)

    def test_connection_lost_while_idle(self, tmp_path: Path) -> None:
        """A connection that died between two calls is replaced without a word."""
        with sshd(tmp_path) as (place, server), place.mailbox() as mailbox:
            mailbox.put([Parcel("a", b"1")])
            server.signal(signal.SIGKILL)
            time.sleep(0.5)
            assert mailbox.fetch("a", 1) == b"1"

    @pytest.mark.parametrize("taken", [3, 100])
    def test_server_killed_while_sending(self, tmp_path: Path, taken: int) -> None:
        """Every parcel is named; what is called stored is there whole; the rest is S404; sending again completes it."""
        parcels = {f"parcel-{number:03}": bytes([number]) * 40_000 for number in range(200)}

        def until_killed(server: OpenSshServer) -> Iterator[Parcel]:
            for number, (name, data) in enumerate(parcels.items()):
                if number == taken:
                    server.signal(signal.SIGKILL)
                yield Parcel(name, data)

        with sshd(tmp_path) as (place, server), place.mailbox() as mailbox:
            results = dict(mailbox.put(until_killed(server)))
            assert list(results) == list(parcels)
            assert {error.code for error in results.values() if error} == {"S404"}
            whole = {name: data for name, data in stored(place.folder).items() if not name.endswith(".part")}
            assert whole.items() <= parcels.items()
            assert {name for name, error in results.items() if error is None} <= set(whole)
            missing = [Parcel(name, parcels[name]) for name, error in results.items() if error]
            assert not any(error for _, error in mailbox.put(missing))
            assert stored(place.folder) == parcels

    def test_sshd_that_hangs(self, tmp_path: Path) -> None:
        """A stopped sshd is S404 in time, whether we wait for an answer or for room to send."""
        before = watchdogs()
        with sshd(tmp_path) as (place, server), place.mailbox(TIMEOUT) as mailbox:
            mailbox.list()
            server.signal(signal.SIGSTOP)
            assert in_time(mailbox.list) < 2 * TIMEOUT
            mailbox.list()
            server.signal(signal.SIGSTOP)
            started = time.monotonic()
            assert codes(mailbox.put([Parcel("a", bytes(50_000_000)), Parcel("b", b"")])) == ["S404", "S404"]
            assert time.monotonic() - started < 2 * TIMEOUT
            assert mailbox.put([Parcel("a", b"")]) == (("a", None),)
        assert all_ended(before)

    def test_server_that_hangs_while_writing(self, tmp_path: Path) -> None:
        """A server that takes requests and answers no more is S404 in time; nothing appears under a final name."""
        with embedded(tmp_path, breaking(100_000, "hang")) as place, place.mailbox(TIMEOUT) as mailbox:
            started = time.monotonic()
            results = mailbox.put([Parcel("small", b"x"), Parcel("large", bytes(5_000_000))])
            assert time.monotonic() - started < 2 * TIMEOUT
            assert codes(results)[1] == "S404"
            assert "large" not in stored(place.folder)

    def test_watchdog_frees_a_write_into_a_full_socket(self, asyncssh_server: Place) -> None:
        """A link that swallows nothing more while the SSH window is open is cut by the watchdog."""
        with stuck_link(asyncssh_server, TIMEOUT) as (address, stop):
            mailbox = SftpMailbox(address)
            mailbox.list()
            stop.set()
            started = time.monotonic()
            assert codes(mailbox.put([Parcel("a", bytes(50_000_000))])) == ["S404"]
            assert time.monotonic() - started < 2 * TIMEOUT

    def test_slow_caller(self, asyncssh_server: Place) -> None:
        """A caller who takes longer for a parcel than a server may be silent loses nothing."""

        def parcels() -> Iterator[Parcel]:
            for name in "ab":
                time.sleep(0.5)
                yield Parcel(name, b"x")

        with emptied(asyncssh_server).mailbox(0.3) as mailbox:
            assert mailbox.put(parcels()) == (("a", None), ("b", None))


class TestRefusals:
    """Servers that say no."""

    def test_full_disk(self, tmp_path: Path) -> None:
        """A refused write is S407 without the server's words; no final name, no part, and the others are stored."""
        with embedded(tmp_path, breaking(100_000, "full")) as place, place.mailbox() as mailbox:
            parcels = [Parcel("a", b"a" * 50_000), Parcel("b", b"b" * 3_000_000), Parcel("c", b"")]
            results = mailbox.put(parcels)
            assert codes(results) == [None, "S407", None]
            assert not any("repeated" in str(error) for _, error in results)
            assert stored(place.folder) == {"a": b"a" * 50_000, "c": b""}
            assert [entry.name for entry in mailbox.list()] == ["a", "c"]

    def test_server_without_extensions(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Plain SFTP version 3 without posix-rename, fsync and limits is enough, also for replacing."""
        monkeypatch.setattr(asyncssh.sftp, "SFTPServerHandler", BareHandler)
        with embedded(tmp_path) as place, place.mailbox() as mailbox:
            for content in (b"old", b"new" * 100_000):
                assert mailbox.put([Parcel(name, content) for name in "ab"]) == (("a", None), ("b", None))
            assert stored(place.folder) == {"a": b"new" * 100_000, "b": b"new" * 100_000}

    def test_server_without_sftp(self, tmp_path: Path) -> None:
        """A server that gives a login and no SFTP is S407."""
        with sshd(tmp_path) as (place, _):
            config = tmp_path / "server" / "sshd_config"
            lines = config.read_text().splitlines()
            config.write_text("\n".join(line for line in lines if "internal-sftp" not in line))
            assert code_of(place.mailbox(TIMEOUT).list) == "S407"


class TestUrls:
    """Addresses of mailboxes."""

    @pytest.mark.parametrize(
        ("url", "parts"),
        [
            ("sftp://in@host/box", ("host", 22, "in", "/box")),
            ("sftp://in@host:2222/a%20b/c", ("host", 2222, "in", "/a b/c")),
            ("sftp://in@[::1]:2222/~/box", ("::1", 2222, "in", "box")),
            ("sftp://in@host", ("host", 22, "in", "/")),
            ("sftp://in@host/~", ("host", 22, "in", "")),
        ],
    )
    def test_good_ones(self, url: str, parts: tuple[str, int, str, str]) -> None:
        """A path counts from the server's root, after `/~/` from the folder of the login."""
        address = parse_url(url, "ssh-ed25519 AAAA", Path("key"))
        assert (address.host, address.port, address.user, address.folder) == parts

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "host",
            "ssh://a@h/b",
            "sftp://h/b",
            "sftp://a:b@h/c",
            "sftp://a@h:x/b",
            "sftp://a@h/b?c",
            "sftp://a@[h/b",
        ],
    )
    def test_bad_ones(self, url: str) -> None:
        """Anything else is S401; a password in a URL most of all."""
        assert code_of(lambda: parse_url(url, "", Path("key"))) == "S401"


def test_it_is_a_mailbox(place: Place) -> None:
    """The class has what the protocol asks for."""
    mailbox: Mailbox = place.mailbox()
    with mailbox:
        assert mailbox.list() == ()


def test_error_names_no_person(asyncssh_server: Place) -> None:
    """What an unreachable server's error says is the host and our own words."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(UnreachableError) as caught:
        SftpMailbox(replace(asyncssh_server.at(), port=port)).list()
    assert caught.value.detail.startswith(f"127.0.0.1:{port}: no connection")
