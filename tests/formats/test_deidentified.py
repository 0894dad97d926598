"""Records without persons: what is left of them, and that it is left of nobody who is alone with it."""

from collections import Counter
from dataclasses import fields

from hypothesis import given
from hypothesis import strategies as st

from formats.deidentified import COLUMNS, LEVELS, Level, choose, pseudonym, quasi_identifiers, rows, sample
from formats.record import Record
from tests.builders import a_contribution, a_record, a_working_life

FINE, COARSE = LEVELS[0], LEVELS[-1]
NUMBERS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=20)


def _texts(value: object) -> list[str]:
    """Every text in a record."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, Record):
        return [text for item in fields(value) for text in _texts(getattr(value, item.name))]
    return [text for item in value for text in _texts(item)] if isinstance(value, tuple) else []


def test_no_text_of_a_record_is_left() -> None:
    """Nothing longer than four characters stands in an extract as in the record, but for the codes of benefits' items."""
    record = a_working_life(144)
    left = {cell for _, row in rows(record, "0" * 16, FINE) for cell in row}
    items = {row.item for row in record.benefits}
    assert {text for text in _texts(record) if len(text) > 4 and text in left} <= items


def test_rows_fit_their_columns() -> None:
    """Each row has the columns of its file, and every file has rows."""
    found = list(rows(a_working_life(144), "0" * 16, FINE))
    assert {name for name, _ in found} <= set(COLUMNS)
    assert {name for name, _ in found} >= {"persons", "contributions", "account"}
    assert all(len(row) == len(COLUMNS[name]) for name, row in found)


def test_what_a_row_says() -> None:
    """By hand: two months of 7,000 yuan are 14,000 in one period, of which 2,240 and 1,120 were paid; to the hundred."""
    # 7,000 x 16 % = 1,120 of the employer a month, 7,000 x 8 % = 560 of the person: 2,240 -> 2,200, 1,120 -> 1,100.
    record = a_record(contributions=(a_contribution("110", "2021-01"), a_contribution("110", "2021-07")))
    (row,) = [row for name, row in rows(record, "p", Level(5, 5, 2)) if name == "contributions"]
    assert row == ("p", "110", "2020", "33", "2", "14000", "2200", "1100")


@given(NUMBERS, NUMBERS)
def test_pseudonyms(one: str, other: str) -> None:
    """The same number has one pseudonym by a key at a level; another number, key or level gives another."""
    assert pseudonym(b"key", one, FINE) == pseudonym(b"key", one, FINE)
    assert pseudonym(b"key", one, FINE) != pseudonym(b"other", one, FINE)
    assert pseudonym(b"key", one, FINE) != pseudonym(b"key", one, COARSE)
    assert (pseudonym(b"key", one, FINE) == pseudonym(b"key", other, FINE)) == (one == other)


def test_the_key_chooses_the_people() -> None:
    """The same key chooses the same people, whatever the order and however many more are asked for."""
    numbers = [str(number) for number in range(100)]
    few = sample(b"key", numbers, 10)
    assert sample(b"key", reversed(numbers), 20)[:10] == few
    assert set(sample(b"other", numbers, 10)) != set(few)


@given(
    st.lists(st.lists(st.integers(1, 20), max_size=8), min_size=1, max_size=4), st.integers(2, 9), st.floats(0.0, 0.5)
)
def test_the_level_that_is_chosen(sizes: list[list[int]], k: int, most: float) -> None:
    """It is the first at which no more than the share is in groups smaller than k; None is said only if there is none."""
    groups = [Counter({(str(place),): size for place, size in enumerate(level)}) for level in sizes]
    fits = [bool(level) and sum(size for size in level if size < k) <= most * sum(level) for level in sizes]
    assert choose(groups, k, most) == (fits.index(True) if True in fits else None)


@given(st.integers(0, 143), st.integers(0, 143))
def test_coarser_levels_tell_fewer_apart(one: int, other: int) -> None:
    """People who are alike at a level of `LEVELS` are alike at the coarsest one."""
    first, second = a_working_life(one + 1), a_working_life(other + 1)
    for level in LEVELS:
        if quasi_identifiers(first, level) == quasi_identifiers(second, level):
            assert quasi_identifiers(first, COARSE) == quasi_identifiers(second, COARSE)
