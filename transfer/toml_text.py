"""TOML as cards and partners' files have it: written a line a value, read with an error that names what is wrong. Pure.

The standard library reads TOML and writes none; what is written here is as little as these files need.
"""

import json
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from formats.errors import UsageError


def lines(values: Mapping[str, str | datetime]) -> str:
    """The values as lines of TOML, in their order; times are written in UTC, to the second."""
    return "".join(f"{name} = {_value(value)}\n" for name, value in values.items())


def _value(value: str | datetime) -> str:
    """A TOML value; text of several lines (armor has no quotes) in a block of its own."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if "\n" in value and "'" not in value:
        return f"'''\n{value.strip()}\n'''"
    return json.dumps(value, ensure_ascii=False)


def table(document: str, what: str) -> dict[str, Any]:
    """The table in this text; `what` names it in the error. Raises UsageError S401."""
    try:
        return tomllib.loads(document)
    except tomllib.TOMLDecodeError as error:
        raise UsageError("S401", f"{what} is not TOML: {error}") from None


def text(values: Mapping[str, Any], name: str) -> str:
    """The text of this name. Raises UsageError S401."""
    value = values.get(name)
    if not isinstance(value, str):
        raise UsageError("S401", f"{name} is missing or not text")
    return value


def time(values: Mapping[str, Any], name: str) -> datetime:
    """The time of this name, in UTC. Raises UsageError S401, also for one without a zone."""
    value = values.get(name)
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise UsageError("S401", f"{name} is not a time with a zone, like 2026-11-22T08:00:00Z")
    return value.astimezone(UTC)


def tables(values: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The tables of this name. Raises UsageError S401."""
    value = values.get(name)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise UsageError("S401", f"there is no [[{name}]]")
    return value
