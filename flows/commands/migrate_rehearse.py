"""`jiexu migrate rehearse`: a new environment tried with a sample that says nothing of a person."""

from pathlib import Path

import click

from flows import rehearsing, terminal
from flows.commands.common import Place, by_option, json_option, pass_place, workers_option
from flows.commands.migrate_options import mapping_option, source_option
from flows.commands.migrate_words import proved
from flows.private import write_private
from formats.errors import UsageError
from migration.rehearsal.sampling import LARGEST


@click.command()
@source_option
@click.option("--target", metavar="URL", help="Where the sample shall be.")
@click.option("--proof", "folder", type=click.Path(path_type=Path, file_okay=False), help="The rehearsal's folder.")
@click.option(
    "--rules", type=click.Path(path_type=Path, dir_okay=False), required=True, help="How columns are changed."
)
@click.option("--draft", is_flag=True, help="Write a rules file to begin with, and stop.")
@click.option("--rows", type=click.IntRange(1, LARGEST), default=1000, show_default=True, help="Rows of a table.")
@mapping_option
@workers_option
@by_option
@json_option
@pass_place
def rehearse(
    place: Place,
    source: str,
    target: str | None,
    folder: Path | None,
    rules: Path,
    draft: bool,
    rows: int,
    mapping: Path | None,
    workers: int,
    by: str,
    as_json: bool,
) -> int:
    """Migrate a de-identified sample, so that a new environment is tried without people's data (art. 17)."""
    if draft:
        write_private(rules, rehearsing.draft(source).encode(), replace=False)
        terminal.emit(as_json, {"rules": str(rules)}, lambda: click.echo(f"look at every line of {rules}"))
        return 0
    if not (target and folder):
        raise UsageError("S421", "a rehearsal needs --target and --proof")
    try:
        text = rules.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise UsageError("D695", f"{rules.name} is not there, or not UTF-8") from None
    with place.office() as office, terminal.progress(not as_json) as bar:
        report = rehearsing.rehearse(
            office,
            source,
            target,
            folder,
            text,
            by=by,
            rows=rows,
            mapping=mapping,
            workers=workers or office.settings.work.workers,
            steps=bar("rows", None, ("frozen", "copied", "compared")),
        )
    return proved(report, as_json=as_json)
