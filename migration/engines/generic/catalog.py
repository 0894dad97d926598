"""What a database holds, by SQLAlchemy's reflection."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine, UserDefinedType

from migration.catalog import Catalog, Check, Column, ForeignKey, Index, Key, Kind, Table, TableName, View
from migration.engines.generic import connecting, statements
from migration.engines.generic.ledger import TABLE as LEDGER

# The first that fits: a type is often a special case of another.
_KINDS: Final[tuple[tuple[type[TypeEngine[Any]], Kind], ...]] = (
    (sa.Boolean, Kind.BOOLEAN),
    (sa.Float, Kind.FLOAT),
    (sa.Integer, Kind.INTEGER),
    (sa.Numeric, Kind.DECIMAL),
    (sa.Enum, Kind.TEXT),
    (sa.LargeBinary, Kind.BYTES),
    (sa.types._Binary, Kind.BYTES),  # noqa: SLF001 - the one name of BLOB, RAW and VARBINARY together
    (sa.String, Kind.TEXT),
    (sa.DateTime, Kind.TIMESTAMP),
    (sa.Date, Kind.DATE),
    (sa.Time, Kind.TIME),
)


def read(connection: sa.Connection) -> Catalog:
    """The tables of the user's default schema with what belongs to them, and the views."""
    look = sa.inspect(connection)
    engine = connection.engine
    schema = _schema(connection)
    names = sorted(name for name in look.get_table_names() if name.lower() != LEDGER)
    version = ".".join(map(str, engine.dialect.server_version_info or ()))
    tables = tuple(_table(connection, look, TableName(schema, name)) for name in names)
    views = tuple(
        View(TableName(schema, name), look.get_view_definition(name)) for name in sorted(look.get_view_names())
    )
    return Catalog(connecting.name(engine), version, str(engine.url.database or ""), "UTF-8", tables, views)


def _schema(connection: sa.Connection) -> str:
    return "public" if connection.engine.dialect.name == "postgresql" else ""


def _table(connection: sa.Connection, look: sa.Inspector, name: TableName) -> Table:
    primary = look.get_pk_constraint(name.name)
    key = tuple(primary.get("constrained_columns") or ())
    uniques = _told(look.get_unique_constraints, name.name)
    indexes = [index for index in look.get_indexes(name.name) if not index.get("duplicates_constraint")]
    return Table(
        name,
        tuple(_column(connection, found, key) for found in look.get_columns(name.name)),
        primary=Key(primary.get("name") or "", key) if key else None,
        uniques=tuple(Key(found["name"] or "", tuple(found["column_names"])) for found in uniques),
        foreign=tuple(_foreign(name, found) for found in look.get_foreign_keys(name.name)),
        checks=tuple(
            Check(found["name"] or "", found["sqltext"]) for found in _told(look.get_check_constraints, name.name)
        ),
        indexes=tuple(_index(found) for found in sorted(indexes, key=lambda found: str(found["name"]))),
        comment=_comment(look, name.name),
        rows=int(connection.scalar(sa.select(sa.func.count()).select_from(statements.table(name, ()))) or 0),
    )


def _told(ask: Any, name: str) -> Iterable[Mapping[str, Any]]:
    """What an environment's reflection says; not every dialect can tell everything."""
    try:
        return cast("Iterable[Mapping[str, Any]]", ask(name))
    except NotImplementedError:
        return ()


def _comment(look: sa.Inspector, name: str) -> str:
    try:
        return look.get_table_comment(name).get("text") or ""
    except NotImplementedError:
        return ""


def _column(connection: sa.Connection, found: Any, key: tuple[str, ...]) -> Column:
    kind, native = found["type"], _native(connection, found["type"])
    computed = found.get("computed")
    precision, scale = _digits(kind)
    return Column(
        found["name"],
        _kind(kind),
        native,
        nullable=bool(found["nullable"]) and found["name"] not in key,
        length=getattr(kind, "length", None) if isinstance(kind, (sa.String, sa.types._Binary)) else None,  # noqa: SLF001
        precision=precision,
        scale=scale,
        padded=isinstance(kind, (sa.CHAR, sa.NCHAR)),
        default=found.get("default"),
        generated=computed["sqltext"] if computed else None,
        identity=bool(found.get("identity")) or found.get("autoincrement") is True,
        comment=found.get("comment") or "",
    )


def _native(connection: sa.Connection, kind: TypeEngine[Any]) -> str:
    if isinstance(kind, (sa.types.NullType, UserDefinedType)):
        return type(kind).__name__.lower()
    return kind.compile(connection.dialect).lower()


def _kind(kind: TypeEngine[Any]) -> Kind:
    found = next((known for form, known in _KINDS if isinstance(kind, form)), Kind.OTHER)
    if found is Kind.DECIMAL and getattr(kind, "precision", None) is None:
        return Kind.NUMBER
    if found is Kind.TIMESTAMP and getattr(kind, "timezone", False):
        return Kind.TIMESTAMPTZ
    return found


def _digits(kind: TypeEngine[Any]) -> tuple[int | None, int | None]:
    if not isinstance(kind, sa.Numeric) or isinstance(kind, sa.Float) or kind.precision is None:
        return None, None
    return kind.precision, kind.scale or 0


def _foreign(table: TableName, found: Any) -> ForeignKey:
    options = found.get("options") or {}
    return ForeignKey(
        found["name"] or "",
        tuple(found["constrained_columns"]),
        TableName(found["referred_schema"] or table.schema, found["referred_table"]),
        tuple(found["referred_columns"]),
        str(options.get("ondelete", "")).lower(),
        str(options.get("onupdate", "")).lower(),
    )


def _index(found: Any) -> Index:
    columns = tuple(name for name in found["column_names"] if name is not None)
    whole = "" if not found.get("expressions") else f"index {found['name']} on {', '.join(found['expressions'])}"
    return Index(found["name"] or "", columns, bool(found["unique"]), whole)
