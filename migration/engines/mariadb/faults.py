"""What the errors of MariaDB mean. Their messages may quote what stands in a row: only their numbers are passed on."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pymysql
from pymysql.constants import CR, ER

from formats.errors import IntegrityError, ServiceError, UnreachableError, UsageError

_NAMES: Final = {number: name for name, number in (vars(CR) | vars(ER)).items() if isinstance(number, int)}
_LOGIN: Final = frozenset({1044, 1045, 1049, 1142, 1143, 1227, 1698, 3118, 4151})
_CHANGED: Final = frozenset({1051, 1054, 1109, 1146, 1412})
_FULL: Final = frozenset({1021, 1026, 1114})
_AWAY: Final = frozenset({1040, 1053, 1077, 1152, 1158, 1159, 1160, 1161, 1205, 1213, 1317, 1927, 4031})


@contextmanager
def told(subject: str) -> Iterator[None]:
    """Turn the driver's errors into this service's, for whatever reads. `subject` is a table, or what is done."""
    try:
        yield
    except pymysql.MySQLError as error:
        raise meaning(error, subject) or UsageError("D609", f"{subject}: {said(error)}") from None


def meaning(error: pymysql.MySQLError, subject: str) -> ServiceError | None:
    """What an error of the server means whatever was done, or None.

    Its message may quote what stands in a row, so only its number and that number's name are passed on.
    """
    code, detail = number(error), f"{subject}: {said(error)}"
    if code in _FULL:
        return UnreachableError("S416", detail)
    if code in _AWAY or 2000 <= code < 3000 or isinstance(error, pymysql.err.InterfaceError):
        return UnreachableError("S409", detail)
    if code in _LOGIN:
        return UsageError("D609", detail)
    if code in _CHANGED:
        return IntegrityError("D632", detail)
    return None


def number(error: pymysql.MySQLError) -> int:
    """The server's number of the error, 0 for one of the driver itself."""
    return error.args[0] if error.args and isinstance(error.args[0], int) else 0


def said(error: pymysql.MySQLError) -> str:
    """The error's number and the number's name, without the message."""
    code = number(error)
    return f"error {code} {_NAMES.get(code, '')}".rstrip() if code else type(error).__name__
