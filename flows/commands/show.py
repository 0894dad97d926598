"""`jiexu show`: the record of a case or a file as the form people know (参保缴费凭证, 信息表)."""

from pathlib import Path

import click

from flows import documents, settings, terminal
from flows.commands.common import Place, asked_by, json_option, pass_place
from flows.pdf import pdf
from flows.private import write_private
from flows.times import now
from formats import xml
from formats.forms import forms
from formats.forms.forms import View
from formats.reasons import LANGUAGES, Language


@click.command()
@click.argument("source", metavar="CASE|FILE")
@click.option("--html", "shape", flag_value="html", default=True, help="As HTML, which is what it does anyway.")
@click.option("--pdf", "shape", flag_value="pdf", help="As PDF.")
@click.option("--lang", type=click.Choice(LANGUAGES), help="Language of the form; else that of the office.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@asked_by()
@json_option
@pass_place
def show(place: Place, source: str, shape: str, lang: Language | None, output: Path, by: str, as_json: bool) -> int:
    """Write the kept original of a case, or a document in a FILE, as the form people know.

    For the office's own work; what is shown to others goes through `jiexu lookup`. The journal says who took it out.
    """
    if Path(source).is_file():
        document = documents.of_file(Path(source))
        language = lang or _language(place)
    else:
        with place.office() as office:
            document = documents.of_case(office, source)
            documents.note_taken_out(office, document.original, by, now())
            language = lang or office.settings.language
    xml.validate(document.data)
    page = forms.html(document.data, language, View(facts=(("fact.digest", document.digest),)))
    data = pdf(page) if shape == "pdf" else page
    write_private(output, data)
    told = {"file": str(output), "bytes": len(data), "digest": document.digest, "language": language}
    terminal.emit(as_json, told, lambda: click.echo(f"{output}: {len(data)} bytes"))
    return 0


def _language(place: Place) -> Language:
    """The office's language; a file can be shown without an office."""
    return settings.load(place.home).language if (place.home / settings.FILE).exists() else "en"
