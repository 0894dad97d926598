"""What every command shares: the home, `--json`, and exit statuses."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from flows import roster, settings
from flows.reports import Failed
from flows.times import now
from flows.wiring import SERVICE, Office

F = TypeVar("F", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
engine_option = click.option(
    "--engine", type=click.Choice(settings.ENGINES), help="How to run it; without it, the setting decides."
)
workers_option = click.option(
    "--workers", type=click.IntRange(0), default=0, help="Processes side by side; 0: as the setting says."
)


@dataclass(frozen=True, slots=True)
class Place:
    """Which home the command line chose."""

    home: Path

    def office(self) -> Office:
        """The office there. Raises UsageError S401, S402."""
        return Office.at(self.home)


pass_place = click.make_pass_decorator(Place)


def acting(role: str = "", *, named: bool = False) -> Callable[[click.Context, click.Parameter, str], str]:
    """The callback of an option that says who acts: somebody on the office's roster with this role, or with any.

    Where there is no roster it may be anybody; the service may act where nobody is named, unless somebody must be
    `named`. What it gives raises UsageError S470, S471; S401, S417, S475 (the roster itself).
    """

    def on_roster(context: click.Context, parameter: click.Parameter, value: str) -> str:
        given = context.get_parameter_source(parameter.name or "") is not ParameterSource.DEFAULT
        place = context.find_object(Place)
        if place is not None and (named or given or value not in ("", SERVICE)):
            roster.allow(place.home, value, now(), role)
        return value

    return on_roster


def acting_all(context: click.Context, parameter: click.Parameter, values: Sequence[str]) -> Sequence[str]:
    """The callback of an option that names several people who act together; as `acting`."""
    check = acting()
    return tuple(check(context, parameter, value) for value in values)


def by_or(default: str, told: str = "Who does it: a staff id, not a name.") -> Callable[[F], F]:
    """`--by` of a command that needs no person: who does it otherwise."""
    return click.option("--by", default=default, metavar="STAFF", help=told, callback=acting())


def asked_by(told: str = "Who asked for it: a staff id.") -> Callable[[F], F]:
    """`--by` of a command that hands out what is about people: the service only where the office has no roster."""
    callback = acting(named=True)
    return click.option("--by", default=SERVICE, show_default=True, metavar="STAFF", help=told, callback=callback)


by_option = click.option(
    "--by", required=True, metavar="STAFF", help="Who does it: a staff id, not a name.", callback=acting()
)


def status_of(failures: Iterable[Failed], *, otherwise: int = 0) -> int:
    """The exit status that stands for the gravest failure: 4 integrity, 3 unreachable, 2 configuration, 1 the rest."""
    return max((item.status for item in failures), default=otherwise)


why_option = click.option("--why", required=True, help="The reason; nothing of the person.")

user_option = click.option(
    "--user",
    "who",
    required=True,
    metavar="STAFF",
    help="The lookup user: a staff id, not a name.",
    callback=acting("lookup"),
)


def time_of(context: click.Context, parameter: click.Parameter, value: str) -> datetime | None:  # noqa: ARG001 - click's
    """A time with a zone, as it is given on the command line."""
    if not value:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise click.BadParameter("a time with a zone is needed, like 2026-12-01T00:00:00Z")
    return found
