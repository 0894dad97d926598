"""What `jiexu migrate` prints for people."""

from pathlib import Path
from typing import Final

import click

from flows import terminal
from flows.relocation import PAGE, PROOF, RelocationReport
from flows.reports import plain
from formats.reasons import reason
from migration import plan_text, surveying
from migration import proof as proofs
from migration.catalog import Catalog
from migration.plan import Plan
from migration.proof import Changes, Drift, Proof

CHANGED: Final = "D665"  # the reason of a source that went on


def survey_lines(catalog: Catalog, folder: Path) -> None:
    """Print what a source holds and what is odd about it."""
    for line in surveying.report(catalog):
        click.echo(terminal.harmless(line))
    if catalog.oddities:
        click.echo(f"the rows are named in {folder / 'oddities.csv'}")


def plan_lines(plan: Plan) -> None:
    """Print a plan as a DBA reads it off-line."""
    for line in plan_text.render(plan).splitlines():
        click.echo(terminal.harmless(line))


def proved(report: RelocationReport, *, as_json: bool) -> int:
    """Say what a proved migration came to, and the status to end with.

    4 unless the target equals the freeze; 1 when it does, but the source has changed since and not all of it is there.
    """
    proof = proofs.decode((Path(report.folder) / PROOF).read_bytes())
    code = CHANGED if proof.drift is Drift.CHANGED else ""
    spelled = sum(table.spelled for table in proof.tables)
    document = {
        **report.document(),
        "spelled": spelled,
        "source": {"drift": proof.drift.value, "code": code, **plain(proof.changes)},
    }
    terminal.emit(as_json, document, lambda: _report_lines(report, proof, spelled))
    if report.verdict != "equal":
        return 4
    return 1 if code else 0


def _report_lines(report: RelocationReport, proof: Proof, spelled: int) -> None:
    click.echo(f"{report.verdict}: {report.tables} tables, {report.rows} rows, {report.differences} differences")
    if proof.drift is Drift.CHANGED:
        _changed_lines(proof.changes, Path(report.folder))
    if spelled:
        click.echo(f"doubles that the target writes with other digits: {spelled} cells, the same values")
    if report.altered:
        click.echo(f"altered by declared rules: {report.altered} cells, each in alterations.csv")
    if report.kept:
        click.echo(f"the source is kept: {report.kept} originals in the archive")
    click.echo(f"{Path(report.folder) / PAGE}")


def _changed_lines(found: Changes, folder: Path) -> None:
    """Print that the source has gone on, in counts and names, and what to do."""
    why = reason(CHANGED)
    click.echo(f"{CHANGED} {why.what['en']}: {found.gone} rows gone, {found.new} new, {found.other} otherwise")
    for name in found.tables:
        click.echo(terminal.harmless(f"  table {name}: gone, new, or with other columns or keys"))
    for name in found.numbered:
        click.echo(terminal.harmless(f"  sequence {name}: has gone on"))
    if found.gone or found.new or found.other:
        click.echo(f"  the rows are named in {folder / 'drift.csv'}")
    click.echo(f"  {why.todo['en']}")
