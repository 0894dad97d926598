r"""`legacy.toml`: what a folder of legacy files holds, as a person describes it.

name = "old fund system"                 the source's name; without it the folder's
encoding = "gb18030-2022"                for tables that do not say (see `charsets`); never guessed
private_use = "site.csv"                 what private-use characters stand for (see `private_use`)

[[table]]
name = "person"
file = "person.csv"                      beside the description; or a pattern for several: "person-*.csv"
form = "csv"                             "csv", "fixed" or "dbf"
encoding, private_use                    as above, for this table
key = ["id"]                             the columns of its primary key
comment = "…"

  csv:    delimiter = ","  quote = "\""  escape = ""      the last two may be empty; lines end with LF or CR LF
          header = "check"               its names are those described; "skip", or "none". Without columns described,
                                         all are text with the header's names
  fixed:  record = 120                   bytes of a record without its line end
          line_end = "lf"                "lf", "crlf" or "none"
  dbf:    deleted = "leave"              or "carry": deleted records too, with a column `deleted_column` ("deleted")
          soft_returns = false           true: the editor's line ends in memos (8D 0A) are removed

[[table.column]]                         of a DBF file: what shall differ from the file's own header
name = "id"
kind = "text"                            integer, decimal, number, float, text, bytes, boolean, date, time, timestamp
start = 1, bytes = 18                    fixed only: the first byte, from 1, and how many
length = 18                              characters of a text
precision = 12, scale = 2                digits in all (also of integers) and behind the point
format = "YYYYMMDD"                      of dates and times (see `moments`); of numbers a picture whose point is not
                                         written: "S9(10)V99"; of bytes "hex" or "base64"
sign = "leading"                         "trailing", "overpunch" (`{A…I` plus, `}J…R` minus, in the last digit)
true = ["1"], false = ["0"]              the words of a boolean
null = ["", "NULL"]                      words that mean NULL, once trimmed; of other kinds than text blank means it too
trim = "right"                           blanks of a text go: "right" (fixed and dbf), "none" (csv), "left", "both"
blanks = " "                             which characters are blanks; "\u3000" or "\u0000" may be among them
nullable = true                          false: an empty cell is an error; so it is in a column of the key
comment = "…"
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final

from formats.charsets import Charset, charset
from formats.errors import UsageError
from migration.catalog import Column, Kind
from migration.legacy import cells, numerals
from migration.legacy.cells import Field
from migration.legacy.delimited import Dialect
from migration.legacy.fixed import Layout
from migration.legacy.numerals import Sign
from migration.legacy.options import Options
from migration.legacy.private_use import parse as parse_private_use

FILE: Final = "legacy.toml"
_LINE_ENDS: Final = {"lf": b"\n", "crlf": b"\r\n", "none": b""}
_NUMBERS: Final = frozenset({Kind.INTEGER, Kind.DECIMAL, Kind.NUMBER})


@dataclass(frozen=True, slots=True)
class DbfForm:
    """How a DBF file is read: the column that marks deleted records (empty: they are left), and soft returns."""

    deleted_column: str = ""
    soft_returns: bool = False


@dataclass(frozen=True, slots=True)
class Described:
    """One table: its files' name or pattern, how they are written, and its columns as far as they are described.

    `raw` is the encoding without the site's table, `charset` with it. `site`: the site table's file name, or empty.
    """

    name: str
    pattern: str
    form: Dialect | Layout | DbfForm
    raw: Charset
    charset: Charset
    site: str
    fields: tuple[Field, ...]
    key: tuple[str, ...]
    comment: str

    def wrong(self, what: str) -> UsageError:
        """The error that says so of this table."""
        return UsageError("D629", f"table {self.name}: {what}")


@dataclass(frozen=True, slots=True)
class Description:
    """A whole description: the folder in which the files lie, the source's name, its tables."""

    folder: Path
    file: str
    name: str
    tables: tuple[Described, ...]

    def paths(self, table: Described) -> tuple[Path, ...]:
        """The table's files, in order of name. Raises UsageError D629 if there is none."""
        found = tuple(sorted(path for path in self.folder.glob(table.pattern) if path.is_file()))
        if not found:
            raise UsageError("D629", f"{table.name}: there is no file {table.pattern}")
        return found


def load(place: Path) -> Description:
    """The description in this file, or in `legacy.toml` of this folder. Raises UsageError D629."""
    path = place / FILE if place.is_dir() else place
    document = Options(path.name, _toml(path))
    name = document.take("name", str, path.parent.name)
    defaults = document.take("encoding", str, ""), document.take("private_use", str, "")
    entries = document.take("table", list, [])
    document.end()
    tables = tuple(_table(Options(f"table {at}", entry), path.parent, defaults) for at, entry in enumerate(entries, 1))
    if not tables:
        raise UsageError("D629", f"{path.name}: no [[table]]")
    if len({table.name for table in tables}) != len(tables):
        raise UsageError("D629", f"{path.name}: two tables have the same name")
    return Description(path.parent, path.name, name, tuple(sorted(tables, key=lambda table: table.name)))


