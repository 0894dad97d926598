"""`jiexu partner rotate`, `jiexu partner rehearse`: the office's own key is changed, and an exchange tried before."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import click

from flows import key_rehearsal, rotating, terminal
from flows.commands.common import Place, by_option, by_or, json_option, pass_place
from flows.key_rehearsal import Rehearsed
from flows.private import write_private
from flows.reports import plain
from flows.rotating import Rotation
from flows.times import now
from formats.errors import UsageError


@click.command()
@click.option(
    "--begin", "step", flag_value="begin", help="Make the next key; the card has it, the present key signs on."
)
@click.option("--switch", "step", flag_value="switch", help="Sign with the next key from now on.")
@click.option("--end", "step", flag_value="end", help="Open nothing more that arrives for an earlier key.")
@click.option(
    "--key", type=click.Path(path_type=Path), help="With --begin: a secret key of yours, instead of a new one."
)
@click.option(
    "--overlap-days", type=click.IntRange(1, 36_525), help="With --switch: for how long the earlier key opens."
)
@by_option
@json_option
@pass_place
def rotate(place: Place, step: str | None, key: Path | None, overlap_days: int | None, by: str, as_json: bool) -> int:
    """Change this office's own key, a step at a time: begin, then switch, then end.

    After --begin give partners the new card; when they have added it, --switch; when the overlap is over, --end.
    """
    if step is None or (key and step != "begin") or (overlap_days and step != "switch"):
        raise click.UsageError("give one of --begin [--key], --switch [--overlap-days], --end")
    with place.office() as office:
        days = timedelta(days=overlap_days or office.settings.overlap_days)
        steps: dict[str, Callable[[], Rotation]] = {
            "begin": lambda: rotating.begin(office, by, now(), _armored(key) if key else ""),
            "switch": lambda: rotating.switch(office, by, now(), days, reopen=overlap_days is not None),
            "end": lambda: rotating.end(office, by, now()),
        }
        rotation = steps[step]()
    terminal.emit(as_json, plain(rotation), lambda: _say(rotation))
    return 0


def _say(rotation: Rotation) -> None:
    click.echo(f"signs: {rotation.present}")
    if rotation.following:
        click.echo(f"next: {rotation.following}; give partners the card of jiexu partner card, then --switch")
    if rotation.until:
        click.echo(f"earlier: {rotation.earlier}, opens what arrives until {rotation.until}; then --end")


@click.command()
@click.argument("code", required=False)
@click.option(
    "--answer", "probe", type=click.Path(path_type=Path), help="A partner's probe, to be opened and answered."
)
@click.option("--check", "reply", type=click.Path(path_type=Path), help="A partner's answer to a probe of this office.")
@click.option("--fingerprint", default="", help="With CODE: which key of the partner's; without it, the newest.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Where the file for the partner is written.")
@by_or("operator")
@json_option
@pass_place
def rehearse(
    place: Place,
    code: str | None,
    probe: Path | None,
    reply: Path | None,
    fingerprint: str,
    output: Path | None,
    by: str,
    as_json: bool,
) -> int:
    """Try an exchange with the newest keys before they are used: a probe for CODE, its answer, and the answer's check.

    Two files go between the offices in any way; nothing of a person is in them.
    """
    if sum(item is not None for item in (code, probe, reply)) != 1 or (output is None) == (reply is None):
        raise click.UsageError("give CODE -o FILE, or --answer PROBE -o FILE, or --check ANSWER")
    with place.office() as office:
        if reply is not None:
            done = key_rehearsal.check(office, _bytes(reply), by, now())
        elif probe is not None:
            done = key_rehearsal.answer(office, _bytes(probe), now())
        else:
            done = key_rehearsal.probe(office, code or "", now(), fingerprint)
    if output is not None:
        write_private(output, done.package)
    document = {"partner": done.partner, "theirs": done.theirs, "ours": done.ours, "proved": list(done.proved)}
    terminal.emit(as_json, document | {"file": str(output or "")}, lambda: _tell(done))
    return 0


def _tell(done: Rehearsed) -> None:
    for line in done.proved:
        click.echo(line)


def _armored(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        raise UsageError("S417", str(path)) from None


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise UsageError("S417", str(path)) from None
