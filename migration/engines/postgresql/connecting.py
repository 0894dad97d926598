"""Connections to PostgreSQL, with settings under which values are written one way, and what errors mean.

A connection commits by itself; whoever needs a transaction begins one.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import psycopg

from formats.errors import IntegrityError, ServiceError, UnreachableError, UsageError

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


@dataclass(frozen=True, slots=True)
class Server:
    """A database by its URL (`address`): the engine's name, what may be shown, libpq's parameters with the password."""

    engine: str
    shown: str
    parameters: str = field(repr=False)


def connect(server: Server, *, reading: bool) -> Connection:
    """A new connection. Raises UnreachableError S409."""
    try:
        connection = psycopg.connect(server.parameters, autocommit=True)
    except psycopg.Error as error:
        raise UnreachableError("S409", f"{server.shown}: {_last_line(error)}") from None
    connection.prepare_threshold = None
    try:
        _settle(connection, _FORMS + (_READING if reading else ()))
    except psycopg.Error as error:
        connection.close()
        raise meaning(error, server.shown) from None
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
