"""The `jiexu` command. Imports no Prefect: `--help` and a single pass answer at once."""

import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import click

from flows import settings, terminal
from flows.commands import (
    benchmarks,
    case,
    conformance,
    demo,
    egress,
    extract,
    journal,
    keeping,
    lookup,
    migrate,
    office,
    package,
    partner,
    passes,
    profile,
    quarantine,
    record,
    show,
    staff,
)
from flows.commands.common import Place
from flows.faults import coded
from formats.errors import ServiceError, UsageError
from formats.reasons import Language

EPILOG = """Exit status: 0 done; 1 some cases failed, each is named; 2 wrong usage or configuration; 3 a partner or a
service could not be reached, try again later; 4 an integrity check failed."""


@click.group(epilog=EPILOG)
@click.option("-C", "home", metavar="HOME", help="The office's folder; else JIEXU_HOME, else the current folder.")
@click.version_option(package_name="jiexu")
@click.pass_context
def jiexu(context: click.Context, home: str | None) -> None:
    """Hand over, keep and migrate social insurance rights records (社会保险个人权益记录)."""
    context.obj = Place(settings.home_of(home))


for command in (
    demo.demo,
    office.init,
    partner.partner,
    staff.staff,
    office.upgrade,
    case.case,
    passes.send,
    passes.receive,
    passes.acknowledge,
    passes.upkeep,
    passes.serve,
    quarantine.quarantine,
    package.check,
    conformance.conformance,
    package.package,
    show.show,
    lookup.lookup,
    egress.egress,
    extract.extract,
    record.record,
    profile.profile,
    keeping.archive,
    journal.journal,
    migrate.migrate,
    benchmarks.bench,
):
    jiexu.add_command(command)


def run(arguments: Sequence[str]) -> int:
    """Run one command line and give its exit status; errors are printed, never raised."""
    try:
        status = jiexu.main(list(arguments), prog_name="jiexu", standalone_mode=False)
    except click.exceptions.Abort:
        return _failed(ServiceError("S422"), arguments)
    except click.ClickException as error:
        if isinstance(error, click.exceptions.NoArgsIsHelpError):
            error.show()
            return error.exit_code
        return _failed(UsageError("S421", error.format_message()), arguments)
    except Exception as error:  # noqa: BLE001 - the last door: nobody sees a traceback with data in it
        return _failed(coded(error), arguments)
    return status if isinstance(status, int) else 0


def _failed(error: ServiceError, arguments: Sequence[str]) -> int:
    terminal.emit_error("--json" in arguments, error, _language(arguments))
    return error.exit_status


def _language(arguments: Sequence[str]) -> Language:
    """The language of the home that was asked for, where there is one."""
    option = dict(pairwise(arguments)).get("-C")
    try:
        return settings.load(Path(settings.home_of(option))).language
    except ServiceError:
        return "en"


def main() -> None:
    """The console script."""
    sys.exit(run(sys.argv[1:]))
