"""The server and database that a URL names.

A URL is SQLAlchemy's: `postgresql://user@host/name`, with libpq's own parameters behind `?`. `opengauss://` and
`kingbase://` are the same.
"""

from typing import Final

import psycopg
from psycopg.conninfo import make_conninfo
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from formats.errors import UsageError
from migration.engines.postgresql.connecting import Server

_ENGINES: Final = {
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "opengauss": "opengauss",
    "kingbase": "kingbase",
}
_PATIENCE: Final = 30  # seconds to wait for a connection


def server(url: str) -> Server:
    """The server and database. Raises UsageError D601."""
    address = _address(url)
    name = address.drivername.partition("+")[0]
    if name not in _ENGINES:
        raise UsageError("D601", f"{name} is not PostgreSQL")
    shown = f"{address.host or 'local'}/{address.database or ''}"
    try:
        return Server(_ENGINES[name], shown, _parameters(address))
    except psycopg.ProgrammingError:
        raise UsageError("D601", f"{shown}: a parameter of the URL is not known") from None


def _address(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError):  # a port that is no number is a ValueError
        raise UsageError("D601", "not a URL") from None


def _parameters(address: URL) -> str:
    """The URL as libpq's parameters; several hosts are written with commas."""
    known: dict[str, str | int | None] = {
        "connect_timeout": _PATIENCE,
        "application_name": "jiexu",
        "host": address.host,
        "port": address.port,
        "user": address.username,
        "password": address.password,
        "dbname": address.database,
    }
    known |= {name: value if isinstance(value, str) else ",".join(value) for name, value in address.query.items()}
    return make_conninfo("", **known | {"client_encoding": "UTF8"})
