"""`jiexu check` and `jiexu package`: documents and packages by hand, with the same checks as the passes make."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from archive import conversation
from flows import documents, egress, opening, own_keys, prechecking, settings, staff, terminal
from flows.commands.common import Place, asked_by, json_option, pass_place
from flows.prechecking import Receiver
from flows.private import write_private
from flows.reports import Judged, plain
from flows.times import now, utc_text
from formats import rules, xml
from formats.digest import sha256
from formats.errors import RefusedError, UsageError
from formats.messages import Finding
from formats.workdays import beijing_day
from formats.xml import DEFAULT_LIMITS
from transfer import envelope, staff_cards
from transfer.naming import parse_name
from transfer.roster import Roster
from transfer.staff_cards import StaffCard

# What a package's file is called.
_SEALED = {".pgp", ".gpg", ".asc"}
_STAFF = "The staff card that the receiver has of a sender; else those on file in the home."


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError("S417", f"{path}: {error.strerror}") from None


def _findings(place: Place, file: Path, receiver: Receiver) -> tuple[Finding, ...]:
    """What the receiver finds in a document; in a package, for which this home is the receiver."""
    data, at = _bytes(file), now()
    if file.suffix not in _SEALED:
        return prechecking.findings(data, beijing_day(at), receiver)
    with place.office() as office:
        try:
            opened = opening.unseal(office, data, at)
        except RefusedError as error:
            return (Finding(error.code, found=error.detail),)
        here = replace(receiver, office=receiver.office or office.code, limits=office.document_limits)
    return prechecking.findings(opened.data, beijing_day(at), here, opened.office, parse_name(file.name))


def _people(place: Place | None, files: Sequence[Path]) -> Callable[[str], Roster | None]:
    """Which staff card a sender has: one of these files, or what the home has. Raises UsageError S401, S417, S475."""
    given = {card.office: card.people for card in map(_card, files)}

    def people(office: str) -> Roster | None:
        """Of one office."""
        if office in given or place is None:
            return given.get(office)
        card = staff.partner_card(place.home, office)
        return None if card is None else card.people

    return people


def _card(file: Path) -> StaffCard:
    try:
        return staff_cards.parse(_bytes(file).decode())
    except UnicodeDecodeError:
        raise UsageError("S475", file.name) from None


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--receiver", default="", metavar="CODE", help="The receiving office; else whom each document names.")
@click.option("--staff", "cards", multiple=True, type=click.Path(path_type=Path), metavar="CARD", help=_STAFF)
@json_option
@pass_place
def check(place: Place, files: Sequence[Path], receiver: str, cards: Sequence[Path], as_json: bool) -> int:
    """Check documents as the receiver would, with the same reason codes. Needs no office.

    In an office's home its environment, its stages of approval and its partners' staff cards count, else four stages
    and the cards given. A package (.pgp, .gpg, .asc) is opened first, with the home's keys and partners. What only the
    receiver knows is not checked: whether the message came before, its records, the case.
    """
    ours = settings.load(place.home) if (place.home / settings.FILE).exists() else None
    to = Receiver(receiver, ours.environment, ours.stages) if ours else Receiver(receiver)
    to = replace(to, people=_people(place if ours else None, cards))
    results = [Judged(str(file), _findings(place, file, to)) for file in files]
    blocked = [item for item in results if rules.blocks(item.findings)]
    document = {"files": [{"file": item.case, "findings": plain(item.findings)} for item in results]}
    language = ours.language if ours else "en"

    def people() -> None:
        """Print for people."""
        terminal.judged_lines("refused", blocked, language)
        terminal.judged_lines("good", [item for item in results if item not in blocked], language)

    terminal.emit(as_json, document, people)
    return 4 if blocked else 0


@click.group()
def package() -> None:
    """Packages by hand."""


@package.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--partner", required=True, help="Agency code of the office to seal for.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@asked_by("Who does it: a staff id.")
@json_option
@pass_place
def seal(place: Place, file: Path, partner: str, output: Path, by: str, as_json: bool) -> int:
    """Sign the document FILE and encrypt it for a partner, as for a medium where there is no line.

    It must be one that this office has sealed for the partner: nothing leaves by hand that was not approved. A copy
    does not count again for the day. The journal says who did it.
    """
    document = _bytes(file)
    xml.validate(document, DEFAULT_LIMITS)
    at = now()
    with place.office() as office:
        recipient = office.directory.partner(partner).recipient(at)
        if not conversation.sealed(office.ledger, partner, sha256(document)):
            raise UsageError("S452", str(file))
        documents.note_taken_out(office, sha256(document), by, at, f"sealed by hand for {partner}")
        sealed = egress.small_enough(office, envelope.seal(document, office.key, recipient, at).package)
    write_private(output, sealed)
    told = {"file": str(output), "bytes": len(sealed), "partner": partner}
    terminal.emit(as_json, told, lambda: click.echo(f"{output}: {len(sealed)} bytes, sealed for {partner}"))
    return 0


@package.command("open")
@click.argument("file", type=click.Path(path_type=Path))
@json_option
@pass_place
def open_(place: Place, file: Path, as_json: bool) -> int:
    """Decrypt the package FILE with every guard; print the document, and on stderr who signed it."""
    with place.office() as office:
        opened = opening.unseal(office, _bytes(file), now(), own_keys.every(office.settings))
    told: dict[str, Any] = {
        "office": opened.office,
        "fingerprint": opened.fingerprint,
        "signed": utc_text(opened.signed),
        "document": opened.data.decode("utf-8", errors="replace"),
    }

    def people() -> None:
        """Print for people."""
        click.echo(f"signed by {told['office']} ({told['fingerprint']}) at {told['signed']}", err=True)
        click.echo(opened.data, nl=False)

    terminal.emit(as_json, told, people)
    return 0
