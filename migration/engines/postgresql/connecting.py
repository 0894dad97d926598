"""Connections to PostgreSQL: from a URL, with settings under which values are written one way, and what errors mean.

A URL is SQLAlchemy's: `postgresql://user@host/name`, with libpq's own parameters behind `?`. `opengauss://` and
`kingbase://` are the same. A connection commits by itself; whoever needs a transaction begins one.
"""

from typing import Any, Final

import psycopg
from psycopg.conninfo import make_conninfo
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from formats.errors import IntegrityError, ServiceError, UnreachableError, UsageError

ENGINES: Final = {
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "opengauss": "opengauss",
    "kingbase": "kingbase",
}
PATIENCE: Final = 30  # seconds to wait for a connection

Connection = psycopg.Connection[tuple[Any, ...]]

# How values are written and read as text, whatever the server, the database or the user have set.
_FORMS: Final = (
    ("TimeZone", "UTC"),
    ("DateStyle", "ISO, YMD"),
    ("IntervalStyle", "postgres"),
    ("bytea_output", "hex"),
    ("extra_float_digits", "1"),
    ("lc_monetary", "C"),
    ("xmloption", "content"),
    ("standard_conforming_strings", "on"),
    ("statement_timeout", "0"),
    ("idle_in_transaction_session_timeout", "0"),
)
# For reading: rows that a policy hides are an error, not a smaller table; names and types are always written whole.
_READING: Final = (("row_security", "off"), ("search_path", "pg_catalog"), ("work_mem", "64MB"), ("jit", "off"))

_UNREACHABLE: Final = ("08", "40", "53", "55", "57", "58")
_ENCODING: Final = ("22021", "22P05")


def engine(url: str) -> str:
    """The engine's name: `postgresql`, `opengauss` or `kingbase`. Raises UsageError D601."""
    name = _address(url).drivername.partition("+")[0]
    if name not in ENGINES:
        raise UsageError("D601", f"{name} is not PostgreSQL")
    return name


def connect(url: str, *, reading: bool) -> Connection:
    """A new connection. Raises UsageError D601 and UnreachableError S409."""
    engine(url)
    address = _address(url)
    shown = f"{address.host or 'local'}/{address.database or ''}"
    try:
        connection = psycopg.connect(_parameters(address), autocommit=True)
    except psycopg.ProgrammingError:
        raise UsageError("D601", f"{shown}: a parameter of the URL is not known") from None
    except psycopg.Error as error:
        raise UnreachableError("S409", f"{shown}: {_last_line(error)}") from None
    connection.prepare_threshold = None
    try:
        _settle(connection, _FORMS + (_READING if reading else ()))
    except psycopg.Error as error:
        connection.close()
        raise meaning(error, shown) from None
    return connection


def quote(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as an SQL literal, of whatever type its place asks for."""
    return "'" + text.replace("'", "''") + "'"


def meaning(error: psycopg.Error, place: str) -> ServiceError:
    """What a server's error means; its own words are passed on where they name tables and columns only."""
    state = error.sqlstate or ""
    if state == "53100":
        return UnreachableError("S416", f"{place}: {state}")
    if not state or state.startswith(_UNREACHABLE):
        return UnreachableError("S409", f"{place}: {state or 'the connection broke'}")
    if state in _ENCODING:
        return IntegrityError("D611", place)
    if state == "42P01":
        return IntegrityError("D632", f"{place}: {error.diag.message_primary}")
    if state.startswith(("0A", "42", "25")):
        return UsageError("D609", f"{place}: {error.diag.message_primary}")
    return IntegrityError("D615", f"{place}: {state}")


def _address(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError):  # a port that is no number is a ValueError
        raise UsageError("D601", "not a URL") from None


def _parameters(address: URL) -> str:
    """The URL as libpq's parameters; several hosts are written with commas."""
    known: dict[str, str | int | None] = {
        "connect_timeout": PATIENCE,
        "application_name": "jiexu",
        "host": address.host,
        "port": address.port,
        "user": address.username,
        "password": address.password,
        "dbname": address.database,
    }
    known |= {name: value if isinstance(value, str) else ",".join(value) for name, value in address.query.items()}
    return make_conninfo("", **known | {"client_encoding": "UTF8"})


def _settle(connection: Connection, settings: tuple[tuple[str, str], ...]) -> None:
    """Set what this server knows of the settings."""
    wanted = ", ".join(f"({literal(name)}, {literal(value)})" for name, value in settings)
    connection.execute(
        "SELECT set_config(s.name, w.value, false) FROM pg_catalog.pg_settings AS s"  # noqa: S608 -- constants of this module
        f" JOIN (VALUES {wanted}) AS w(name, value) ON s.name = w.name".encode()
    )


def _last_line(error: psycopg.Error) -> str:
    """The end of what libpq says about a connection: server and reason, never the password."""
    return (str(error).strip().splitlines() or [type(error).__name__])[-1]
