"""What every command shares: the home, `--json`, and exit statuses."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from flows import settings
from flows.reports import Failed
from flows.wiring import Office

F = TypeVar("F", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
by_option = click.option("--by", required=True, metavar="STAFF", help="Who does it: a staff id, not a name.")
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


def status_of(failures: Iterable[Failed], *, otherwise: int = 0) -> int:
    """The exit status that stands for the gravest failure: 4 integrity, 3 unreachable, 2 configuration, 1 the rest."""
    return max((item.status for item in failures), default=otherwise)


why_option = click.option("--why", required=True, help="The reason; nothing of the person.")
