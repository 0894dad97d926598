"""From the rows of an interface to records, one a person; and what keeps a record out.

A row that cannot be read keeps the whole record of its person out: half a working life must not pass for a whole one.
Nothing is taken for granted where a row says nothing: the value is empty, also where the record knows a usual one.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from formats.interface.gbt40217 import PARTS
from formats.messages import Finding
from formats.profile_rows import ROW_TYPES
from formats.record import Employer, Person, Record
from formats.xsd import attribute_name

# As in a receipt: where to begin, not everything.
MOST_FINDINGS = 20


class Row(NamedTuple):
    """One row: its type (`contribution`), the key of its person (empty for employers), its values, where it stands.

    `values` by XML name; `person.FIELD` is a field of the person that another row carries. `good` is false where a
    value could not be read.
    """

    type: str
    key: str
    values: Mapping[str, str]
    place: str
    good: bool = True


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file would be: the records that are whole, and what was found.

    `rows` counts the rows by type, `kept_out` the people who are not among the records, `unread` what the record has no
    place for by the name of its element or column, `private_use` the characters for private use (`U+E123`) that nobody
    has given a meaning. `carried`: what such files can say at all, as `rowType.field`. `findings` are the first
    `MOST_FINDINGS` of each code, `counts` all.
    """

    records: tuple[Record, ...]
    findings: tuple[Finding, ...]
    counts: Mapping[str, int]
    rows: Mapping[str, int]
    kept_out: int
    unread: Mapping[str, int] = field(default_factory=dict)
    private_use: Mapping[str, int] = field(default_factory=dict)
    carried: frozenset[str] = frozenset()

    def without_records(self) -> "Imported":
        """The same with everybody kept out."""
        return replace(self, records=(), kept_out=self.kept_out + len(self.records))


def assemble(
    rows: Sequence[Row],
    findings: Iterable[Finding],
    unread: Mapping[str, int],
    private_use: Mapping[str, int],
    carried: frozenset[str],
) -> Imported:
    """The records of all people whose rows are good; the findings, and those about what belongs to nobody (S467)."""
    found = list(findings)
    people, bad = _people(rows, found)
    employers = {row.values.get("employerId", ""): row for row in rows if row.type == "employer"}
    of_person: dict[str, list[Row]] = {key: [] for key in people}
    for row in rows:
        if row.type in ("person", "employer"):
            continue
        if row.key not in people:
            found.append(Finding("S467", row.place, "a person of the file", "none"))
        elif row.good:
            of_person[row.key].append(row)
        else:
            bad.add(row.key)
    records = tuple(
        record
        for key, values in people.items()
        if key not in bad and (record := _record(values, of_person[key], employers)) is not None
    )
    return Imported(
        records=records,
        findings=first_of_each(found),
        counts=Counter(finding.code for finding in found),
        rows=Counter(row.type for row in rows),
        kept_out=len(people) - len(records),
        unread=unread,
        private_use=private_use,
        carried=carried,
    )


def _people(rows: Sequence[Row], found: list[Finding]) -> tuple[dict[str, dict[str, str]], set[str]]:
    """The values of each person, from all rows that say something of it; and the keys of those that do not hold."""
    people: dict[str, dict[str, str]] = {row.key: {} for row in rows if row.type == "person" and row.key}
    bad: set[str] = set()
    for row in rows:
        own = row.type == "person"
        if row.key not in people:
            if own:
                found.append(Finding("S467", row.place, "a person's number", "none"))
            continue
        if own and not row.good:
            bad.add(row.key)
        for name, value in row.values.items():
            field_, of_person = name.removeprefix("person."), name.startswith("person.")
            if not (own or of_person):
                continue
            if people[row.key].setdefault(field_, value) != value:
                found.append(Finding("S462", f"{row.place}/{field_}", "the same in every row", "another"))
                bad.add(row.key)
    return people, bad


def _record(person: Mapping[str, str], rows: Iterable[Row], employers: Mapping[str, Row]) -> Record | None:
    """One person's record; None where an employer that its rows name could not be read."""
    parts: dict[str, list[Any]] = {part: [] for part in PARTS.values()}
    for row in rows:
        parts[PARTS[row.type]].append(_made(ROW_TYPES[row.type], row.values))
    named = {one.employer_id for part in ("enrolments", "contributions") for one in parts[part]} & set(employers)
    if not all(employers[one].good for one in named):
        return None
    return Record(
        person=_made(Person, person),
        employers=tuple(sorted(_made(Employer, employers[one].values) for one in named)),
        **{part: tuple(sorted(values)) for part, values in parts.items()},
    )


def _made(kind: type[Any], values: Mapping[str, str]) -> Any:
    return kind(**{name: values.get(attribute_name(name), "") for name in kind._fields})


def first_of_each(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The first `MOST_FINDINGS` of each code, in the order in which they were found."""
    seen: Counter[str] = Counter()
    kept = []
    for finding in findings:
        seen[finding.code] += 1
        if seen[finding.code] <= MOST_FINDINGS:
            kept.append(finding)
    return tuple(kept)
