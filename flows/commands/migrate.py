"""`jiexu migrate`: a database from one storage environment to another, its source kept, with proof."""

from pathlib import Path

import click

from flows import engine as engines
from flows import rechecking, relocation, terminal
from flows.commands.common import Place, by_option, engine_option, json_option, pass_place, workers_option
from flows.commands.migrate_home import home
from flows.commands.migrate_kept import kept, take_out
from flows.commands.migrate_options import mapping_option, proof_option, source_option, target_option
from flows.commands.migrate_rehearse import rehearse
from flows.commands.migrate_status import status
from flows.commands.migrate_words import plan_lines, proved, survey_lines
from flows.relocation import RelocationReport
from flows.reports import plain
from flows.times import now
from migration import room, stages
from migration.run import Folder
from migration.siard import About, write
from migration.verifying.structure import CODE as LACK


@click.group()
def migrate() -> None:
    """Move data between storage environments: survey, plan, freeze, copy, prove; the source is kept (art. 9)."""


@migrate.command()
@source_option
@proof_option
@by_option
@json_option
def survey(source: str, folder: Path, by: str, as_json: bool) -> int:
    """Read what a database holds, and what of it will not go without saying."""
    with terminal.progress(not as_json) as bar:
        catalog = relocation.survey(
            relocation.begin(folder, source, "", by), anew=True, steps=bar("tables surveyed", None, ("surveyed",))
        )
    terminal.emit(as_json, plain(catalog), lambda: survey_lines(catalog, folder))
    return 0


@migrate.command()
@source_option
@target_option
@mapping_option
@proof_option
@by_option
@json_option
def plan(source: str, target: str, mapping: Path | None, folder: Path, by: str, as_json: bool) -> int:
    """Write the plan: what goes where, in which steps, and what of it is lost. Nothing is written to the target."""
    place = relocation.begin(folder, source, target, by)
    with terminal.progress(not as_json) as bar:
        relocation.survey(place, steps=bar("tables surveyed", None, ("surveyed",)))
    made = relocation.plan(place, mapping)
    terminal.emit(as_json, plain(made), lambda: plan_lines(made))
    return 1 if any(made.refused()) else 0


@migrate.command()
@source_option
@proof_option
@mapping_option
@click.option("--siard", type=click.Path(path_type=Path), help="Also write a SIARD 2.2 file for archives.")
@click.option("--timespan", default="not said", help="For the SIARD file: when the data were entered, in words.")
@click.option("--keep/--no-keep", default=True, help="Keep the freeze among the office's originals.")
@workers_option
@by_option
@json_option
@pass_place
def freeze(
    place: Place,
    source: str,
    folder: Path,
    mapping: Path | None,
    siard: Path | None,
    timespan: str,
    keep: bool,
    workers: int,
    by: str,
    as_json: bool,
) -> int:
    """Read the source in one state and write it once, as text that anything can read in fifty years."""
    run = relocation.begin(folder, source, "", by)
    if mapping:
        stages.take_mapping(run, mapping)
    with place.office() as office, terminal.progress(not as_json) as bar:
        relocation.survey(run, steps=bar("tables surveyed", None, ("surveyed",)))
        rows = relocation.rows(run)
        frozen = relocation.freeze(
            office, run, workers=workers or office.settings.work.workers, steps=bar("rows frozen", rows, ("frozen",))
        )
        originals = relocation.keep_freeze(office, run) if keep else 0
        if siard:
            room.need(siard, room.for_siard(frozen))
            about = About(frozen.catalog.name, office.settings.name, timespan, archiver=by)
            write(frozen, siard, about=about, at=now())
    document = {
        "run": run.asked().run,
        "freeze": frozen.digest,
        "root": frozen.root,
        "tables": len(frozen.tables),
        "rows": sum(part.rows for part in frozen.sealed.tables),
        "bytes": frozen.sealed.packed,
        "kept": originals,
    }
    terminal.emit(as_json, document, lambda: terminal.table(("what", ""), document.items()))
    return 0


