"""Reading a description strictly: every option has its type, and one that is not known is refused."""

from collections.abc import Mapping
from typing import Any, TypeVar

from formats.errors import UsageError

T = TypeVar("T")


class Options:
    """The options of one table of a TOML file; `place` says which, for errors. Each is taken once."""

    def __init__(self, place: str, values: object) -> None:
        """Raise UsageError D629 for what is not a table."""
        if not isinstance(values, Mapping):
            raise UsageError("D629", f"{place} is not a table")
        self.place = place
        self._values: dict[str, Any] = dict(values)
        self.named = frozenset(self._values)

    def take(self, name: str, form: type[T], default: T) -> T:
        """An option, or its default. Raises UsageError D629 if it has another type."""
        value = self._values.pop(name, default)
        if not isinstance(value, form) or (form is int and isinstance(value, bool)):
            raise self.wrong(f"{name} is not a {form.__name__}")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """A truth value, or its default. Raises UsageError D629."""
        return self.take(name, bool, default)

    def needed(self, name: str) -> str:
        """A text that must be there and not be empty. Raises UsageError D629."""
        value = self.take(name, str, "")
        if not value:
            raise self.wrong(f"{name} is missing")
        return value

    def choice(self, name: str, choices: tuple[str, ...], default: str) -> str:
        """One of some words. Raises UsageError D629."""
        value = self.take(name, str, default)
        if value not in choices:
            raise self.wrong(f"{name} is one of {', '.join(choices)}")
        return value

    def size(self, name: str, default: int | None = None, least: int = 1) -> int | None:
        """A number of at least `least`; None where there is none. Raises UsageError D629."""
        value = self.take(name, int, default if default is not None else least)
        if value < least:
            raise self.wrong(f"{name} is less than {least}")
        return value if name in self.named else default

    def texts(self, name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """A list of texts. Raises UsageError D629."""
        value = self.take(name, list, list(default))
        if not all(isinstance(text, str) for text in value):
            raise self.wrong(f"{name} is not a list of texts")
        return tuple(value)

    def end(self) -> None:
        """Raise UsageError D629 for options that nobody took."""
        if self._values:
            raise self.wrong(f"unknown {', '.join(sorted(self._values))}")

    def wrong(self, what: str) -> UsageError:
        """The error that says so at this place."""
        return UsageError("D629", f"{self.place}: {what}")
