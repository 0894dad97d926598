"""The names of packages."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transfer.naming import PackageName, parse_name

GOOD = "33010001-42010001-17-0b8c1d2e-3f40-4a5b-8c6d-7e8f90a1b2c3.xml.pgp"


@given(
    st.integers(10_000_000, 99_999_999),
    st.integers(10_000_000, 99_999_999),
    st.integers(1, 10**18 - 1),
    st.uuids().map(str),
)
def test_names_round_trip(sender: int, receiver: int, sequence: int, message_id: str) -> None:
    """A name is read as it was written."""
    name = PackageName(str(sender), str(receiver), sequence, message_id)
    assert parse_name(str(name)) == name


@given(st.text(max_size=120))
def test_other_text_is_no_name(text: str) -> None:
    """Any text is a name in its one exact form, or none."""
    found = parse_name(text)
    assert found is None or str(found) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        GOOD.upper(),
        GOOD + ".part",
        "../" + GOOD,
        GOOD + "\n",
        GOOD.replace("-17-", "-0-"),
        GOOD.replace("-17-", "-017-"),
        GOOD.replace("-17-", "--17-"),
        GOOD.replace("-17-", "-١٧-"),
        GOOD.replace("33010001", "03010001"),
        GOOD.replace("33010001", "3301001"),
        GOOD.replace("0b8c1d2e-", "0b8c1d2e"),
        GOOD.replace(".xml.pgp", ".xml"),
    ],
)
def test_near_names_are_refused(text: str) -> None:
    """Upper case, temporary names, paths, leading zeros, other digits, wrong codes: none is a name."""
    assert parse_name(text) is None


def test_a_name_shows_its_parts() -> None:
    """Sender, receiver, sequence number and message id, in this order."""
    found = parse_name(GOOD)
    assert found == PackageName("33010001", "42010001", 17, str(UUID("0b8c1d2e3f404a5b8c6d7e8f90a1b2c3")))