@migrate.command()
@proof_option
@workers_option
@json_option
@pass_place
def copy(place: Place, folder: Path, workers: int, as_json: bool) -> int:
    """Load the target from the freeze; what a killed run has left is gone on with."""
    run = Folder(folder)
    run.asked()
    with place.office() as office, terminal.progress(not as_json) as bar:
        total = relocation.rows(run)
        count = workers or office.settings.work.workers
        found = relocation.copy(office, run, workers=count, steps=bar("rows copied", total, ("copied",)))
    document = {
        "tables": [plain(table) for table in found.tables],
        "rows": found.rows,
        "altered": found.alterations.listed.lines,
    }
    headings = ("table", "rows", "chunks", "altered")
    lines = [(one.table, one.rows, one.chunks, one.altered) for one in found.tables]
    terminal.emit(as_json, document, lambda: terminal.table(headings, lines))
    return 0


@migrate.command()
@proof_option
@workers_option
@json_option
@pass_place
def prove(place: Place, folder: Path, workers: int, as_json: bool) -> int:
    """Compare the target whole with the freeze, and sign what was found; 1 when the source has changed since."""
    run = Folder(folder)
    run.asked()
    with place.office() as office, terminal.progress(not as_json) as bar:
        total = relocation.rows(run)
        count = workers or office.settings.work.workers
        proof = relocation.prove(office, run, workers=count, steps=bar("rows compared", total, ("compared",)))
    report = relocation.report(run, proof, 0)
    return proved(report, as_json=as_json)


@migrate.command()
@source_option
@target_option
@mapping_option
@proof_option
@click.option("--keep/--no-keep", default=True, help="Keep the freeze among the office's originals.")
@engine_option
@workers_option
@by_option
@json_option
@pass_place
def run(
    place: Place,
    source: str,
    target: str,
    mapping: Path | None,
    folder: Path,
    keep: bool,
    engine: str | None,
    workers: int,
    by: str,
    as_json: bool,
) -> int:
    """All of it, from the survey to the signed proof; run again, it goes on where it was. 1: the source has changed."""
    begun = relocation.begin(folder, source, target, by)
    with place.office() as office, terminal.progress(not as_json) as bar:
        if mapping:
            stages.take_mapping(begun, mapping)
        names = ("surveyed", "frozen", "copied", "compared")
        document = engines.run_migration(
            office,
            office.settings.engine(engine or ""),
            begun,
            bar("tables surveyed, rows frozen, copied, compared", None, names),
            workers=workers or office.settings.work.workers,
            keep=keep,
        )
    report = RelocationReport(**document)
    return proved(report, as_json=as_json)


@migrate.command()
@click.argument("proof", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--target", default="", metavar="URL", help="Where the target is now, if it has moved.")
@click.option("--freeze", type=click.Path(path_type=Path, exists=True), help="The freeze, taken out of the archive.")
@workers_option
@json_option
@pass_place
def verify(place: Place, proof: Path, target: str, freeze: Path | None, workers: int, as_json: bool) -> int:
    """Hold a proof against freeze and target again; every difference is named."""
    with place.office() as office, terminal.progress(not as_json) as bar:
        steps = bar("rows compared", None, ("compared",))
        count = workers or office.settings.work.workers
        found = rechecking.recheck(office, proof, target=target, freeze=freeze, workers=count, steps=steps)
    document = {
        "verdict": "equal" if found.same else "differs",
        "code": "" if found.same else rechecking.DIFFERS,
        "signed": found.signed,
        "rows": found.rows,
        "root": found.proof.root,
        "target_root": found.target_root,
        "differences": [plain(one) for one in rechecking.differences(found)],
        "lacks": plain(found.lacks),
    }

    def people() -> None:
        """Print for people."""
        click.echo(f"{document['verdict']}: {found.rows} rows compared, {found.differences.lines} differences")
        for one in rechecking.differences(found):
            click.echo(f"{one.code} {one.table} key {one.key}" + (f" column {one.column}" if one.column else ""))
        for lack in found.lacks:
            click.echo(f"{LACK} {lack.place}: {lack.detail}")

    terminal.emit(as_json, document, people)
    return 0 if found.same else 4


for command in (rehearse, status, kept, take_out, home):
    migrate.add_command(command)
