"""Whole rows cut out of bytes without looking at cells."""

from hypothesis import given
from hypothesis import strategies as st

from migration import canon
from migration.freeze import lines

CELL = st.none() | st.text(alphabet='a"\n,N张', max_size=6)
ROWS = st.lists(st.tuples(CELL, CELL), max_size=12)


@given(ROWS)
def test_rows_are_counted_whatever_their_cells_hold(rows: list[canon.Cells]) -> None:
    """Quotes, commas and line feeds inside cells count for nothing."""
    assert lines.count(b"".join(map(canon.line, rows))) == len(rows)


@given(ROWS, st.integers(0, 14))
def test_a_cut_falls_between_two_rows(rows: list[canon.Cells], first: int) -> None:
    """Both sides of a cut are whole rows, the first has as many as was asked for."""
    left, right = lines.cut(b"".join(map(canon.line, rows)), first)
    assert (list(canon.rows(left)), list(canon.rows(right))) == (rows[:first], rows[first:])


@given(ROWS.filter(bool))
def test_the_last_row_is_found(rows: list[canon.Cells]) -> None:
    """The last line is the last row's, also when its cells hold line ends."""
    assert lines.last(b"".join(map(canon.line, rows))) == canon.line(rows[-1])


@given(ROWS, st.integers(1, 9))
def test_pieces_become_whole_rows(rows: list[canon.Cells], size: int) -> None:
    """Pieces cut anywhere give blocks of whole rows, each with its count, and all bytes in order."""
    data = b"".join(map(canon.line, rows))
    blocks = list(lines.whole(data[start : start + size] for start in range(0, len(data), size)))
    assert b"".join(block.data for block in blocks) == data
    assert all(len(list(canon.rows(block.data))) == block.rows > 0 for block in blocks)
