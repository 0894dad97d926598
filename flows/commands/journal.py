"""`jiexu journal`: the maintenance log (art. 12), its signed heads, and what they prove to others."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import click

from archive import checkpoints, journal_proofs, proof_files, witnesses
from archive import journal as log
from archive.checkpoints import Checkpoint
from archive.proof_files import Checked
from flows import keyring, terminal
from flows.commands.common import Place, json_option, pass_place
from flows.reports import plain
from flows.times import now
from formats.errors import UsageError

_file = click.Path(path_type=Path, dir_okay=False)
output_option = click.option("-o", "--output", type=_file, required=True, help="The file to write.")
checkpoint_option = click.option(
    "--checkpoint", "notes", type=_file, multiple=True, help="A signed head that was kept elsewhere; may be repeated."
)


@click.group()
def journal() -> None:
    """The maintenance log: when, what, why, how, who (art. 12)."""


@journal.command()
@click.option("--last", type=click.IntRange(1), default=20, show_default=True, help="How many entries.")
@json_option
@pass_place
def show(place: Place, last: int, as_json: bool) -> int:
    """Print the last entries."""
    with place.office() as office:
        entries = log.entries(office.ledger, last=last)
    headings = ("n", "at", "kind", "what", "why", "how", "who")
    lines = [[_cell(plain(item)[name]) for name in headings] for item in entries]
    terminal.emit(as_json, {"entries": plain(entries)}, lambda: terminal.table(headings, lines))
    return 0


@journal.command("head")
@json_option
@pass_place
def head_(place: Place, as_json: bool) -> int:
    """Print the signed head of the journal, to be kept elsewhere."""
    with place.office() as office:
        note = log.checkpoint(office.ledger, office.journal_key, now())
        verifier = office.journal_key.verifier
    head = checkpoints.parse(note)
    told = {"count": head.size, "root": head.root, "note": note, "verifier": verifier}
    terminal.emit(as_json, told, lambda: click.echo(note, nl=False))
    return 0


@journal.command()
@checkpoint_option
@json_option
@pass_place
def verify(place: Place, notes: tuple[Path, ...], as_json: bool) -> int:
    """Check every entry and signed head; ends with 4 and names the first entry that does not hold."""
    with place.office() as office:
        verifier = keyring.journal_verifier(office.settings.home)
        head = log.verify(office.ledger, _opened(notes, verifier), verifier)
    terminal.emit(as_json, plain(head), lambda: click.echo(f"{head.count} entries hold; root {head.root}"))
    return 0


@journal.command()
@output_option
@json_option
@pass_place
def export(place: Place, output: Path, as_json: bool) -> int:
    """Write all entries and signed heads to a file that anybody can check."""
    with place.office() as office:
        note = log.checkpoint(office.ledger, office.journal_key, now())
        _write(output, journal_proofs.export(office.ledger, note, office.journal_key.verifier))
    head = checkpoints.parse(note)
    told = {"file": str(output), "count": head.size, "root": head.root}
    terminal.emit(as_json, told, lambda: click.echo(f"{output}: {head.size} entries, root {head.root}"))
    return 0


@journal.command()
@click.option("--entry", type=click.IntRange(1), help="Prove that the entry with this number is in the journal.")
@click.option("--from", "since", metavar="DATE", help="Prove that nothing was changed since the head of this day.")
@click.option("--to", "until", metavar="DATE", help="With --from: up to the head of this day; else up to now.")
@output_option
@json_option
@pass_place
def prove(place: Place, entry: int | None, since: str | None, until: str | None, output: Path, as_json: bool) -> int:
    """Write a proof to a file: of one entry, or that the journal only grew between two days."""
    if (entry is None) == (since is None) or (until and not since):
        raise UsageError("S421", "give --entry, or --from and perhaps --to")
    days = [_day(text) for text in (since, until) if text]
    with place.office() as office:
        key = office.journal_key
        notes = [journal_proofs.signed_by(office.ledger, day) for day in days]
        if not until:
            notes.append(log.checkpoint(office.ledger, key, now()))
        if entry is not None:
            lines = journal_proofs.inclusion(office.ledger, entry, *notes).file(key.verifier)
        else:
            old, new = notes
            lines = journal_proofs.consistency(office.ledger, old, new).file(key.verifier)
        _write(output, lines)
    _tell(_checked(output, key.verifier, ()), output, as_json)
    return 0


@journal.command()
@click.argument("file", type=_file)
@click.option("--key", metavar="VKEY", help="The office's public key for its journal: the line, or a file with it.")
@click.option("--trust", is_flag=True, help="Take the key that the file itself claims.")
@checkpoint_option
@json_option
def check(file: Path, key: str | None, trust: bool, notes: tuple[Path, ...], as_json: bool) -> int:
    """Check a proof or an export, with no home and no network; ends with 4 when it does not hold."""
    if (key is None) != trust:
        raise UsageError("S421", "give --key or --trust, one of them")
    if trust and notes:
        raise UsageError("S421", "--checkpoint needs --key")
    verifier = ""
    if key is not None:
        verifier = key if "+" in key and not Path(key).exists() else _text(Path(key)).strip()
        checkpoints.name_of(verifier)
    _tell(_checked(file, verifier, notes), file, as_json)
    return 0


@journal.command()
@click.option("--partner", default="", help="Only those of this partner.")
@json_option
@pass_place
def witnessed(place: Place, partner: str, as_json: bool) -> int:
    """List the signed heads of partners' journals that came with their receipts."""
    with place.office() as office:
        rows = witnesses.witnessed(office.ledger, partner)
    headings = ("partner", "size", "came", "root")
    lines = [(row.partner, row.size, row.at, row.root) for row in rows]
    terminal.emit(as_json, {"witnessed": plain(rows)}, lambda: terminal.table(headings, lines))
    return 0


def _cell(value: Any) -> str:
    """A value of a journal entry; what has fields as `name=value`."""
    return " ".join(f"{name}={part}" for name, part in value.items()) if isinstance(value, dict) else str(value)


def _tell(checked: Checked, file: Path, as_json: bool) -> None:
    """Say what a file proves."""
    head = checked.head
    what = {
        "inclusion": f"entry {checked.since} is in",
        "consistency": f"the journal of {checked.since} entries is the beginning of",
        "export": "these are all entries of",
    }[checked.form]
    told = {"file": str(file), **plain(checked)}

    def people() -> None:
        """Print for people."""
        click.echo(f"{file}: {what} the journal {head.origin} of {head.size} entries, root {head.root}")
        if checked.entry:
            click.echo(terminal.harmless(checked.entry))

    terminal.emit(as_json, told, people)


def _checked(file: Path, verifier: str, notes: tuple[Path, ...]) -> Checked:
    try:
        with file.open("rb") as lines:
            return proof_files.check(lines, verifier, _opened(notes, verifier))
    except OSError as error:
        raise UsageError("S417", f"{file}: {error.strerror}") from None


def _opened(files: Iterable[Path], verifier: str) -> list[Checkpoint]:
    return [checkpoints.open_note(_text(file), verifier) for file in files]


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError("S417", f"{file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError("S417", f"{file} is not text in UTF-8") from None


def _write(file: Path, lines: Iterable[bytes]) -> None:
    """Write a file for others: nothing of a person is in a journal. Nothing is left of one that could not be made."""
    try:
        with file.open("wb") as out:
            out.writelines(lines)
    except OSError as error:
        raise UsageError("S417", f"{file}: {error.strerror}") from None
    except BaseException:
        file.unlink(missing_ok=True)
        raise


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise UsageError("S421", f"{text} is not a date") from None
