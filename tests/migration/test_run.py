"""The folder of one migration: private, of one migration only, and its clock adds up."""

from pathlib import Path

import pytest

from formats.errors import UnreachableError, UsageError
from migration import run


def test_the_folder_is_this_users_alone(tmp_path: Path) -> None:
    """The folder is 0700 and its files are 0600, since an address may hold a password."""
    folder = run.begin(tmp_path / "run", "sqlite:///a", "", "u1", "2026-11-22T08:00:00Z")
    folder.write("catalog.json", b"{}")
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "run").iterdir()}
    assert ((tmp_path / "run").stat().st_mode & 0o777, modes) == (0o700, {0o600})


def test_the_same_call_goes_on_with_it(tmp_path: Path) -> None:
    """Begun again it is the same run; a target that was not said before is taken then, and stays."""
    first = run.begin(tmp_path, "sqlite:///a", "", "u1", "2026-11-22T08:00:00Z").asked()
    second = run.begin(tmp_path, "sqlite:///a", "sqlite:///b", "u2", "later").asked()
    assert (second.run, second.by, second.began, second.target) == (first.run, "u1", first.began, "sqlite:///b")
    assert run.begin(tmp_path, "sqlite:///a", "", "u1", "later").asked() == second
    with pytest.raises(UsageError, match="D607"):
        run.begin(tmp_path, "sqlite:///a", "sqlite:///c", "u1", "later")


def test_two_migrations_never_have_one_number(tmp_path: Path) -> None:
    """Run ids are chance."""
    ids = {run.begin(tmp_path / str(n), "sqlite:///a", "", "u1", "now").asked().run for n in range(20)}
    assert len(ids) == 20


def test_a_folder_with_something_else_is_refused(tmp_path: Path) -> None:
    """Neither a folder with files nor a damaged run.json is taken over; nothing in it changes."""
    (tmp_path / "letter.txt").write_text("x", encoding="utf-8")
    with pytest.raises(UsageError, match="D607"):
        run.begin(tmp_path, "sqlite:///a", "", "u1", "now")
    (tmp_path / "run.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UsageError, match="D607"):
        run.Folder(tmp_path).asked()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["letter.txt", "run.json"]


def test_time_adds_up_also_of_what_failed(tmp_path: Path) -> None:
    """A phase that is run twice, once in vain, has the time of both."""
    folder = run.begin(tmp_path, "sqlite:///a", "", "u1", "now")
    with folder.timed("freeze"):
        folder.write("x", b"")
    with pytest.raises(KeyError), folder.timed("copy"):
        raise KeyError
    with folder.timed("freeze"):
        folder.write("x", b"")
    assert [phase.name for phase in folder.asked().phases] == ["freeze", "copy"]


def test_one_process_at_a_time(tmp_path: Path) -> None:
    """Who finds somebody at work in the folder is told so (S445), and goes on when the other has ended."""
    folder = run.begin(tmp_path, "sqlite:///a", "", "u1", "now")
    with folder.held(), pytest.raises(UnreachableError, match="S445"), folder.held():
        pytest.fail("two at work")
    with folder.held():
        assert folder.asked().by == "u1"
