"""An office and databases for the tests of `jiexu migrate`."""

from pathlib import Path

import apsw

from flows.wiring import Office
from tests.office import found_pair

PEOPLE = """
CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT NOT NULL, id_number VARCHAR(18), born DATE);
CREATE TABLE contribution (person INTEGER NOT NULL REFERENCES person, month VARCHAR(6) NOT NULL,
  base DECIMAL(12,2), kind VARCHAR(3), PRIMARY KEY (person, month));
CREATE TABLE note (text TEXT);
"""


def office_in(folder: Path) -> Path:
    """The home of an office."""
    return found_pair(folder).sender


def opened(home: Path) -> Office:
    """That office."""
    return Office.at(home)


def old_database(path: Path, people: int = 40) -> str:
    """A database of people and what they paid, twelve months each; its URL. One that is there stays as it is."""
    if path.exists():
        return f"sqlite:///{path}"
    with apsw.Connection(str(path)) as database:
        database.execute(PEOPLE)
        for number in range(1, people + 1):
            database.execute(
                "INSERT INTO person VALUES (?, ?, ?, ?)",
                (number, f"王小{number}", f"33010119{number % 90 + 10}0101001X", f"19{number % 90 + 10}-05-17"),
            )
            for month in range(1, 13):
                database.execute(
                    "INSERT INTO contribution VALUES (?, ?, ?, ?)",
                    (number, f"2024{month:02d}", 5000 + number, str(month % 2 + 1)),
                )
        for text in ("alpha", "alpha", None, "", "NULL", 'a "quoted"\nline'):
            database.execute("INSERT INTO note VALUES (?)", (text,))
    return f"sqlite:///{path}"
