"""Two streams of rows side by side: against what a plain comparison of bags says."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration import canon
from migration.canon import Cells
from migration.catalog import Kind, TableName
from migration.engine import Block
from migration.freeze.ordering import Keys
from migration.plan import Carry, ColumnPlan, TablePlan
from migration.verifying.merging import aligned, differences

TEXTS = st.sampled_from(
    [None, "", "a", "A", "a ", "x|y", "x", "y|z", "z", "<null>", "NULL", "-0", "0", "\f", "\v", "é"]
)


def table(*key: str) -> TablePlan:
    """A number and two texts."""
    kinds = {"id": Kind.INTEGER, "left": Kind.TEXT, "right": Kind.TEXT}
    columns = tuple(
        ColumnPlan(name, name, kind, None, padded=False, source_native="x", native="x", carry=Carry.EXACT, rule="same")
        for name, kind in kinds.items()
    )
    return TablePlan(1, TableName("", "t"), TableName("", "t"), columns, key, 10, 0)


def found(plan: TablePlan, expected: list[Cells], there: list[Cells]) -> list[tuple[str, Cells, str]]:
    """What merging says of rows in any order."""
    keys = Keys(plan.reading_source())
    left, right = (sorted(keys.keyed(Block(b"".join(map(canon.line, rows)), len(rows)))) for rows in (expected, there))
    pairs = differences(aligned(((0, row) for row in left), right, 0), plan)
    return [(one.code, one.key, one.column) for _, own in pairs for one in own]


@given(
    st.dictionaries(st.integers(-3, 12), st.tuples(TEXTS, TEXTS)),
    st.dictionaries(st.integers(-3, 12), st.tuples(TEXTS, TEXTS)),
)
def test_keyed_rows_differ_as_dictionaries_do(
    expected: dict[int, tuple[str | None, str | None]], there: dict[int, tuple[str | None, str | None]]
) -> None:
    """Missing and extra keys and each changed cell are found, and nothing else."""
    wanted = {("D661", (str(key),), "") for key in expected.keys() - there.keys()}
    wanted |= {("D662", (str(key),), "") for key in there.keys() - expected.keys()}
    for key in expected.keys() & there.keys():
        for place, column in enumerate(("left", "right")):
            if expected[key][place] != there[key][place]:
                wanted.add(("D663", (str(key),), column))
    rows = [[(str(key), *cells) for key, cells in side.items()] for side in (expected, there)]
    entries = found(table("id"), rows[0], rows[1])
    assert set(entries) == wanted
    assert len(entries) == len(wanted)


ROW = st.tuples(st.sampled_from([None, "1", "2"]), TEXTS, TEXTS)


@given(st.lists(ROW, max_size=12), st.lists(ROW, max_size=12))
def test_rows_without_a_key_differ_as_bags_do(expected: list[Cells], there: list[Cells]) -> None:
    """Every row has as many entries as it is there too seldom or too often; D664 where it is on both sides."""
    wanted, have = Counter(expected), Counter(there)
    entries = Counter((code, key) for code, key, _ in found(table(), expected, there))
    for row in {*wanted, *have}:
        count = abs(wanted[row] - have[row])
        code = "D664" if wanted[row] and have[row] else "D661" if wanted[row] else "D662"
        assert sum(number for (_, key), number in entries.items() if key == row) == count
        assert entries[code, row] == count


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (("1", "x|y", "z"), ("1", "x", "y|z")),
        (("1", "<null>", "a"), ("1", None, "a")),
        (("1", "NULL", "a"), ("1", None, "a")),
        (("1", "", "a"), ("1", None, "a")),
        (("1", "a", ""), ("1", "", "a")),
        (("1", "a\f", "\v"), ("1", "af", "v")),
        (("1", "-0", "0"), ("1", "0", "-0")),
        (("1", "a ", "b"), ("1", "a", "b")),
        (("1", "Ab", "b"), ("1", "ab", "b")),
        (("1", '","', "b"), ("1", "", ',"b')),
    ],
)
def test_what_others_took_for_the_same_differs(left: Cells, right: Cells) -> None:
    """Rows for which other tools report no difference: separators inside values, NULL's word, case, blanks, -0."""
    assert found(table("id"), [left], [right])
    assert found(table(), [left], [right])
    assert canon.line(left) != canon.line(right)
