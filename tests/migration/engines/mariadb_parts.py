"""What the tests of MariaDB share: a table as the catalog has it, read and loaded."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from formats.digest import sha256
from migration import canon
from migration.canon import Cells
from migration.catalog import Kind, Table, TableName
from migration.engine import Copied, LoadColumn, Loading, ReadColumn, Reading
from migration.engines.mariadb import MariadbTarget
from migration.engines.mariadb.snapshot import MariadbSnapshot
from migration.engines.mariadb.wire import Wire


def socket_of(url: str) -> Path:
    """The socket that a URL names."""
    return Path(parse_qs(urlsplit(url).query)["unix_socket"][0])


def run(url: str, *statements: str, mode: str = "") -> None:
    """Run statements as an application would, with this sql_mode."""
    database = urlsplit(url).path.strip("/")
    with Wire(unix_socket=str(socket_of(url)), user="root", database=database, autocommit=True) as wire:
        for statement in (f"SET SESSION sql_mode = '{mode}', foreign_key_checks = 0", *statements):
            wire.fetch(statement)


def table(url: str, name: str) -> Table:
    """The table as the catalog has it."""
    return MariadbTarget(url).catalog().table(TableName("", name))


def reading(found: Table) -> Reading:
    """How a table is read as it is."""
    columns = tuple(ReadColumn(c.name, c.kind, c.native, c.scale, c.padded) for c in found.columns if not c.generated)
    return Reading(found.name, columns, found.order)


def rows(snapshot: MariadbSnapshot, found: Reading) -> list[Cells]:
    """All rows of a reading."""
    return [row for block in snapshot.blocks(found) for row in canon.rows(block.data)]


def read(url: str, name: str, **kinds: tuple[Kind, int | None]) -> list[Cells]:
    """All rows of a table; `kinds` says which columns are written as another kind and with which scale."""
    plain = reading(table(url, name))
    columns = tuple(
        ReadColumn(c.name, *((c.kind, c.native, c.scale) if c.name not in kinds else _as(c, kinds[c.name])), c.padded)
        for c in plain.columns
    )
    with MariadbTarget(url).snapshot() as snapshot:
        return rows(snapshot, Reading(plain.table, columns, plain.key))


def _as(column: ReadColumn, kind: tuple[Kind, int | None]) -> tuple[Kind, str, int | None]:
    return kind[0], column.native, kind[1]


def load(url: str, name: str, data: list[Cells], **kinds: Kind) -> None:
    """Load rows into a table as one chunk; `kinds` says in which kind the cells are written."""
    found = table(url, name)
    columns = tuple(
        LoadColumn(c.name, kinds.get(c.name, c.kind), c.native, c.scale) for c in found.columns if not c.generated
    )
    lines = [canon.line(cells) for cells in data]
    with MariadbTarget(url).session() as session:
        chunk = Copied(1, len(MariadbTarget(url).copied("run")) + 1, len(lines), sha256(b"".join(lines)))
        session.load("run", chunk, Loading(found.name, columns), lines)
