"""A place for backups on real SSH servers: OpenSSH's and asyncssh's, well and unwell."""

import os
import shutil
import signal
import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from flows.times import now
from formats.errors import IntegrityError, ServiceError, UnreachableError, UsageError
from tests.ssh_servers import BareHandler, Place, breaking, embedded, served, sshd, stuck_link
from tests.suites.places import PlaceBehaviour, pattern, pieces
from transfer import sftp_place
from transfer.sftp_place import SftpPlace
from transfer.ssh_keys import new_ssh_key


def emptied(server: Place) -> Iterator[SftpPlace]:
    """The folder of the server with nothing left in it by an earlier test, as a place."""
    shutil.rmtree(server.folder)
    server.folder.mkdir()
    with SftpPlace(server.at()) as place:
        yield place


def files(folder: Path) -> dict[str, int]:
    """Every file below a folder and its size, hidden ones too."""
    return {str(path.relative_to(folder)): path.stat().st_size for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def openssh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """OpenSSH's sshd."""
    with served(tmp_path_factory.mktemp("openssh"), "openssh") as server:
        yield server


@pytest.fixture(scope="module")
def asyncssh_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The embedded server, in its own process."""
    with served(tmp_path_factory.mktemp("asyncssh"), "asyncssh") as server:
        yield server


class TestOpenSsh(PlaceBehaviour):
    """The behaviour of every place, on sshd."""

    @pytest.fixture
    def place(self, openssh: Place) -> Iterator[SftpPlace]:
        """An empty place."""
        yield from emptied(openssh)


class TestAsyncssh(PlaceBehaviour):
    """The behaviour of every place, on asyncssh's server."""

    @pytest.fixture
    def place(self, asyncssh_server: Place) -> Iterator[SftpPlace]:
        """An empty place."""
        yield from emptied(asyncssh_server)


class TestBareServer(PlaceBehaviour):
    """The behaviour of every place, on a server that has SFTP version 3 and no extension."""

    @pytest.fixture
    def place(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SftpPlace]:
        """An empty place."""
        monkeypatch.setattr("asyncssh.sftp.SFTPServerHandler", BareHandler)
        with embedded(tmp_path) as server:
            yield from emptied(server)


@pytest.fixture(params=["openssh", "asyncssh_server"])
def server(request: pytest.FixtureRequest) -> Place:
    """Either server, its folder empty."""
    found: Place = request.getfixturevalue(request.param)
    shutil.rmtree(found.folder)
    found.folder.mkdir()
    return found


def test_long_files_and_short_ones_take_turns(server: Place) -> None:
    """While one file is read in pieces, others are written, listed and read over the same connection."""
    data = pattern(3 * sftp_place.PIECE + 17)
    with SftpPlace(server.at()) as place:
        place.write("objects/long", pieces(data))
        read = bytearray()
        for number, piece in enumerate(place.read("objects/long")):
            read += piece
            place.write(f"open/{number}", pieces(piece))
            assert len(list(place.names("open/"))) == number + 1
        assert read == data
        place.write("copy", place.read("objects/long"))
        assert b"".join(place.read("copy")) == data


def test_nobody_else_may_read_it(server: Place) -> None:
    """Files are 0600 and folders 0700, whatever the server's own habit."""
    with SftpPlace(server.at()) as place:
        place.write("objects/a/b", [b"x"])
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in server.folder.rglob("*")}
    assert modes == {"objects": 0o700, "a": 0o700, "b": 0o600}


def test_who_is_first_keeps_the_name(server: Place) -> None:
    """Another writer that ends in between: the same bytes are fine, other bytes are A511 and stay; no part is left."""

    def overtaken(name: str, theirs: bytes) -> Iterator[bytes]:
        yield b"ours"
        (server.folder / name).write_bytes(theirs)

    with SftpPlace(server.at()) as place:
        place.write("same", overtaken("same", b"ours"))
        with pytest.raises(IntegrityError, match="A511"):
            place.write("other", overtaken("other", b"theirs"))
    assert (server.folder / "other").read_bytes() == b"theirs"
    assert files(server.folder) == {"same": 4, "other": 6}


