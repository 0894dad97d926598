"""Catalogs made by hand: what a database might hold."""

from collections.abc import Iterable

from migration.catalog import Catalog, Column, Key, Kind, Oddity, Table, TableName

PERSON = TableName("", "person")


def column(name: str, kind: Kind, native: str, **more: object) -> Column:
    """A column with whatever else is to be said of it."""
    return Column(name, kind, native, **more)  # type: ignore[arg-type]


ID = column("id", Kind.INTEGER, "integer", nullable=False)


def table(name: str | TableName, *columns: Column, key: Iterable[str] = ("id",), **more: object) -> Table:
    """A table; `id` comes first by itself if it is the key."""
    key = tuple(key)
    own = columns if any(one.name == "id" for one in columns) or key != ("id",) else (ID, *columns)
    place = TableName("", name) if isinstance(name, str) else name
    return Table(place, tuple(own), Key("", key) if key else None, **more)  # type: ignore[arg-type]


def catalog(engine: str, *tables: Table, oddities: Iterable[Oddity] = (), **more: object) -> Catalog:
    """A catalog of these tables."""
    return Catalog(engine, "1", "test", "UTF-8", tables, oddities=tuple(oddities), **more)  # type: ignore[arg-type]
