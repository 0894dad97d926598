"""`jiexu profile`: the mapping profiles, and whether the office's records database is what its profile says."""

from typing import Any

import click

from archive.records_check import Deviation
from flows import terminal
from flows.commands.common import Place, json_option, pass_place
from formats import profile as profiles

_PROBLEM = 2  # exit status: the configuration does not fit


@click.group()
def profile() -> None:
    """Where the office's business database keeps each value of the record (`[storage] profile`)."""


@profile.command("list")
@json_option
def listing(as_json: bool) -> int:
    """List the profiles that are shipped, and how much of a record each cannot hold. Needs no office."""
    told = [{"profile": name, "lacks": list(profiles.shipped(name).lacks)} for name in profiles.SHIPPED]
    rows = [(name, len(profiles.shipped(name).lacks)) for name in profiles.SHIPPED]
    terminal.emit(as_json, {"profiles": told}, lambda: terminal.table(("profile", "lacks"), rows))
    return 0


@profile.command()
@click.argument("name", metavar="NAME")
@json_option
def show(name: str, as_json: bool) -> int:
    """Print the shipped profile NAME: its text, and on stderr what of a record it cannot hold. Needs no office."""
    text = profiles.shipped_text(name)
    lacks = list(profiles.shipped(name).lacks)

    def people() -> None:
        """Print for people."""
        click.echo(text, nl=False)
        for field in lacks:
            click.echo(f"cannot hold {field}", err=True)

    terminal.emit(as_json, {"profile": name, "lacks": lacks, "text": text}, people)
    return 0


@profile.command()
@json_option
@pass_place
def check(place: Place, as_json: bool) -> int:
    """Hold the office's profile against its records database: tables, columns and codes, in counts."""
    with place.office() as office:
        name = office.settings.profile or "canonical"
        found = office.records.deviations()
    wrong = [item for item in found if item.code]
    document: dict[str, Any] = {"profile": name, "fits": not wrong, "deviations": [*map(_told, found)]}

    def people() -> None:
        """Print for people."""
        click.echo(f"{name}: {'does not fit' if wrong else 'fits'}")
        terminal.table(tuple(_told(found[0])) if found else (), [tuple(_told(item).values()) for item in found])

    terminal.emit(as_json, document, people)
    return _PROBLEM if wrong else 0


@profile.command()
@json_option
@pass_place
def prepare(place: Place, as_json: bool) -> int:
    """Make the tables of what was taken in (`jiexu_intake`, `jiexu_shared`) beside the office's own, once.

    Nothing of the office's is read or changed. Without them no delivery is taken in (S415).
    """
    with place.office() as office:
        made = list(office.records.prepare())
    terminal.emit(as_json, {"made": made}, lambda: click.echo("\n".join(made) or "they are there already"))
    return 0


def _told(item: Deviation) -> dict[str, str | int]:
    return {
        "code": item.code,
        "table": item.table,
        "column": item.column,
        "what": item.what,
        "rows": item.rows,
        "values": item.values,
    }
