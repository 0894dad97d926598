"""Memory does not grow with a table."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.parts import ROOT

PROGRAM = """
import sys
from pathlib import Path
from migration.freeze import freeze
from tests.migration.freeze.memory import AT, PERSON, EndlessSource, frozen_tables

source = EndlessSource(((PERSON, ()),), ranged=False, ordered=sys.argv[3] == "ordered", count=int(sys.argv[2]))
frozen = freeze(source, frozen_tables(PERSON, rows=20000), source.catalog(), Path(sys.argv[1]), at=AT)
frozen.check()
assert frozen.rows(1) == int(sys.argv[2])
status = Path("/proc/self/status").read_text().splitlines()
print(next(line.split()[1] for line in status if line.startswith("VmHWM:")))
"""


def peak(folder: Path, rows: int, order: str) -> int:
    """The most memory (KiB) that a process takes which freezes a table and checks it.

    Its own peak, VmHWM: `ru_maxrss` of a process just started begins with the memory of the one that started it.
    """
    program = [sys.executable, "-c", PROGRAM, folder / f"{order}-{rows}", str(rows), order]
    return int(subprocess.run(program, cwd=ROOT, capture_output=True, check=True).stdout)


def test_ten_times_the_rows_take_no_more_memory(tmp_path: Path) -> None:
    """A stream of a million rows takes at most a fifth more memory than one of a hundred thousand."""
    assert peak(tmp_path, 1_000_000, "ordered") <= 1.2 * peak(tmp_path, 100_000, "ordered")


@pytest.mark.soak
def test_a_hundred_times_the_rows_take_no_more_memory(tmp_path: Path) -> None:
    """So do ten million rows, and rows that must be sorted, once there are more than are sorted at once."""
    assert peak(tmp_path, 10_000_000, "ordered") <= 1.2 * peak(tmp_path, 100_000, "ordered")
    assert peak(tmp_path, 3_000_000, "unordered") <= 1.2 * peak(tmp_path, 300_000, "unordered")
