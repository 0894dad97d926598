"""Reading a record no further than a lookup's scope goes: what is out of scope is not in any statement.

A field out of scope is not among the columns that are selected; rows of other insurance kinds, other months and other
employers are excluded by the statement itself; a table of which nothing is in scope is not asked at all. What the
profile keeps as a constant, the database cannot choose by: `scopes.narrow` goes over the result once more.
"""

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from archive.intake_rules import shown_ids
from archive.records_sql import UNLIKE, kept
from archive.scopes import SPANS, Scope, bounds, narrow, stranger
from formats.conversions import Rule, to_cell
from formats.errors import UsageError
from formats.profile import Field, Profile, RowProfile
from formats.record import Employer, Record
from formats.xsd import attribute_name

_NAMING = ("enrolments", "contributions")  # the parts whose rows name an employer
_IDS = 500  # values in one IN list

Condition = sa.ColumnElement[bool]


class ScopedReading:
    """One reading of one person within one scope, in the caller's transaction."""

    def __init__(self, connection: sa.Connection, profile: Profile, person: str, scope: Scope) -> None:
        """`person` is a person number (AAC001)."""
        self._connection = connection
        self._profile = profile
        self._person = person
        self._scope = scope
        self._parts = profile.parts

    def record(self) -> Record:
        """The record within the scope. Raises UsageError S412 (no such person), S430 (not an employee), S415."""
        own = self._own_employers() if self._scope.employer else []
        ids = [row.employer_id for row in own]
        rows: dict[str, tuple[Any, ...]] = {}
        for part in self._scope.parts:
            if part not in ("employers", "subsidies"):
                rows[part] = self._part(part, ids if part in _NAMING else [])
        if self._scope.employer and not any(rows.get(part) for part in _NAMING):
            raise stranger()
        person = self._people()
        if "subsidies" in self._scope.parts:
            rows["subsidies"] = self._subsidies(rows["contributions"])
        named = {row.employer_id for part in _NAMING for row in rows.get(part, ())} - {""}
        employers = own or (self._employers(named) if self._scope.employers else [])
        shown = {**shown_ids(named), "": ""}
        for part in _NAMING:
            rows[part] = tuple(row._replace(employer_id=shown[row.employer_id]) for row in rows.get(part, ()))
        employers = [row._replace(employer_id=shown[row.employer_id]) for row in employers if row.employer_id in named]
        sorted_rows: dict[str, Any] = {part: tuple(sorted(values)) for part, values in rows.items()}
        return narrow(replace(Record(person, tuple(sorted(employers))), **sorted_rows), self._scope)

    def _people(self) -> Any:
        """The person's row with the fields in scope; with none, only whether there is one."""
        row = self._profile.person
        found = self._select(row, self._scope.person, self._of_person(row))
        if not found:
            raise UsageError("S412", "no such person number")
        return found[0]

    def _own_employers(self) -> list[Employer]:
        """The stored employers with the credit code of the employer that asks."""
        row = self._profile.employer
        field = row.field("creditCode")
        if not field.column:
            raise UsageError("S415", "the profile has no column for the credit code of employers")
        return self._select(row, Employer._fields, [_equal(field, self._scope.employer)])

    def _employers(self, ids: Collection[str]) -> list[Employer]:
        row = self._profile.employer
        field, wanted = row.field("employerId"), sorted(ids)
        fields = ("employer_id", *self._scope.employers)
        return [
            employer
            for start in range(0, len(wanted), _IDS)
            for employer in self._select(row, fields, [_among(field, wanted[start : start + _IDS])])
        ]

    def _part(self, part: str, ids: Sequence[str]) -> tuple[Any, ...]:
        """The rows of one part; where an employer asks, those that name one of its `ids`."""
        row = self._parts[part]
        where = self._of_person(row)
        if part in _NAMING and self._scope.employer:
            if not ids:
                return ()
            where.append(_among(row.field("employerId"), ids))
        if part != "other" and self._scope.kinds:
            where.append(_among(row.field("kind"), self._scope.kinds))
        return tuple(self._select(row, row.make._fields, [*where, *self._period(part, row)]))

    def _subsidies(self, contributions: Iterable[Any]) -> tuple[Any, ...]:
        """The subsidies; where an employer asks, those of the months for which it contributed."""
        if not self._scope.employer:
            return self._part("subsidies", ())
        months: dict[str, set[str]] = {}
        for contribution in contributions:
            months.setdefault(contribution.kind, set()).add(contribution.month)
        row, found = self._profile.subsidy, list[Any]()
        for kind, wanted in sorted(months.items()):
            where = [
                *self._of_person(row),
                _among(row.field("kind"), [kind]),
                _among(row.field("month"), sorted(wanted)),
            ]
            found += self._select(row, row.make._fields, where)
        return tuple(found)

    def _period(self, part: str, row: RowProfile[Any]) -> list[Condition]:
        """That the rows lie in the period, or touch it."""
        scope, span = self._scope, SPANS[part]
        if not scope.first and not scope.last:
            return []
        first, last = row.field(attribute_name(span.first)), row.field(attribute_name(span.last))
        low, high = bounds(span.first, scope.first, scope.last)
        if not span.touching:
            return [*_compared(first, low, "ge"), *_compared(last, high, "le")]
        ended = _compared(last, low, "ge")
        open_ = sa.func.coalesce(sa.cast(sa.column(last.column), sa.Text), "") == ""
        return [*_compared(first, high, "le"), *(sa.or_(open_, condition) for condition in ended)]

    def _of_person(self, row: RowProfile[Any]) -> list[Condition]:
        return [sa.column(row.person_number) == _value(self._person)]

    def _select(self, row: RowProfile[Any], fields: Collection[str], where: Sequence[Condition]) -> list[Any]:
        """The rows of one type, with the values of these fields; the others are empty and are not selected."""
        names = {attribute_name(field) for field in fields}
        seen = replace(row, fields=tuple(f if f.name in names else Field(f.name, "", Rule()) for f in row.fields))
        if not row.table:
            return []
        cells = [self._cell(field) for field in seen.fields if field.column] or [sa.literal_column("1")]
        always = [sa.column(column) == _value(value) for column, value in row.always]
        query = (
            sa.select(*cells)
            .select_from(sa.table(row.table))
            .where(*where, *always, *([kept(row)] if row.leave else ()))
        )
        found = self._connection.execute(query).all()
        return list(seen.from_rows([tuple(cells) if seen.columns else () for cells in found]))

    def _cell(self, field: Field) -> sa.ColumnElement[Any]:
        """A field's cell: on PostgreSQL as text, so that a NUMERIC arrives with exactly its digits."""
        column: sa.ColumnClause[Any] = sa.column(field.column)
        cell = column if self._connection.dialect.name == "sqlite" else sa.cast(column, sa.Text)
        if not field.also:
            return cell
        alike = column.is_not_distinct_from(sa.column(field.also))
        return sa.case((alike, cell), else_=sa.literal_column(UNLIKE))


def _value(value: Any) -> sa.BindParameter[Any]:
    """A parameter without a type, so that the database takes it as its column's."""
    return sa.bindparam(None, value, type_=sa.types.NullType(), unique=True)


def _among(field: Field, values: Iterable[str]) -> Condition:
    """That a field has one of these values; one that the office's code table lacks is in no row."""
    if not field.column:
        return sa.true() if field.constant in set(values) else sa.false()
    wanted = []
    for value in values:
        with suppress(ValueError):
            wanted.append(_value(to_cell(field.rule)[value]))
    return sa.column(field.column).in_(wanted) if wanted else sa.false()


def _equal(field: Field, value: str) -> Condition:
    return _among(field, [value])


def _compared(field: Field, bound: str, operator: str) -> list[Condition]:
    """That a field of time is at least (`ge`) or at most (`le`) the bound; nothing where the profile has a constant."""
    if not field.column or field.rule.codes:
        return []
    column: sa.ColumnElement[Any] = sa.column(field.column)
    if field.rule.kind in ("date10", "date19"):  # a period may end with a day that no DATE can be
        column = sa.cast(column, sa.Text)
    value = _value(to_cell(field.rule)[bound])
    return [column >= value if operator == "ge" else column <= value]
