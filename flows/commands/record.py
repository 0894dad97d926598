"""`jiexu record`: a record as another interface has it, handed out within the law, or looked at before it comes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from flows import exporting, importing, settings, terminal
from flows.commands.asking import Asked, asking
from flows.commands.common import Place, json_option, pass_place
from flows.importing import Looked
from flows.private import write_private
from flows.reports import plain
from flows.times import now
from formats.encoding import encode_record
from formats.errors import UsageError
from formats.forms import forms
from formats.forms.forms import View
from formats.reasons import LANGUAGES, Language
from formats.workdays import beijing_day


@click.group()
def record() -> None:
    """A record in the form of another interface: GB/T 40217-2021 out and in, agencies' text files in."""


@record.command("export")
@click.argument("case", metavar="[CASE]", required=False, default="")
@click.option("--person", "subject", default="", help="Instead of CASE: a person number; a case must be about it.")
@click.option("--as", "form", type=click.Choice([exporting.FORMAT]), required=True, help="The interface.")
@asking("--for", "Who gets it.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@json_option
@pass_place
def export_(
    place: Place,
    case: str,
    subject: str,
    form: str,
    asked: Asked,
    output: Path,
    as_json: bool,
) -> int:
    """Write the record of CASE's person to a file, as a lookup: held against the law, registered, in the journal.

    One person a call, and only of a case of this office (arts. 14 to 22).
    """
    if bool(case) == bool(subject):
        raise click.UsageError("give a CASE, or --person")
    with place.office() as office:
        request = asked.of(subject or exporting.subject_of(office, case))
        made = exporting.export(office, request, case, now())
    write_private(output, made.data)
    terminal.emit(as_json, {"file": str(output), "as": form, **_exported(made)}, lambda: _tell(output, made))
    return 0


def _exported(made: exporting.Export) -> dict[str, Any]:
    return {
        "case": made.case,
        "lookup": made.shown.number,
        "scope": made.shown.scope.text(),
        "digest": made.digest,
        "documents": dict(made.documents),
        "not_carried": dict(made.uncarried),
    }


def _tell(output: Path, made: exporting.Export) -> None:
    click.echo(f"{output}: {', '.join(made.documents)}; lookup {made.shown.number}, case {made.case}")
    for name, count in made.uncarried.items():
        click.echo(f"not carried: {name} ({count})", err=True)


@record.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--as", "form", type=click.Choice([exporting.FORMAT, "text"]), required=True, help="The interface.")
@click.option("--description", type=click.Path(path_type=Path), help="For text files: how they are written (TOML).")
@click.option("--lang", type=click.Choice(LANGUAGES), help="Language of the form; else that of the office.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the one record as a form in HTML.")
@json_option
@pass_place
def import_(
    place: Place,
    files: Sequence[Path],
    form: str,
    description: Path | None,
    lang: Language | None,
    output: Path | None,
    as_json: bool,
) -> int:
    """Check files of an interface and show what they would be. Nothing is taken in; needs no office.

    Into the records database a record comes only as the delivery of a case.
    """
    if (form == "text") != bool(description):
        raise click.UsageError("--description belongs to --as text")
    on = beijing_day(now())
    looked = importing.text(files, description, on) if description else importing.gbt40217(files, on)
    language = lang or (settings.load(place.home).language if (place.home / settings.FILE).exists() else "en")
    if output is not None:
        if len(looked.imported.records) != 1:
            raise UsageError("S421", f"a form is of one record, here are {len(looked.imported.records)}")
        write_private(output, forms.html(encode_record(looked.imported.records[0]), language, View()))
    document = _document(looked)
    terminal.emit(as_json, document, lambda: _print(looked, document, language))
    return 0 if looked.good else 4


def _document(looked: Looked) -> dict[str, Any]:
    found = looked.imported
    return {
        "good": looked.good,
        "records": len(found.records),
        "kept_out": found.kept_out,
        "rows": dict(found.rows),
        "not_read": dict(found.unread),
        "private_use": dict(found.private_use),
        "codes": dict(found.counts),
        "findings": plain(found.findings),
        "missing": list(looked.missing),
        "checks": [
            {"record": number, "findings": plain(one.findings)}
            for number, one in enumerate(looked.checks, 1)
            if one.findings
        ],
    }


def _print(looked: Looked, document: dict[str, Any], language: Language) -> None:
    """Print for people: counts, then what was found, by place."""
    click.echo(f"{document['records']} records, {document['kept_out']} people kept out; nothing was taken in")
    for name in looked.missing:
        click.echo(f"    missing for a delivery: {name}")
    for word in ("rows", "not_read", "private_use"):
        for name, count in document[word].items():
            click.echo(f"    {word.replace('_', ' ')}: {terminal.harmless(name)} {count}")
    for finding in looked.imported.findings:
        click.echo(terminal.finding_line(finding, language))
    for number, checked in enumerate(looked.checks, 1):
        for finding in checked.findings:
            click.echo(f"record {number}: {terminal.finding_line(finding, language)}")
