"""What of a legacy table's values will not go without saying: one look at every row, nothing written down but counts.

Keys and record numbers stand only in what is given back; undecodable bytes, values of the wrong kind and broken rows
are counted in full and shown for the first rows. `every` gives all of them, one at a time, for the operator's file.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from formats.charsets import PRIVATE
from formats.errors import IntegrityError
from migration.catalog import Kind, Oddity, TableName
from migration.legacy import keys, suspicion
from migration.legacy.batches import Batch
from migration.legacy.cells import Unfit, cells
from migration.legacy.fixed import Layout
from migration.legacy.numerals import WORDS
from migration.legacy.rendering import Chosen, Fault, faults
from migration.legacy.tables import LegacyTable

_KEYS: Final = 20
_PLACES: Final = 5
_DAMAGED: Final = ("D611", "D628")


@dataclass(slots=True)
class _Found:
    """How many rows have one oddity, where the first are, and their keys."""

    rows: int = 0
    why: str = ""
    places: list[str] = field(default_factory=list)
    keys: list[tuple[str, ...]] = field(default_factory=list)


class _Findings:
    """Oddities by code, column and detail, as they are met."""

    def __init__(self, table: LegacyTable, columns: Sequence[Chosen]) -> None:
        self._name = TableName("", table.described.name)
        chosen = {column.name: column for column in columns}
        self._key = [chosen[name] for name in table.described.key]
        self._found: dict[tuple[str, str, str], _Found] = {}

    def add(self, code: str, column: str, why: str, batch: Batch, row: int) -> None:
        """One row with an oddity."""
        same = (code, column, "" if code in _DAMAGED else why)
        found = self._found.setdefault(same, _Found(why=why))
        found.rows += 1
        if len(found.places) < _PLACES:
            own = f": {why}" if code in _DAMAGED else ""
            found.places.append(batch.place(row) + own)
        if len(found.keys) < _KEYS:
            found.keys.append(key_of(batch, row, self._key))

    def oddities(self) -> Iterator[Oddity]:
        """All that was found, in the order of code and column."""
        for (code, column, why), found in sorted(self._found.items()):
            detail = "; ".join((*([why] if why else []), *found.places))
            yield Oddity(code, self._name, column, found.rows, detail, tuple(found.keys))


def key_of(batch: Batch, row: int, key: Sequence[Chosen]) -> tuple[str, ...]:
    """The canonical key of a row; where it stands, if there is none that can be written."""
    try:
        found = [column.cells.one(batch.columns[column.at][row]) for column in key] if batch.columns else []
    except Unfit:
        found = []
    texts = tuple(text for text in found if text is not None)
    return texts if texts and row not in batch.broken else (batch.place(row),)


def census(table: LegacyTable, state: Mapping[str, str]) -> tuple[Oddity, ...]:
    """The table's oddities. Raises IntegrityError D632 if a file changed, UnreachableError S409."""
    columns = _columns(table)
    findings = _Findings(table, columns)
    suspects = suspicion.Suspects(table)
    name = TableName("", table.described.name)
    damaged: list[Oddity] = []
    with keys.Seen() as seen:
        try:
            for batch in _batches(table, state):
                _look(table, batch, columns, findings)
                suspects.look(batch)
                seen.enter(batch, [column for column in columns if column.name in table.described.key])
        except IntegrityError as error:
            if error.code == "D632":
                raise
            damaged.append(Oddity(error.code, name, detail=error.detail))
        repeated = seen.repeated(name)
    return (*damaged, *findings.oddities(), *repeated, *suspects.oddities(), *_of_form(table, name))


def every(table: LegacyTable, state: Mapping[str, str]) -> Iterator[Fault]:
    """Every row and cell that can't be read, as they come. Raises IntegrityError D628 where reading can't go on."""
    columns = _columns(table)
    for batch in _batches(table, state):
        yield from faults(batch, columns)


def _columns(table: LegacyTable) -> list[Chosen]:
    return [Chosen(at, field.column.name, cells(field)) for at, field in enumerate(table.fields)]


def _batches(table: LegacyTable, state: Mapping[str, str]) -> Iterator[Batch]:
    """Read without the site's table, so that private-use characters are still seen."""
    return table.batches(state, table.described.raw, {field.column.name for field in table.fields})


def _look(table: LegacyTable, batch: Batch, columns: Sequence[Chosen], findings: _Findings) -> None:
    for fault in faults(batch, columns):
        findings.add(fault.code, fault.column, fault.why, batch, fault.row)
    for number in batch.deleted:
        kept = bool(table.headers and len(table.fields) > sum(not column.hidden for column in table.headers[0].columns))
        what = "marked deleted, carried" if kept else "marked deleted, not carried"
        marked = Batch(batch.file, (number,), ())
        findings.add("D624" if kept else "D625", "", what, marked, 0)
    for chosen in columns:
        kind, values = table.fields[chosen.at].column.kind, batch.columns[chosen.at]
        if kind is Kind.TEXT:
            _look_at_texts(table, batch, chosen, findings)
        elif kind is Kind.FLOAT and not {*WORDS, "-0"}.isdisjoint(values):
            for row, value in enumerate(values):
                if value in WORDS:
                    findings.add("D618", chosen.name, "infinity or NaN", batch, row)
                elif value == "-0":
                    findings.add("D620", chosen.name, "minus zero", batch, row)


def _look_at_texts(table: LegacyTable, batch: Batch, chosen: Chosen, findings: _Findings) -> None:
    """0x00 and private-use characters."""
    values = batch.columns[chosen.at]
    joined = "".join(value or "" for value in values)
    if "\0" in joined:
        for row, value in enumerate(values):
            if value and "\0" in value:
                findings.add("D612", chosen.name, "0x00", batch, row)
    if joined.isascii() or not PRIVATE.search(joined):
        return
    site = table.described.charset.site
    for row, value in enumerate(values):
        for character in sorted(set(PRIVATE.findall(value or ""))):
            known = site.get(ord(character))
            what = f"stands for {known}" if known else "not in the site's table"
            findings.add("D619", chosen.name, f"U+{ord(character):04X} {what}", batch, row)


def _of_form(table: LegacyTable, name: TableName) -> Iterator[Oddity]:
    """What the files' form itself does not carry."""
    form = table.described.form
    if isinstance(form, Layout):
        end = 0
        for place in (*table.fields, None):
            start = place.start if place else form.record
            if start > end:
                yield Oddity("D625", name, detail=f"bytes {end + 1} to {start} of a record are in no column")
            end = place.start + place.size if place else end
    for header in table.headers[:1]:
        for column in header.columns:
            if column.given:
                yield Oddity("D626", name, column.name, detail=f"the file has the name {column.given} twice")
        if not suspicion.agrees(header.driver_encoding, table.described.raw.name):
            claim = f"the file's language driver claims {header.driver_encoding}"
            yield Oddity("D624", name, detail=f"{claim}, declared is {table.described.raw.name}")