def _toml(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError("D629", f"{path.name}: {error.strerror}") from None
    except ValueError as error:
        raise UsageError("D629", f"{path.name}: {error}") from None


def _table(options: Options, folder: Path, defaults: tuple[str, str]) -> Described:
    name, pattern = options.needed("name"), options.needed("file")
    options.place = f"table {name}"
    _beside(options, pattern)
    form = _form(options, options.choice("form", ("csv", "fixed", "dbf"), ""))
    encoding, site = options.take("encoding", str, defaults[0]), options.take("private_use", str, defaults[1])
    if not encoding:
        raise options.wrong("encoding is missing; it is never guessed")
    raw = charset(encoding)
    key, comment = options.texts("key"), options.take("comment", str, "")
    entries = options.take("column", list, [])
    options.end()
    fields = tuple(_field(Options(f"{name} column {at}", entry), form, key) for at, entry in enumerate(entries, 1))
    _fitting(options, form, fields, key)
    return Described(name, pattern, form, raw, _with_site(options, folder, raw, site), site, fields, key, comment)


def _beside(options: Options, pattern: str) -> None:
    if PurePath(pattern).name != pattern or pattern == "..":
        raise options.wrong(f"{pattern} does not lie beside the description")


def _form(options: Options, form: str) -> Dialect | Layout | DbfForm:
    if form == "csv":
        dialect = Dialect(
            options.take("delimiter", str, ","),
            options.take("quote", str, '"'),
            options.take("escape", str, ""),
            options.choice("header", ("check", "skip", "none"), "check"),
        )
        signs = [sign for sign in (dialect.delimiter, dialect.quote, dialect.escape) if sign]
        if (
            not dialect.delimiter
            or any(len(sign) != 1 or sign in "\r\n\0" for sign in signs)
            or len({*signs}) != len(signs)
        ):
            raise options.wrong("delimiter, quote and escape are single characters that differ")
        return dialect
    if form == "fixed":
        return Layout(options.size("record") or 0, _LINE_ENDS[options.choice("line_end", tuple(_LINE_ENDS), "lf")])
    carried = options.choice("deleted", ("leave", "carry"), "leave") == "carry"
    column = options.take("deleted_column", str, "deleted")
    return DbfForm(column if carried else "", options.flag("soft_returns", default=False))


def _with_site(options: Options, folder: Path, raw: Charset, site: str) -> Charset:
    if not site:
        return raw
    _beside(options, site)
    try:
        text = (folder / site).read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise options.wrong(f"{site} is missing, or not UTF-8") from None
    return charset(raw.name, parse_private_use(site, text, raw))


def _field(options: Options, form: Dialect | Layout | DbfForm, key: tuple[str, ...]) -> Field:
    column = _column(options, key)
    trim, nulls = "none" if isinstance(form, Dialect) else "right", options.texts("null")
    start = options.size("start", 1) if isinstance(form, Layout) else 1
    size = options.size("bytes", 0) if isinstance(form, Layout) else 0
    ordinary = Field(column)
    found = Field(
        column,
        options.take("format", str, ""),
        Sign(options.choice("sign", tuple(Sign), Sign.LEADING)),
        frozenset(options.texts("true", tuple(ordinary.trues))),
        frozenset(options.texts("false", tuple(ordinary.falses))),
        frozenset(nulls),
        options.choice("trim", cells.TRIMS, trim),
        options.take("blanks", str, " "),
        (start or 1) - 1,
        size or 0,
        options.named | ({"key"} if column.name in key else frozenset()),
    )
    options.end()
    try:
        cells.cells(found)
    except ValueError:
        raise options.wrong(f"format {found.form} is none of a {column.kind}") from None
    if found.trues & found.falses:
        raise options.wrong("a word is both true and false")
    return found


def _column(options: Options, key: tuple[str, ...]) -> Column:
    name, kind = options.needed("name"), Kind(options.choice("kind", tuple(sorted(cells.KINDS)), Kind.TEXT))
    options.place = f"{options.place} ({name})"
    length, precision, scale = options.size("length"), options.size("precision"), options.size("scale", least=0)
    nullable, comment = options.flag("nullable", default=True), options.take("comment", str, "")
    native: str = kind
    if length:
        native = f"{kind}({length})"
    elif precision:
        native = f"{kind}({precision},{scale})" if scale is not None else f"{kind}({precision})"
    return Column(name, kind, native, nullable and name not in key, length, precision, scale, comment=comment)


def _fitting(
    options: Options, form: Dialect | Layout | DbfForm, fields: tuple[Field, ...], key: tuple[str, ...]
) -> None:
    """Raise UsageError D629 for columns that do not fit together or their form."""
    names = {field.column.name for field in fields}
    if len(names) != len(fields):
        raise options.wrong("two columns have the same name")
    if len(set(key)) != len(key) or (fields and not isinstance(form, DbfForm) and not names.issuperset(key)):
        raise options.wrong("a column of the key is not described, or twice in it")
    for field in fields:
        _sized(options, form, field)
    if isinstance(form, Dialect) and not fields and form.header != "check":
        raise options.wrong("without a header that is checked the columns must be described")
    if isinstance(form, Layout):
        _placed(options, form, fields)


def _sized(options: Options, form: Dialect | Layout | DbfForm, field: Field) -> None:
    column = field.column
    if (
        column.kind is Kind.DECIMAL
        and not isinstance(form, DbfForm)
        and (column.precision is None or column.scale is None)
    ):
        raise options.wrong(f"{column.name}: a decimal has precision and scale")
    if column.precision is not None and (column.scale or 0) > column.precision:
        raise options.wrong(f"{column.name}: more digits behind the point than in all")
    if field.form and column.kind in _NUMBERS and column.scale not in (None, numerals.picture(field.form).scale):
        raise options.wrong(f"{column.name}: the scale is not that of the format")
    if isinstance(form, Layout) and not field.size:
        raise options.wrong(f"{column.name}: bytes is missing")


def _placed(options: Options, form: Layout, fields: tuple[Field, ...]) -> None:
    end = 0
    for field in fields:
        if field.start < end:
            raise options.wrong(f"{field.column.name}: it begins inside the column before it")
        end = field.start + field.size
    if not fields or not form.record or end > form.record:
        raise options.wrong("no columns, no record, or columns that end behind the record")
