"""How an agency's text files (报盘) are written: a mapping profile whose tables are files, and how each file is cut.

name = "agency-report"

[files]
encoding = "gb18030-2022"             as `formats.charsets` names them

[files.people]                        the table that [person] names
file = "people.txt"
delimiter = "|"
header = true                         the first line has the columns' names; without it there is no such line
columns = ["no", "id", "name"]        in the order of the file

[files.months]
file = "months.txt"
bytes = { no = [0, 13], kind = [13, 2] }      fixed width: the first byte, from 0, and how many

[person]                              from here on a profile (`formats.profile`); row types left out are absent
table = "people"
…
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from formats.charsets import Charset, charset
from formats.errors import UsageError
from formats.profile import ROW_TYPES, Profile, RowProfile, of_document


@dataclass(frozen=True, slots=True)
class Layout:
    """How one file is cut: its name, its columns; a `delimiter`, or (`delimiter` empty) the bytes of each column."""

    file: str
    columns: tuple[str, ...]
    delimiter: str = ""
    header: bool = False
    bytes: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Description:
    """A described set of files: the encoding of all, how each is cut, and which column is which field."""

    charset: Charset
    layouts: Mapping[str, Layout]
    profile: Profile

    @property
    def files(self) -> tuple[str, ...]:
        """The names of the files, in the order of the record's row types."""
        return tuple(dict.fromkeys(self.layouts[row.table].file for row in self.profile.rows if row.table))

    @property
    def carried(self) -> frozenset[str]:
        """What the files can say at all, as `rowType.field`."""
        return frozenset(
            f"{row.name}.{field.name}" for row in self.profile.rows for field in row.fields if field.column
        )


def parse(text: str) -> Description:
    """The description of a TOML text. Raises UsageError D629 for the files, S415 for the profile in it."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError("D629", f"not TOML: {error}") from None
    files = _table(document.pop("files", None), "files")
    encoding = files.pop("encoding", "gb18030")
    if not isinstance(encoding, str):
        raise UsageError("D629", "files.encoding must be text")
    layouts = {name: _layout(f"files.{name}", _table(value, f"files.{name}")) for name, value in files.items()}
    missing = {name: {"absent": True} for name in ROW_TYPES if name not in document and name != "person"}
    profile = of_document({**document, **missing}, always=("person",))
    for row in profile.rows:
        _check(row, layouts)
    return Description(charset(encoding), layouts, profile)


def _layout(where: str, table: dict[str, Any]) -> Layout:
    """One section `[files.NAME]`."""
    file, delimiter = table.pop("file", ""), table.pop("delimiter", "")
    header, columns, cut = table.pop("header", False), table.pop("columns", []), table.pop("bytes", {})
    if table:
        raise UsageError("D629", f"{where}: unknown: {', '.join(sorted(table))}")
    if not isinstance(file, str) or not file or "/" in file or "\\" in file or file.startswith("."):
        raise UsageError("D629", f"{where}.file must be the name of a file beside the others")
    if bool(delimiter) == bool(cut) or not isinstance(header, bool):
        raise UsageError("D629", f"{where}: a delimiter with columns, or bytes; header is true or false")
    if cut:
        return Layout(file, tuple(_table(cut, f"{where}.bytes")), bytes=_places(where, cut, columns, header=header))
    if not isinstance(delimiter, str) or len(delimiter) != 1:
        raise UsageError("D629", f"{where}.delimiter must be one character")
    names = tuple(columns) if isinstance(columns, list) else ()
    if not names or not all(isinstance(name, str) and name for name in names) or len(set(names)) < len(names):
        raise UsageError("D629", f"{where}.columns must be a list of different names")
    return Layout(file, names, delimiter, header)


def _places(where: str, cut: Mapping[str, Any], columns: object, *, header: bool) -> tuple[tuple[int, int], ...]:
    """Start and size of each column in bytes."""
    if columns or header:
        raise UsageError("D629", f"{where}: a file of fixed width has neither columns nor a header")
    for name, place in cut.items():
        good = isinstance(place, list) and len(place) == 2 and all(type(number) is int for number in place)
        if not good or place[0] < 0 or place[1] < 1:
            raise UsageError("D629", f"{where}.bytes.{name} must be [first byte, how many]")
    return tuple((place[0], place[1]) for place in cut.values())


def _check(row: RowProfile[Any], layouts: Mapping[str, Layout]) -> None:
    """Raise UsageError D629 for a table that no file is, or a column that its file has not."""
    if not row.table:
        return
    layout = layouts.get(row.table)
    if layout is None:
        raise UsageError("D629", f"{row.name}: there is no [files.{row.table}]")
    also = [field.also for field in row.fields if field.also]
    wanted = [row.person_number, *row.columns, *also, *(column for column, _ in row.always)]
    lost = [column for column in wanted if column and column not in layout.columns]
    if lost:
        raise UsageError("D629", f"{row.name}: {layout.file} has no column {', '.join(lost)}")


def _table(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UsageError("D629", f"[{where}] is missing or no table")
    return dict(value)
