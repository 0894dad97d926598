"""The places of archive.backup: folders, and what fsspec reaches."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from archive.backup.anywhere import FsspecPlace
from archive.backup.folder_place import FolderPlace
from formats.errors import UnreachableError, UsageError
from tests.parts import need
from tests.suites.places import PlaceBehaviour


class TestFolder(PlaceBehaviour):
    """A folder."""

    @pytest.fixture
    def place(self, tmp_path: Path) -> FolderPlace:
        """A fresh place."""
        return FolderPlace(tmp_path)

    def test_files_are_write_once(self, place: FolderPlace, tmp_path: Path) -> None:
        """What lies there may be read by its owner and by nobody else, and not be written; no parts stay."""
        place.write("open/1.tar", [b"one"])
        assert (tmp_path / "open/1.tar").stat().st_mode & 0o777 == 0o400
        assert [path.name for path in (tmp_path / "open").iterdir()] == ["1.tar"]

    def test_interrupted_writers_are_swept(self, place: FolderPlace, tmp_path: Path) -> None:
        """Parts are no files of the place, and go when they are swept."""
        place.write("open/1.tar", [b"one"])
        (tmp_path / "open/.abc.part").write_bytes(b"half")
        assert dict(place.names("")) == {"open/1.tar": 3}
        assert place.sweep(datetime.now(UTC) - timedelta(hours=1)) == 0
        assert place.sweep(datetime.now(UTC) + timedelta(hours=1)) == 1
        assert [path.name for path in (tmp_path / "open").iterdir()] == ["1.tar"]

    def test_a_disk_that_refuses_is_unreachable(self, place: FolderPlace, tmp_path: Path) -> None:
        """A folder that cannot be made is S416, and nothing is written."""
        (tmp_path / "open").write_bytes(b"a file where a folder must be")
        with pytest.raises(UnreachableError, match="S416"):
            place.write("open/1.tar", [b"one"])


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    """A disk that is not mounted is S401 and no folder appears in its stead."""
    with pytest.raises(UsageError, match="S401"):
        FolderPlace(tmp_path / "disk")
    assert not (tmp_path / "disk").exists()


class TestFsspecMemory(PlaceBehaviour):
    """fsspec's memory: a store without folders."""

    @pytest.fixture
    def place(self) -> FsspecPlace:
        """A fresh place."""
        pytest.importorskip("fsspec")
        return FsspecPlace(f"memory://{uuid4().hex}")


class TestFsspecFiles(PlaceBehaviour):
    """fsspec's local files."""

    @pytest.fixture
    def place(self, tmp_path: Path) -> FsspecPlace:
        """A fresh place."""
        pytest.importorskip("fsspec")
        return FsspecPlace(f"file://{tmp_path}")


def test_a_store_without_its_driver_is_named() -> None:
    """A URL that no driver reads is S401 and says which protocol."""
    with pytest.raises(UsageError, match=r"S401.*nosuch"):
        FsspecPlace("nosuch://bucket/x")


def test_fsspec_is_not_needed() -> None:
    """Without fsspec everything else loads, and its places are S401."""
    program = (
        "import sys; sys.modules['fsspec'] = None; sys.modules['fsspec.core'] = None\n"
        "from archive.backup import backing, restoring\n"
        "from archive.backup.anywhere import FsspecPlace\n"
        "from formats.errors import UsageError\n"
        "try: FsspecPlace('memory://x')\n"
        "except UsageError as error: print(error.code, error.detail)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("S401 memory")


def test_everything_is_flushed_before_it_has_its_name(tmp_path: Path) -> None:
    """strace: the file's bytes are flushed, then it gets its name, then the folder is flushed."""
    strace = need("strace")
    program = (
        "import sys; from pathlib import Path; from archive.backup.folder_place import FolderPlace\n"
        "FolderPlace(Path(sys.argv[1])).write('open/1.tar', [b'one'])\n"
    )
    command = [strace, "-f", "-e", "trace=fsync,link,linkat,rename", "-y", sys.executable, "-c", program, str(tmp_path)]
    trace = subprocess.run(command, capture_output=True, text=True, check=True).stderr.splitlines()
    calls = [line for line in trace if ".part" in line or "/open>" in line]
    assert [line.split("(")[0].split()[-1] for line in calls[-3:]] == ["fsync", "link", "fsync"], calls
