"""A described table and its files together: the columns as they come out, and the files' records as batches."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from formats.charsets import Charset
from formats.errors import IntegrityError
from migration.catalog import Column, Key, Kind, Table, TableName
from migration.legacy import delimited, fixed
from migration.legacy.batches import Batch, Watched, unread
from migration.legacy.cells import Field
from migration.legacy.dbf import header as headers
from migration.legacy.dbf import memo as memos
from migration.legacy.dbf import records, values
from migration.legacy.dbf.header import Header
from migration.legacy.delimited import Dialect
from migration.legacy.description import DbfForm, Described, Description
from migration.legacy.fixed import Layout

_SAMPLE: Final = 64 * 1024
_MEMOS: Final = "MGPBW"


@dataclass(frozen=True, slots=True)
class LegacyTable:
    """A table: its description, its files in order, the columns that come out of them, the headers of DBF files."""

    described: Described
    paths: tuple[Path, ...]
    fields: tuple[Field, ...]
    headers: tuple[Header, ...] = ()

    @property
    def memos(self) -> tuple[Path, ...]:
        """The memo files."""
        found = (memos.beside(path) for path in self.paths) if self.headers else ()
        return tuple(path for path in found if path)

    def table(self) -> Table:
        """It as a catalog has it. The number of rows in delimited files is estimated."""
        key = Key("", self.described.key) if self.described.key else None
        size = sum(path.stat().st_size for path in (*self.paths, *self.memos))
        columns = tuple(field.column for field in self.fields)
        name = TableName("", self.described.name)
        return Table(name, columns, key, comment=self.described.comment, rows=self._rows(), size=size)

    def _rows(self) -> int:
        form = self.described.form
        if self.headers:
            return sum(header.records for header in self.headers)
        if isinstance(form, Layout):
            return sum(-(-path.stat().st_size // form.step) for path in self.paths)
        return sum(map(_estimated, self.paths))

    def batches(self, state: Mapping[str, str], charset: Charset, wanted: Collection[str]) -> Iterator[Batch]:
        """The records of all files; `state`: SHA-256 by file name. Columns that are not `wanted` may be all NULL.

        Raises IntegrityError D628 for files that are not of their form, D632 if one is not the same any more.
        """
        form = self.described.form
        for at, path in enumerate(self.paths):
            file = Watched(path, state[path.name])
            if isinstance(form, Dialect):
                yield from delimited.batches(file, charset, form, [field.column.name for field in self.fields])
            elif isinstance(form, Layout):
                yield from fixed.batches(file, charset, form, self.fields)
            else:
                yield from self._records(file, at, state, charset, wanted)

    def _records(
        self, file: Watched, at: int, state: Mapping[str, str], charset: Charset, wanted: Collection[str]
    ) -> Iterator[Batch]:
        form, header = self.described.form, self.headers[at]
        assert isinstance(form, DbfForm), "only DBF files have headers"
        path = memos.beside(file.path) if any(c.type in _MEMOS and c.name in wanted for c in header.columns) else None
        kinds = {field.column.name: field.column.kind for field in self.fields}
        with ExitStack() as stack:
            memo = None
            if path:
                memo = memos.opened(stack.enter_context(unread(path)), path, header.version)
            decoders = tuple(
                values.Decoder(column, header.product, kinds[column.name], charset, memo, form.soft_returns)
                if column.name in wanted and not column.hidden
                else None
                for column in header.columns
            )
            yield from records.Reader(file, header, decoders, bool(form.deleted_column)).batches()
        if path:
            Watched(path, state[path.name]).confirm()


def opened(description: Description, described: Described) -> LegacyTable:
    """A described table with its files' own columns.

    Raises UsageError D629 if no file is there or the description does not fit, IntegrityError D611, D628 for damaged
    files, UnreachableError S409.
    """
    paths = description.paths(described)
    form = described.form
    if isinstance(form, DbfForm):
        return _dbf(described, form, paths)
    fields = described.fields
    if isinstance(form, Layout):
        fields = tuple(replace(field, column=_bounded(field)) for field in fields)
    elif isinstance(form, Dialect) and not fields:
        names = delimited.header(paths[0], described.charset, form)
        fields = tuple(Field(Column(name, Kind.TEXT, "text", name not in described.key)) for name in names)
    _keyed(described, fields)
    return LegacyTable(described, paths, fields)


def _bounded(field: Field) -> Column:
    """A text of fixed width has at most as many characters as bytes."""
    column = field.column
    if column.kind is not Kind.TEXT or column.length is not None:
        return column
    return replace(column, length=field.size, native=f"text({field.size})")


def _keyed(described: Described, fields: tuple[Field, ...]) -> None:
    if missing := set(described.key) - {field.column.name for field in fields}:
        raise described.wrong(f"the key's {', '.join(sorted(missing))} is not a column")


def _dbf(described: Described, form: DbfForm, paths: tuple[Path, ...]) -> LegacyTable:
    found = tuple(_header(path, described.charset) for path in paths)
    if any(header.columns != found[0].columns or header.version != found[0].version for header in found):
        raise IntegrityError("D628", f"{described.name}: its files do not have the same columns")
    declared = {field.column.name: field for field in described.fields}
    columns = [column for column in found[0].columns if not column.hidden]
    if unknown := set(declared) - {column.name for column in columns}:
        raise described.wrong(f"{', '.join(sorted(unknown))} is not a column of the file")
    fields = [
        _overridden(values.natural(column, found[0].product), declared.get(column.name), described.key)
        for column in columns
    ]
    if form.deleted_column:
        if form.deleted_column in {column.name for column in columns}:
            raise described.wrong(f"the file has a column {form.deleted_column}: give another as deleted_column")
        fields.append(Field(Column(form.deleted_column, Kind.BOOLEAN, "deleted", nullable=False)))
    _keyed(described, tuple(fields))
    return LegacyTable(described, paths, tuple(fields), found)


def _header(path: Path, charset: Charset) -> Header:
    with unread(path) as file:
        begin = file.read(32)
        rest = file.read(max(0, headers.size(path.name, begin) - 32))
    return headers.parse(path.name, begin + rest, charset)


def _overridden(natural: Field, declared: Field | None, key: tuple[str, ...]) -> Field:
    """The file's own column with what the description says otherwise."""
    name = natural.column.name
    if declared is None:
        return _key_field(natural) if name in key else natural
    said, column = declared.declared, declared.column
    if "kind" in said and column.kind is not natural.column.kind:
        return replace(declared, column=replace(column, native=natural.column.native))
    changes = {"format": "form", "sign": "sign", "true": "trues", "false": "falses", "null": "nulls"}
    changes |= {"trim": "trim", "blanks": "blanks"}
    own = {option: getattr(column, option) for option in ("length", "precision", "scale", "comment") if option in said}
    merged = replace(natural.column, nullable=column.nullable, **own)
    other = {name: getattr(declared, name) for option, name in changes.items() if option in said}
    return replace(natural, column=merged, declared=said, **other)


def _key_field(natural: Field) -> Field:
    return replace(natural, column=replace(natural.column, nullable=False), declared=frozenset({"key"}))


def _estimated(path: Path) -> int:
    """The lines of a file, by those at its begin."""
    with unread(path) as file:
        sample = file.read(_SAMPLE)
    lines = max(1, sample.count(b"\n"))
    return lines * path.stat().st_size // max(1, len(sample))
