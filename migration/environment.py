"""Environments by their address: which engine reads and writes what a URL names.

    sqlite:////data/old.db                    SQLite                       source, target
    postgresql://user@host/name               PostgreSQL                   source, target
    opengauss://… kingbase://…                as PostgreSQL                source, target
    mariadb://user@host/name  mysql://…       MariaDB, MySQL               source, target
    oracle://…  dm://…                        through SQLAlchemy           source, target
    siard:/data/old.siard                     a SIARD 2.1 or 2.2 file      source
    legacy:/data/old/                         files with a legacy.toml     source
    freeze:/data/run/freeze                   an earlier freeze            source
    env:NAME                                  whatever the variable NAME holds: so no password stands in a command

Drivers are imported when an environment is opened, not before.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from formats.errors import UsageError
from migration.engine import Source, Target

# The first word of a URL: the engine's name in catalogs and plans, its module, the driver that SQLAlchemy is told.
_DATABASES: Final = {
    "sqlite": ("sqlite", "migration.engines.sqlite", "SqliteTarget", "sqlite"),
    "postgresql": ("postgresql", "migration.engines.postgresql", "PostgresqlTarget", "postgresql+psycopg"),
    "opengauss": ("opengauss", "migration.engines.postgresql", "PostgresqlTarget", "opengauss"),
    "kingbase": ("kingbase", "migration.engines.postgresql", "PostgresqlTarget", "kingbase"),
    "mariadb": ("mariadb", "migration.engines.mariadb", "MariadbTarget", "mariadb+pymysql"),
    "mysql": ("mariadb", "migration.engines.mariadb", "MariadbTarget", "mysql+pymysql"),
    "oracle": ("oracle", "migration.engines.generic", "GenericTarget", "oracle+oracledb"),
    "dm": ("dameng", "migration.engines.generic", "GenericTarget", "dm+dmPython"),
}
_FILES: Final = {
    "siard": ("migration.siard", "SiardSource"),
    "legacy": ("migration.legacy", "LegacySource"),
    "freeze": ("migration.freeze", "FrozenSource"),
}
ENGINES: Final = tuple(sorted({engine for engine, *_ in _DATABASES.values()}))


@dataclass(frozen=True, slots=True)
class Address:
    """Where an environment is: its engine's name, what opens it, and what may be shown of it (never a password)."""

    engine: str
    place: str
    shown: str

    @property
    def is_file(self) -> bool:
        """Whether it is a file or a folder of files, which is a source only."""
        return self.engine in _FILES


def address(text: str, variables: Mapping[str, str]) -> Address:
    """The address that a text names; `variables` are the process's. Raises UsageError D601."""
    if text.startswith("env:"):
        name = text.removeprefix("env:")
        if name not in variables:
            raise UsageError("D601", f"the variable {name} is not set")
        return address(variables[name], {})
    word, _, rest = text.partition(":")
    if word in _FILES and rest:
        return Address(word, rest, f"{word}:{Path(rest).name}")
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # the latter for a port that is no number
        raise UsageError("D601", "not a URL") from None
    engine = url.drivername.partition("+")[0]
    if engine not in _DATABASES:
        raise UsageError("D601", f"unknown engine {engine}")
    name, _, _, driver = _DATABASES[engine]
    return Address(name, url.set(drivername=driver).render_as_string(hide_password=False), _shown(url))


def source(where: Address) -> Source:
    """The environment as a source. Raises UsageError D601, D602."""
    if where.is_file:
        module, name = _FILES[where.engine]
        return cast("Source", getattr(importlib.import_module(module), name)(Path(where.place)))
    return target(where)


def target(where: Address) -> Target:
    """The environment as a target. Raises UsageError D601, D602, D609 for files."""
    if where.is_file:
        raise UsageError("D609", f"{where.engine} is read only")
    _, module, name, _ = next(row for row in _DATABASES.values() if row[0] == where.engine)
    return cast("Target", getattr(importlib.import_module(module), name)(where.place))


def _shown(url: URL) -> str:
    """What may be shown of a URL: engine, host, port and the database's own name; no user, password or parameter."""
    name = Path(url.database).name if url.database and url.drivername.startswith("sqlite") else url.database or ""
    port = f":{url.port}" if url.port else ""
    return f"{url.drivername.partition('+')[0]}://{url.host or ''}{port}/{name}"
