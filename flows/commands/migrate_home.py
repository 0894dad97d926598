"""`jiexu migrate home`: the archive's files to another storage."""

from pathlib import Path

import click

from flows import home_relocating, terminal
from flows.commands.common import Place, by_option, json_option, pass_place, workers_option
from flows.reports import plain
from flows.times import now


@click.command()
@click.option(
    "--to", required=True, type=click.Path(path_type=Path), help="A folder on the new storage; archive/ comes into it."
)
@click.option("--switch", is_flag=True, help="Use it from now on: change [storage] archive in office.toml.")
@workers_option
@by_option
@json_option
@pass_place
def home(place: Place, to: Path, switch: bool, workers: int, by: str, as_json: bool) -> int:
    """Copy the archive's folder to another storage, compare the copy whole, keep the old one.

    Originals may be kept meanwhile. Stopped anywhere, the same command goes on.
    """
    with place.office() as office, terminal.progress(not as_json) as bar:
        found = home_relocating.relocate(
            office,
            to,
            by,
            now(),
            workers=workers or office.settings.work.workers,
            switch=switch,
            steps=bar("files copied and read back", None, ("copied",)),
        )

    def people() -> None:
        """Print for people."""
        click.echo(f"{found.new}: {found.files} files, {found.bytes} bytes, equal to {found.old}; root {found.root}")
        click.echo(f"signed statement: {found.statement}")
        for line in found.next:
            click.echo(line)

    terminal.emit(as_json, plain(found), people)
    return 0
