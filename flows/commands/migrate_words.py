"""What `jiexu migrate` prints for people."""

from pathlib import Path

import click

from flows import terminal
from flows.relocation import PAGE, RelocationReport
from migration import plan_text, surveying
from migration.catalog import Catalog
from migration.plan import Plan


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


def report_lines(report: RelocationReport) -> None:
    """Print what a migration came to."""
    click.echo(f"{report.verdict}: {report.tables} tables, {report.rows} rows, {report.differences} differences")
    if report.altered:
        click.echo(f"altered by declared rules: {report.altered} cells, each in alterations.csv")
    if report.kept:
        click.echo(f"the source is kept: {report.kept} originals in the archive")
    click.echo(f"{Path(report.folder) / PAGE}")
