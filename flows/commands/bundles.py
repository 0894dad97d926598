"""`jiexu archive bundle` and `jiexu archive verify`: the evidence of one case in one file, and its check anywhere."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import click

from flows import bundle_checks, bundles, terminal
from flows.bundle_checks import BundleReport, Head
from flows.commands.common import Place, asked_by, json_option, pass_place
from flows.private import write_private
from flows.reports import plain
from flows.times import now
from formats.digest import sha256
from formats.errors import UsageError
from formats.reasons import reason
from transfer import partners

_HEADS: Final[Mapping[Head, str]] = {
    "none": "carries no journal head",
    "unknown": "carries its journal's head, whose key is not known here",
    "holds": "carries its journal's head, signed by that journal's key",
    "wrong": "carries a head that its journal's key did not sign",
}
_FINGERPRINT = re.compile(r"[0-9A-F]{40}")


@click.command()
@click.argument("case")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@asked_by()
@json_option
@pass_place
def bundle(place: Place, case: str, output: Path, by: str, as_json: bool) -> int:
    """Write all evidence of a case to one file: originals, receipts, keys, proofs. It holds personal data."""
    with place.office() as office:
        data = bundles.make(office, case, by, now())
    write_private(output, data)
    told = {"case": case, "file": str(output), "bytes": len(data), "digest": sha256(data)}

    def people() -> None:
        """Print for people."""
        click.echo(f"{output}: {len(data)} bytes, SHA-256 {told['digest']}")
        click.echo("It holds personal data: keep it as such, and give it to nobody who is not entitled.", err=True)

    terminal.emit(as_json, told, people)
    return 0


@click.command("verify")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--trust", multiple=True, metavar="FINGERPRINT", help="A key that may have signed; can be repeated.")
@click.option("--card", multiple=True, type=click.Path(path_type=Path), help="An office's card; can be repeated.")
@json_option
def verify(file: Path, trust: Sequence[str], card: Sequence[Path], as_json: bool) -> int:
    """Check a bundle with no office, no ledger and no network; ends with 4 and names what does not hold first.

    With --trust or --card every key that signed must be among those; without, compare the fingerprints that are shown.
    """
    trusted = {_fingerprint(text): "" for text in trust}
    cards = [partners.parse_card(_text(path)) for path in card]
    trusted |= {found.fingerprint: found.code for found in cards}
    try:
        data = file.read_bytes()
    except OSError as error:
        raise UsageError("S417", f"{file}: {error.strerror}") from None
    report = bundle_checks.verify(data, trusted, {found.code: found.journal for found in cards if found.journal})
    first = report.first
    document = {"holds": first is None, "first": plain(first), **plain(report)}
    terminal.emit(as_json, document, lambda: _people(report))
    return 4 if first else 0


def _people(report: BundleReport) -> None:
    """Print for people: what it is, who signed, what the receipts say, and each check."""
    click.echo(f"case {report.case} of office {report.office} with {report.partner}, made {report.made}")
    for signature in report.signatures:
        fingerprint = partners.grouped(signature.fingerprint)
        click.echo(f"signed {signature.at} by {signature.office} with {fingerprint}: {signature.part}")
    for receipt in report.receipts:
        click.echo(
            f"receipt {receipt.outcome} {receipt.decided} of {receipt.office}, {_HEADS[receipt.head]}: {receipt.part}"
        )
        for line in receipt.checkpoint.splitlines():
            click.echo(f"    {terminal.harmless(line)}")
    for step in sorted({check.step for check in report.checks}):
        failed = [check for check in report.checks if check.step == step and check.code]
        click.echo(f"{step:2} {'holds' if not failed else 'DOES NOT HOLD'}  {bundle_checks.STEPS[step]}")
        for check in failed:
            click.echo(f"   {check.code} {check.part}: {reason(check.code).what['en']}: {check.detail}")
    click.echo("keys compared with the trusted ones" if report.compared else "keys not compared: compare fingerprints")
    first, proviso = report.first, "" if report.compared else ", if the fingerprints above are those of the offices"
    holds = f"the evidence holds{proviso}"
    click.echo(holds if first is None else f"it does not hold: first {first.code} {first.part}")


def _fingerprint(text: str) -> str:
    plain_text = "".join(text.split()).upper()
    if not _FINGERPRINT.fullmatch(plain_text):
        raise UsageError("S421", "--trust takes a fingerprint of 40 hex digits")
    return plain_text


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise UsageError("S417", str(path)) from None