def test_only_whole_files_have_names(server: Place) -> None:
    """Hidden files, parts, links and names that no backup has are not listed; sweeping removes parts and nothing else."""
    (server.folder / "objects").mkdir()
    part = f"objects/.{'0' * 32}.part"
    for name in ("objects/whole", "objects/.hidden", part, "objects/a b", "objects/x.part"):
        (server.folder / name).write_bytes(b"12345")
    (server.folder / "objects/link").symlink_to("whole")
    with SftpPlace(server.at()) as place:
        assert sorted(place.names("")) == [("objects/whole", 5), ("objects/x.part", 5)]
        assert list(place.names("objects/w")) == [("objects/whole", 5)]
        assert list(place.names("none/x")) == []
        for prefix in ("../", "/etc/", "objects/../../"):
            with pytest.raises(IntegrityError, match="A512"):
                list(place.names(prefix))
        assert place.sweep(now() - timedelta(days=1)) == 0
        assert (place.sweep(now() + timedelta(days=1)), place.sweep(now() + timedelta(days=1))) == (1, 0)
    assert not (server.folder / part).exists()
    assert (server.folder / "objects/.hidden").exists()


def test_a_place_that_is_not_there(server: Place) -> None:
    """Without its folder listing and writing are S407, and nothing is made up; an unknown host key is S405."""
    with SftpPlace(replace(server.at(), folder="elsewhere")) as place:
        with pytest.raises(UnreachableError, match="S407"):
            list(place.names(""))
        with pytest.raises(UnreachableError, match="S407"):
            place.write("a/b", [b"x"])
    assert not (server.folder.parent / "elsewhere").exists()


def test_another_server_is_not_trusted(server: Place, tmp_path: Path) -> None:
    """A server with another host key than the pinned one is S405 before a byte is sent."""
    address = replace(server.at(), host_key=new_ssh_key(tmp_path / "other"))
    with SftpPlace(address) as place, pytest.raises(UsageError, match="S405"):
        place.write("a", [b"x"])
    assert files(server.folder) == {}


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    """A server that refuses in the middle: S407, no file and no part, and the place goes on."""
    with embedded(tmp_path, breaking(5_000_000, "full")) as server, SftpPlace(server.at()) as place:
        place.write("small", [b"x"])
        with pytest.raises(UnreachableError, match="S407") as caught:
            place.write("large", pieces(pattern(9_000_000)))
        assert "repeated" not in str(caught.value)
        assert files(server.folder) == {"small": 1}
        assert list(place.names("")) == [("small", 1)]


def test_a_server_that_hangs_is_given_up(tmp_path: Path) -> None:
    """No answer while writing is S404 in time; what was under way has no name."""
    with embedded(tmp_path, breaking(100_000, "hang")) as server, SftpPlace(server.at(timeout=1)) as place:
        with pytest.raises(UnreachableError, match="S404"):
            place.write("large", pieces(pattern(900_000)))
        assert [name for name in files(server.folder) if not name.startswith(".")] == []


def test_a_lost_connection_is_not_taken_up_again(tmp_path: Path) -> None:
    """Killed sessions while a file is read or written: S404 each; the next call connects anew and all is as it was."""
    with sshd(tmp_path) as (server, process), SftpPlace(server.at()) as place:
        place.write("long", pieces(pattern(2 * sftp_place.PIECE)))
        reading = place.read("long")
        next(reading)
        process.signal(signal.SIGKILL)
        with pytest.raises(UnreachableError, match="S404"):
            next(reading)

        def broken() -> Iterator[bytes]:
            yield pattern(sftp_place.PIECE)
            process.signal(signal.SIGKILL)
            yield pattern(sftp_place.PIECE)

        with pytest.raises(UnreachableError, match="S404"):
            place.write("new", broken())
        assert list(place.names("")) == [("long", 2 * sftp_place.PIECE)]
        place.sweep(now() + timedelta(days=1))
        assert list(files(server.folder)) == ["long"]


def test_a_stuck_line_is_given_up_while_reading(asyncssh_server: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that carries nothing more, and says nothing, is S404 within the timeout."""
    monkeypatch.setattr(sftp_place, "PIECE", 50_000)
    (asyncssh_server.folder / "long").write_bytes(os.urandom(200_000))
    with stuck_link(asyncssh_server, 1.0) as (address, stuck), SftpPlace(address) as place:
        reading = place.read("long")
        next(reading)
        stuck.set()
        with pytest.raises(ServiceError, match="S404"):
            next(reading)
