"""Counters: numbers in order, and a restored office's far from those of the lost one."""

from archive.counters import SEQUENCES, SERIALS, move_on, reserve, sequence, serial
from archive.ledger import Ledger
from formats.identifiers import MOST_CASES

OFFICE = "33010001"


def taken(ledger: Ledger, name: str, count: int = 1) -> range:
    """Reserve numbers in a transaction."""
    with ledger.writing() as connection:
        return reserve(connection, name, count)


def moved(ledger: Ledger) -> None:
    """Move on in a transaction."""
    with ledger.writing() as connection:
        move_on(connection, OFFICE, 2026)


def test_known_and_new_partners_go_on_far_behind(database_url: str) -> None:
    """Every counter of a partner moves by the margin, each time; a partner without one begins behind it too."""
    with Ledger.create(database_url) as ledger:
        assert taken(ledger, sequence("44030001"), 3) == range(1, 4)
        moved(ledger)
        assert taken(ledger, sequence("44030001"), 2) == range(SEQUENCES + 4, SEQUENCES + 6)
        assert taken(ledger, sequence("11000001"), 2) == range(SEQUENCES + 1, SEQUENCES + 3)
        moved(ledger)
        assert taken(ledger, sequence("44030001")) == range(2 * SEQUENCES + 6, 2 * SEQUENCES + 7)
        assert taken(ledger, sequence("12000001")) == range(2 * SEQUENCES + 1, 2 * SEQUENCES + 2)


def test_case_numbers_of_the_year_move_within_six_digits(database_url: str) -> None:
    """Of this year, also where no case was opened yet; never past the last, and other years stay."""
    this, last, other = serial(OFFICE, 2026), serial(OFFICE, 2025), serial("33010002", 2026)
    with Ledger.create(database_url) as ledger:
        taken(ledger, last, 7)
        taken(ledger, other, 7)
        moved(ledger)
        assert taken(ledger, this) == range(SERIALS + 1, SERIALS + 2)
        assert (taken(ledger, last)[0], taken(ledger, other)[0]) == (8, 8)
        taken(ledger, this, MOST_CASES - 5 - SERIALS)
        moved(ledger)
        assert taken(ledger, this, 2) == range(MOST_CASES - 1, MOST_CASES + 1)
        moved(ledger)
        assert taken(ledger, this)[0] == MOST_CASES + 1
