"""What a command refuses before it does anything, and who may read what it writes."""

from pathlib import Path

import pytest

from flows.commands.case import moving_kinds
from flows.private import write_private
from formats.errors import UsageError


def test_what_is_written_is_for_this_user_alone(tmp_path: Path) -> None:
    """A written original has mode 0600, replaces what it may and nothing else."""
    file = tmp_path / "original.xml"
    file.touch(mode=0o644)
    write_private(file, b"one")
    assert file.stat().st_mode & 0o777 == 0o600
    write_private(file, b"two")
    assert (file.stat().st_mode & 0o777, file.read_bytes()) == (0o600, b"two")
    with pytest.raises(UsageError, match="S417"):
        write_private(file, b"three", replace=False)
    assert file.read_bytes() == b"two"


@pytest.mark.parametrize("kinds", [("410",), ("110", "510"), ("999",), ("",)])
def test_a_case_is_not_opened_for_what_never_moves(kinds: tuple[str, ...]) -> None:
    """Work injury and maternity insurance, and kinds that nobody knows, are refused when the case is opened."""
    with pytest.raises(UsageError, match="S421"):
        moving_kinds(kinds)


def test_kinds_are_named_once() -> None:
    """A kind given twice counts once; the order stays."""
    assert moving_kinds(("310", "110", "310")) == ("310", "110")
