"""`jiexu migrate status`: how far a migration is."""

from pathlib import Path

import click

from flows import terminal
from flows.commands.common import json_option
from flows.migration_status import status as found_status
from flows.reports import plain
from migration.run import Folder


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@json_option
def status(folder: Path, as_json: bool) -> int:
    """Say how far the migration in a folder is."""
    found = found_status(Folder(folder))

    def people() -> None:
        """Print for people."""
        seconds = {phase.name: f"{phase.milliseconds / 1000:.1f} s" for phase in found.phases}
        copied = f"{found.copied} of {found.rows} rows" if found.copied >= 0 else "the target can't be asked"
        lines = [
            ("run", f"{found.run} of {found.by} since {found.began}", ""),
            ("from", found.source, ""),
            ("to", found.target, ""),
            ("survey", "done" if found.surveyed else "to come", seconds.get("survey", "")),
            ("plan", f"done, {found.refused} points refused" if found.planned else "to come", ""),
            (
                "freeze",
                f"{found.frozen} of {found.rows} rows" + ("" if found.sealed else ", not whole yet"),
                seconds.get("freeze", ""),
            ),
            ("copy", copied, seconds.get("copy", "")),
            ("proof", found.verdict or "to come", seconds.get("verify", "")),
        ]
        terminal.table(("stage", "", "took"), lines)

    terminal.emit(as_json, plain(found), people)
    return 0
