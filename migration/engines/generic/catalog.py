"""What a database holds, by SQLAlchemy's reflection."""

from collections.abc import Callable, Iterable, Mapping
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
    """The tables and views of the user's default schema; in PostgreSQL those of all schemas that are not its own."""
    look = sa.inspect(connection)
    engine = connection.engine
    names = [
        TableName(schema, name)
        for schema in _schemas(look)
        for name in look.get_table_names(schema or None)
        if name.lower() != LEDGER
    ]
    views = [TableName(schema, name) for schema in _schemas(look) for name in look.get_view_names(schema or None)]
    return Catalog(
        connecting.name(engine),
        ".".join(map(str, engine.dialect.server_version_info or ())),
        str(engine.url.database or ""),
        "UTF-8",
        tuple(_table(connection, look, name) for name in sorted(names)),
        tuple(View(name, look.get_view_definition(name.name, name.schema or None)) for name in sorted(views)),
    )


def _schemas(look: sa.Inspector) -> list[str]:
    if look.dialect.name != "postgresql":
        return [""]
    return [name for name in look.get_schema_names() if name != "information_schema" and not name.startswith("pg_")]


def _table(connection: sa.Connection, look: sa.Inspector, name: TableName) -> Table:
    place = (name.name, name.schema or None)
    primary = look.get_pk_constraint(*place)
    key = tuple(primary.get("constrained_columns") or ())
    uniques = _told(look.get_unique_constraints, place)
    checks = _told(look.get_check_constraints, place)
    indexes = [index for index in look.get_indexes(*place) if not index.get("duplicates_constraint")]
    return Table(
        name,
        tuple(_column(connection, found, key) for found in look.get_columns(*place)),
        primary=Key(primary.get("name") or "", key) if key else None,
        uniques=tuple(Key(found["name"] or "", tuple(found["column_names"])) for found in uniques),
        foreign=tuple(_foreign(name, found) for found in look.get_foreign_keys(*place)),
        checks=tuple(Check(found["name"] or "", found["sqltext"]) for found in checks),
        indexes=tuple(_index(found) for found in sorted(indexes, key=lambda found: str(found["name"]))),
        comment=_comment(look, place),
        rows=int(connection.scalar(sa.select(sa.func.count()).select_from(statements.table(name, ()))) or 0),
    )


def _told(ask: Callable[..., object], place: tuple[str, str | None]) -> Iterable[Mapping[str, Any]]:
    """What an environment's reflection says; not every dialect can tell everything."""
    try:
        return cast("Iterable[Mapping[str, Any]]", ask(*place))
    except NotImplementedError:
        return ()


def _comment(look: sa.Inspector, place: tuple[str, str | None]) -> str:
    try:
        return look.get_table_comment(*place).get("text") or ""
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
