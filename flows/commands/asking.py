"""The options by which a lookup is asked for, the same for every command that shows or hands out a record."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

import click

from archive.scopes import PURPOSES, REQUESTERS, Request, Requester
from flows.commands.common import user_option
from formats.codes import insurance_kinds
from formats.errors import UsageError
from formats.groups import GROUPS

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Asked:
    """What the options say: for whom, why, on what ground, and how much of the record."""

    requester: Requester
    requester_id: str
    purpose: str
    basis: str
    application: str
    employer: str
    items: Sequence[str]
    kinds: Sequence[str]
    first: str
    last: str
    who: str

    def of(self, subject: str) -> Request:
        """The request for a person's record."""
        return Request(
            subject=subject,
            requester=self.requester,
            requester_id=self.requester_id,
            purpose=self.purpose,
            basis=self.basis,
            who=self.who,
            items=tuple(self.items),
            kinds=tuple(self.kinds),
            first=self.first,
            last=self.last,
            employer=self.employer,
            application=self.application,
        )


def asking(requester: str, told: str) -> Callable[[F], F]:
    """These options for a command, which gets them as `asked`; `requester` is the one that says for whom.

    Raises UsageError S421 for items, kinds and months that are none, and as the lookup user's option.
    """
    options = (
        click.option(requester, "requester", type=click.Choice(REQUESTERS), required=True, help=told),
        click.option(
            "--requester", "requester_id", required=True, help="The office's number for that one; not a name."
        ),
        click.option("--purpose", type=click.Choice(tuple(PURPOSES)), required=True, help="What for."),
        click.option("--basis", required=True, help="What was shown, or the legal basis; nothing of the person."),
        click.option("--application", default="", help="Number of the written application of a unit (art. 19)."),
        click.option("--employer", default="", help="Unified social credit code of the employer that asks (art. 15)."),
        click.option(
            "--items", default="", help=f"Items of the record: {', '.join(GROUPS)}; else all that are allowed."
        ),
        click.option("--kinds", default="", help="Insurance kinds (AAE140); without it, all."),
        click.option("--from", "first", default="", help="First month, YYYY-MM."),
        click.option("--to", "last", default="", help="Last month, YYYY-MM."),
        user_option,
    )

    def decorate(command: F) -> F:
        @wraps(command)
        def gathered(*args: Any, items: str, kinds: str, first: str, last: str, **rest: Any) -> Any:
            asked = Asked(
                items=_chosen(items, GROUPS, "--items"),
                kinds=_chosen(kinds, tuple(insurance_kinds()), "--kinds"),
                first=_month(first),
                last=_month(last),
                **{name: rest.pop(name) for name in _PLAIN},
            )
            return command(*args, asked=asked, **rest)

        for option in reversed(options):
            gathered = option(gathered)
        return gathered  # type: ignore[return-value]  # click's decorators keep the function

    return decorate


_PLAIN = ("requester", "requester_id", "purpose", "basis", "application", "employer", "who")


def _chosen(words: str, known: tuple[str, ...], option: str) -> tuple[str, ...]:
    """The words of a list with commas."""
    chosen = tuple(dict.fromkeys(word for word in words.split(",") if word))
    if not set(chosen) <= set(known):
        raise UsageError("S421", f"{option} must be some of {', '.join(known)}")
    return chosen


def _month(text: str) -> str:
    """A month `YYYY-MM`, or nothing."""
    if text and not re.fullmatch(r"[12][0-9]{3}-(0[1-9]|1[0-2])", text):
        raise UsageError("S421", "a month is written YYYY-MM")
    return text
