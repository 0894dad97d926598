"""The rows of the records database in one transaction: read as the profile maps them, written as they will be read.

An employer that another office delivers is stored under its id and that office (`intake_rules.py`).
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice, repeat
from typing import Any

import sqlalchemy as sa

from archive.intake_rules import stored_id
from archive.records_sql import Statements, seconds
from formats.conversions import Cell, to_cell
from formats.profile import Profile, RowProfile
from formats.record import Employer, Record

_IDS = 500  # employers asked for at a time


def naming(profile: Profile) -> dict[str, int]:
    """The parts of a record whose rows name an employer, each with the place of that field."""
    return {name: profile.parts[name].index("employerId") for name in ("enrolments", "contributions")}


class Rows:
    """The rows of one records database, in the caller's transaction."""

    def __init__(self, connection: sa.Connection, profile: Profile, statements: Statements) -> None:
        """`statements` are those of the profile on this database."""
        self.connection = connection
        self.profile = profile
        self.statements = statements
        self.parts = profile.parts
        self._naming = naming(profile)

    def of_kinds(self, row: RowProfile[Any], person: str, kinds: Collection[str]) -> list[list[str]]:
        """The values of the person's rows of one type and of these kinds, one list a field; rows without kind: all.

        Raises UsageError S460 for a row of the person whose kind is neither mapped nor left out.
        """
        wanted: list[Any] = []
        if row.name != "entry":
            field = row.field("kind")
            for kind in sorted(kinds) if field.column else ():
                with suppress(ValueError):  # a kind that the office's code table lacks: it has no rows of it
                    wanted.append(to_cell(field.rule)[kind])
            if not wanted and (field.column or field.constant not in kinds):
                return [[] for _ in row.fields]
        return self.statements.of_person(self.connection, row, person, wanted)

    def employers(self, ids: Collection[str]) -> list[Employer]:
        """The stored employers with these ids."""
        row = self.profile.employer
        writer = to_cell(row.field("employerId").rule)
        remaining, found = iter(ids), list[Employer]()
        while some := [writer[id_] for id_ in islice(remaining, _IDS)]:
            found += self.statements.employers(self.connection, some)
        return found

    def store_employers(self, employers: Iterable[Employer]) -> None:
        """Have these employers stored as they are now; of one id twice the last counts."""
        wanted = {row.employer_id: row for row in employers}
        stored = {row.employer_id: row for row in self.employers(wanted)}
        # In the order of their ids, so that two processes never wait for each other.
        for id_ in sorted(stored):
            if stored[id_] != wanted[id_]:
                self.statements.update_employer(self.connection, self.profile.employer.to_rows([wanted[id_]])[0])
        new = [wanted[id_] for id_ in sorted(wanted.keys() - stored)]
        self.insert(self.profile.employer, [], list(zip(*new, strict=True)))

    def insert_people(self, people: Sequence[tuple[str, Record]]) -> None:
        """Insert people of the office's own, by person number."""
        persons = [record.person for _, record in people]
        self.insert(self.profile.person, [number for number, _ in people], list(zip(*persons, strict=True)))
        self.store_employers((employer for _, record in people for employer in record.employers))
        for name in self.parts:
            numbered = [(number, row) for number, record in people for row in getattr(record, name)]
            self.insert_part(name, [number for number, _ in numbered], [row for _, row in numbered])

    def insert_part(self, name: str, numbers: Sequence[str], rows: Sequence[Any], office: str = "") -> None:
        """Insert the rows of one part of the record, each with its person's number; employers are those of `office`."""
        values: list[Sequence[str]] = list(zip(*rows, strict=True))
        if office and rows and name in self._naming:
            index = self._naming[name]
            stored = {employer: stored_id(employer, office) for employer in set(values[index])}
            values[index] = [stored[employer] for employer in values[index]]
        self.insert(self.parts[name], numbers, values)

    def insert(self, row: RowProfile[Any], numbers: Sequence[str], values: Sequence[Sequence[str]]) -> None:
        """Insert rows of one type, given as one sequence of values a field; `numbers` only where rows have them."""
        if values:
            self.statements.insert(self.connection, row, self._lines(row, numbers, values))

    def written(self, name: str, line: Sequence[str], person: str, office: str) -> Sequence[Cell]:
        """The cells of a row of this part as `insert_part` wrote them."""
        row = self.parts[name]
        values: list[Sequence[str]] = [(value,) for value in line]
        if name in self._naming:
            index = self._naming[name]
            values[index] = (stored_id(values[index][0], office),)
        return next(self._lines(row, [person], values))

    def _lines(
        self, row: RowProfile[Any], numbers: Sequence[str], values: Sequence[Sequence[str]]
    ) -> Iterator[tuple[Cell, ...]]:
        """The cells of `written_columns`, a tuple a row."""
        lead = [numbers] if row.person_number else []
        cells = row.cells(values)
        again = [cells[row.columns.index(field.column)] for field in seconds(row)]
        fixed = [repeat(value, len(values[0])) for _, value in row.always]
        return zip(*lead, *cells, *again, *fixed, strict=True)
