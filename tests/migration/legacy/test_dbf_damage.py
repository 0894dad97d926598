"""Damaged DBF files: whatever byte is wrong, the answer is rows or a reason, never a crash."""

import random
import shutil

import pytest

from formats.errors import ServiceError
from tests.migration.legacy.folders import census, column, rows, source, table
from tests.parts import shared_data


@pytest.mark.parametrize("stem", ["dbase_02", "dbase_03", "dbase_31", "dbase_83", "dbase_8b", "dbase_8c", "gbk"])
def test_any_damage_gives_rows_or_a_reason(tmp_path, stem):
    """Flipped bytes in header, records and memos, and cut files: only errors with a code are raised."""
    data = (shared_data("dbf") / f"{stem}.dbf").read_bytes()
    memos = list(shared_data("dbf").glob(f"{stem}.[df][bp]t"))
    chance = random.Random(stem)
    for _ in range(40):
        broken = bytearray(data)
        for _ in range(chance.choice((1, 1, 4))):
            broken[chance.randrange(chance.choice((64, len(data))))] = chance.randrange(256)
        for memo in memos:
            shutil.copyfile(memo, tmp_path / f"t{memo.suffix}")
        cut = chance.choice((len(broken), len(broken), chance.randrange(len(broken))))
        legacy = source(tmp_path, table("dbf", "t.dbf", encoding="gbk"), t__dbf=bytes(broken[:cut]))
        for attempt in (rows, _all_oddities):
            try:
                attempt(legacy)
            except ServiceError as error:
                assert error.code in {"D611", "D613", "D614", "D615", "D623", "D628"}  # noqa: PT017


def _all_oddities(legacy):
    found = legacy.catalog().tables[0]
    with legacy.snapshot() as snapshot:
        return legacy.census(snapshot, found)


def test_the_census_of_a_whole_file_is_bounded(tmp_path):
    """However many rows are wrong, an oddity shows the first keys only."""
    data = b"a\n" + b"x\n" * 5_000
    found = census(source(tmp_path, table("csv", "t.csv", column("a", "integer")), t__csv=data))
    assert found["D615", "a"].rows == 5_000
    assert len(found["D615", "a"].keys) == 20
