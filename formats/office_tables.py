"""Tables that an office gives itself, as CSV text: a line with the columns' names, then a row a line."""

import csv
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date

from formats.errors import UsageError


def rows(
    text: str, where: str, needed: Sequence[str], others: Collection[str] = ()
) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Each row by its columns, blanks around values left out, with its place in words for an error.

    `needed` columns must be there, `others` may be and are empty where they are not. `where` is the setting that names
    the table. Raises UsageError S401 naming setting and line, never a value.
    """
    reader = csv.DictReader(text.splitlines(), restval="", skipinitialspace=True, strict=True)
    try:
        _check_heading(reader.fieldnames or (), where, needed, others)
        for row in reader:
            place = f"{where}: line {reader.line_num}"
            if None in row:
                raise UsageError("S401", f"{place} has more values than columns")
            yield place, dict.fromkeys(others, "") | {name: value.strip() for name, value in row.items()}
    except csv.Error:
        raise UsageError("S401", f"{where}: line {reader.line_num} is not CSV") from None


def _check_heading(names: Sequence[str], where: str, needed: Sequence[str], others: Collection[str]) -> None:
    given = list(names)
    if not set(needed) <= set(given) <= {*needed, *others} or len(set(given)) < len(given):
        allowed = f", and may have {', '.join(others)}" if others else ""
        raise UsageError("S401", f"{where}: the first line must name {', '.join(needed)}{allowed}, each once")


def day(text: str, place: str, column: str) -> date:
    """A day as `YYYY-MM-DD`. Raises UsageError S401."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.isoformat() != text:  # other forms of ISO 8601 would be read too
        raise UsageError("S401", f"{place}: {column} must be a day, YYYY-MM-DD")
    return found


def yes(text: str, place: str, column: str) -> bool:
    """Whether it says `yes`; else it must say `no`. Raises UsageError S401."""
    if text not in ("yes", "no"):
        raise UsageError("S401", f"{place}: {column} must be yes or no")
    return text == "yes"
