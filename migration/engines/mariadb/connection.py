"""Connections by URL, with the settings that reading and loading need whatever the server's own are."""

from typing import Any, Final

from pymysql.constants import CLIENT
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from formats.errors import UsageError
from migration.engines.mariadb.faults import told
from migration.engines.mariadb.wire import Wire

_FORCED: Final = {"charset": "utf8mb4", "use_unicode": True, "autocommit": True, "local_infile": False}

# A statement that sorts or a client that packs may take long; a limit set for users of the application would end the
# reading in the middle, or, worse, silently after so many rows.
_SETTINGS: Final = (
    "SET SESSION sql_mode = '', time_zone = '+00:00', sql_select_limit = 18446744073709551615, sql_auto_is_null = 0,"
    " sql_notes = 1, max_error_count = 64, net_write_timeout = 86400, net_read_timeout = 86400, wait_timeout = 604800"
)
# Not every server has each of these; 0 is no limit, and of the last that estimates are fresh.
_LIMITS: Final = (
    *("max_statement_time", "max_execution_time", "idle_transaction_timeout", "idle_readonly_transaction_timeout"),
    *("idle_write_transaction_timeout", "information_schema_stats_expiry"),
)


def connect(url: str, *, loading: bool = False) -> Wire:
    """A connection with the settings of this package, every statement for good; `loading`: it may be fed.

    Raises UsageError D601, D609 (login, rights), UnreachableError S409.
    """
    options = _options(url)
    if loading:
        options["client_flag"] = CLIENT.LOCAL_FILES
    with told("connecting"):
        try:
            wire = Wire(**options)
        except TypeError:
            raise UsageError("D601", "an option of the URL is not known") from None
        try:
            _set(wire)
        except BaseException:
            wire.close()
            raise
        return wire


def database(url: str) -> str:
    """The database's name in the URL. Raises UsageError D601."""
    return str(_options(url)["database"])


def _options(url: str) -> dict[str, Any]:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise UsageError("D601", "not a URL") from None
    if parsed.drivername.partition("+")[0] not in ("mysql", "mariadb"):
        raise UsageError("D601", f"not MariaDB: {parsed.drivername}")
    if not parsed.database:
        raise UsageError("D601", "the URL names no database")
    dialect = parsed.set(drivername="mysql+pymysql").get_dialect()()
    _, options = dialect.create_connect_args(parsed)
    return {**options, **_FORCED, "database": parsed.database}


def _set(wire: Wire) -> None:
    wire.fetch(_SETTINGS)
    for name, _ in wire.fetch("SHOW SESSION VARIABLES WHERE Variable_name IN %s", (_LIMITS,)):
        wire.fetch(f"SET SESSION {name} = 0")
