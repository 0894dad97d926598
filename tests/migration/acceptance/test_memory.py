"""A whole run takes no more memory for ten or a hundred times the rows."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.command_line import PROGRAM
from tests.migration.acceptance import writing
from tests.migration.acceptance.places import Places

TABLES = (
    "CREATE TABLE paid (id bigint PRIMARY KEY, name varchar(40), month varchar(6), base decimal(12,2), note text)",
    "CREATE TABLE loose (word text, number bigint)",
)
CELLS = "n, '张三' || n, '202401', n % 100000 + 0.25, '备注 ' || n"
NUMBERS = {
    "sqlite": "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {count}) ",
    "postgresql": "WITH s AS (SELECT generate_series(1, {count}) AS n) ",
}


def peak(places: Places, home: Path, source: str, target: str, rows: int) -> int:
    """The most memory (KiB) of any process of a run with so many rows, a tenth of them in a table without a key."""
    url = places.fresh(source)
    numbers = NUMBERS[source]
    fill = (
        f"INSERT INTO paid {numbers}SELECT {CELLS} FROM s".format(count=rows),
        f"INSERT INTO loose {numbers}SELECT 'w' || (n % 1000), n % 77 FROM s".format(count=rows // 10),
    )
    writing.run(url, *TABLES, *fill)
    words = ["--source", url, "--target", places.fresh(target), "--proof", places.run(), "--by", "u1"]
    command = [PROGRAM, "-C", home, "migrate", "run", "--engine", "direct", "--workers", "1", "--no-keep", *words]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return used.ru_maxrss


@pytest.mark.parametrize(("source", "target"), [("sqlite", "postgresql"), ("postgresql", "sqlite")])
def test_ten_times_the_rows_take_no_more_memory(source: str, target: str, places: Places, home: Path) -> None:
    """A million rows take at most a fifth more than a hundred thousand."""
    assert peak(places, home, source, target, 1_000_000) <= 1.2 * peak(places, home, source, target, 100_000)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("source", "target"), [("sqlite", "postgresql"), ("postgresql", "sqlite")])
def test_a_hundred_times_the_rows_take_no_more_memory(source: str, target: str, places: Places, home: Path) -> None:
    """Ten million rows take at most a fifth more than a hundred thousand."""
    assert peak(places, home, source, target, 10_000_000) <= 1.2 * peak(places, home, source, target, 100_000)
