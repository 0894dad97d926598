"""An agency's text files (报盘) as records: one row a line, cut as a description says, every fault with its place.

Lines end with LF or CR LF, which are part of no character in any declared encoding; a mark of the end (0x1A) may stand
last. Fixed widths are bytes, in which a Chinese character has two or four. Blanks around a cell, also the wide one
(U+3000), are no part of it. What is for private use is mapped by `[privateUse]`, and else refused and listed.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from formats.charsets import PRIVATE
from formats.conversions import UnknownCodeError, to_record
from formats.decoding import DEFAULT_LIMITS, Limits
from formats.errors import RefusedError
from formats.interface.assembling import Imported, Row, assemble
from formats.interface.text_description import Description, Layout
from formats.interface.values import spoilt
from formats.messages import Finding
from formats.profile_rows import Field, RowProfile

_BLANKS = " \u3000"
_END = b"\x1a"


class _Reading:
    """One reading of a set of files: what was found on the way."""

    def __init__(self, description: Description) -> None:
        self.description = description
        self.rows: list[Row] = []
        self.findings: list[Finding] = []
        self.unread: Counter[str] = Counter()
        self.private_use: Counter[str] = Counter()

    def file(self, row: RowProfile[Any], layout: Layout, data: bytes) -> None:
        """Read the rows of one type from their file."""
        fields = [field for field in row.fields if field.column]
        used = {row.person_number, *row.columns, *(field.also for field in fields), *(name for name, _ in row.always)}
        for place, cells in self._cells(layout, data):
            for name, text in cells.items():
                self.unread[f"{layout.file}: {name}"] += bool(text and name not in used)
            if any(cells[column] != value for column, value in row.always):
                self.unread[f"{layout.file}: another fixed value"] += 1
            elif row.leave and cells[row.field("kind").column] in row.leave:
                self.unread[f"{layout.file}: left out by kind"] += 1
            else:
                self._row(row, fields, place, cells)

    def _row(self, row: RowProfile[Any], fields: Sequence[Field], place: str, cells: Mapping[str, str]) -> None:
        before = len(self.findings)
        stored = {field.name: [self._value(field, place, cells)] for field in fields}
        values = dict(zip((field.name for field in row.fields), row.complete(stored, 1), strict=True))
        key = cells.get(row.person_number, "")
        good = len(self.findings) == before
        self.rows.append(Row(row.name, key, {name: value for name, (value,) in values.items()}, place, good))

    def _value(self, field: Field, place: str, cells: Mapping[str, str]) -> str:
        """The record's value of a field; empty where it was found wrong, since its row is kept out then."""
        text, place = cells[field.column], f"{place}, {field.column}"
        code = spoilt(text, field.name, "text")
        value = ""
        if field.also and cells[field.also] != text:
            code = "S462"
        if not code:
            try:
                value = str(to_record(field.rule)[text])
            except UnknownCodeError:
                code = "S460"
            except ValueError:
                code = spoilt(text, field.name, field.rule.kind) or "S462"
        strange = PRIVATE.findall(value)
        self.private_use.update(f"U+{ord(character):04X}" for character in strange)
        code = "S466" if strange and not code else code
        if code:
            self.findings.append(Finding(code, place, f"a value of {field.name}", "another form"))
        return value

    def _cells(self, layout: Layout, data: bytes) -> Iterator[tuple[str, Mapping[str, str]]]:
        """Each line's place and its cells by column; a line that cannot be cut is a finding."""
        lines = [line.removesuffix(b"\r") for line in data.removesuffix(_END).split(b"\n")]
        if lines[-1] == b"":
            lines.pop()
        for number, line in enumerate(lines, 1):
            place = f"{layout.file} line {number}"
            try:
                cells = self._cut(layout, line)
            except UnicodeDecodeError as error:
                self._lost(
                    Finding("D611", f"{place}, byte {error.start}", self.description.charset.name, "other bytes")
                )
                continue
            if cells is None:
                self._lost(Finding("S461", place, f"{len(layout.columns)} columns", "another number, or another width"))
            elif number == 1 and layout.header:
                if tuple(cells) != layout.columns:
                    raise RefusedError(
                        "S461", f"{place}: the header does not have the described columns in their order"
                    )
            else:
                yield place, dict(zip(layout.columns, cells, strict=True))

    def _lost(self, finding: Finding) -> None:
        """A line of which nobody can say whose it is."""
        self.findings.append(finding)

    def _cut(self, layout: Layout, line: bytes) -> tuple[str, ...] | None:
        """The cells of a line; None where it has another number of them or another width."""
        decode = self.description.charset.decode
        if layout.delimiter:
            cells = decode(line).split(layout.delimiter)
            return tuple(cell.strip(_BLANKS) for cell in cells) if len(cells) == len(layout.columns) else None
        if len(line) != max(start + size for start, size in layout.bytes):
            return None
        return tuple(decode(line[start : start + size]).strip(_BLANKS) for start, size in layout.bytes)


def read(description: Description, files: Mapping[str, bytes], limits: Limits = DEFAULT_LIMITS) -> Imported:
    """What these files would be, by their names as the description gives them.

    Raises RefusedError S461 for a file that is missing or has another header, M152 beyond the limits. A line that
    cannot be decoded or cut keeps all records out: nobody knows whose row it is. Its finding says where it is.
    """
    reading = _Reading(description)
    for row in description.profile.rows:
        if not row.table:
            continue
        layout = description.layouts[row.table]
        data = files.get(layout.file)
        if data is None:
            raise RefusedError("S461", f"there is no file {layout.file}")
        if len(data) > limits.document_bytes or data.count(b"\n") > limits.rows:
            raise RefusedError("M152", layout.file)
        reading.file(row, layout, data)
    lost = any(finding.code in ("D611", "S461") for finding in reading.findings)
    found = assemble(reading.rows, reading.findings, +reading.unread, reading.private_use, description.carried)
    return found.without_records() if lost else found
