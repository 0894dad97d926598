"""`jiexu extract`: records without persons, for planning and development (art. 17)."""

from collections.abc import Sequence
from pathlib import Path

import click

from flows import extracting, terminal
from flows.commands.common import Place, acting_all, json_option, pass_place
from flows.extracting import Asked, Purpose
from flows.reports import plain
from flows.times import now
from formats.errors import UsageError


@click.command()
@click.option("--persons", type=click.IntRange(1), required=True, help="Of how many people; chosen by the extract key.")
@click.option("--k", type=click.IntRange(2), default=5, show_default=True, help="How many people must be alike.")
@click.option("--for", "purpose", type=click.Choice(extracting.PURPOSES), required=True, help="What for.")
@click.option("--by", multiple=True, required=True, metavar="STAFF", help="Twice: two people.", callback=acting_all)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="A new folder.")
@json_option
@pass_place
def extract(
    place: Place, persons: int, k: int, purpose: Purpose, by: Sequence[str], output: Path, as_json: bool
) -> int:
    """Write CSV files of records without names, numbers, employers and exact dates, people only in groups.

    Years and places become coarser until at most a fifth of the people are alike with fewer than k; these are left out.
    """
    if len(by) != 2:
        raise UsageError("S491", "two different people ask for an extract together: --by twice")
    with place.office() as office:
        made = extracting.extract(office, Asked(persons, k, purpose, (by[0], by[1])), output.absolute(), now())
    told = {"folder": str(output), **plain(made)}
    line = f"{output}: {made.given} people, {made.left_out} left out, k = {made.k}"
    terminal.emit(as_json, told, lambda: click.echo(line))
    return 0
