"""Connections with the settings that reading and loading need whatever the server's own are."""

from collections.abc import Mapping
from typing import Any, Final

from pymysql.constants import CLIENT

from formats.errors import UsageError
from migration.engines.mariadb.faults import told
from migration.engines.mariadb.wire import Wire

Options = Mapping[str, Any]  # what PyMySQL is given of a URL (`address`)

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


def connect(options: Options, *, loading: bool = False) -> Wire:
    """A connection with the settings of this package, every statement for good; `loading`: it may be fed.

    Raises UsageError D601, D609 (login, rights), UnreachableError S409.
    """
    flags = {"client_flag": CLIENT.LOCAL_FILES} if loading else {}
    with told("connecting"):
        try:
            wire = Wire(**{**options, **flags})
        except TypeError:
            raise UsageError("D601", "an option of the URL is not known") from None
        try:
            _set(wire)
        except BaseException:
            wire.close()
            raise
        return wire


def _set(wire: Wire) -> None:
    wire.fetch(_SETTINGS)
    for name, _ in wire.fetch("SHOW SESSION VARIABLES WHERE Variable_name IN %s", (_LIMITS,)):
        wire.fetch(f"SET SESSION {name} = 0")
