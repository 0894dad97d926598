"""The working days and the limits that count at an office: the published ones, and what its own files say instead."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from flows.settings import Settings
from formats import clocks, workdays
from formats.clocks import Limit
from formats.errors import UsageError
from formats.workdays import Calendar

Row = TypeVar("Row")


def files_of(settings: Settings) -> tuple[Path, ...]:
    """The office's own files, as far as they are there: one that is missing must not stop a backup."""
    named = (settings.calendar.days, settings.calendar.limits)
    return tuple(settings.path(name) for name in named if name and settings.path(name).is_file())


def days_of(settings: Settings) -> Calendar:
    """The office's working days. Raises UsageError S401: what is wrong with the file of `calendar.days`."""
    own = _read(settings, "calendar.days", settings.calendar.days, workdays.office_days)
    return workdays.published().with_days(own)


def limits_of(settings: Settings) -> tuple[Limit, ...]:
    """The office's limits. Raises UsageError S401: what is wrong with the file of `calendar.limits`."""
    return clocks.with_limits(_read(settings, "calendar.limits", settings.calendar.limits, clocks.office_limits))


def _read(settings: Settings, where: str, name: str, parse: Callable[[str, str], tuple[Row, ...]]) -> tuple[Row, ...]:
    """Spreadsheets put a byte order mark before UTF-8."""
    if not name:
        return ()
    try:
        return parse(settings.path(name).read_text(encoding="utf-8-sig"), where)
    except OSError as error:
        raise UsageError("S401", f"{where}: {name}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError("S401", f"{where}: {name} is not UTF-8") from None
