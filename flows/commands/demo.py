"""`jiexu demo`."""

from collections import Counter
from pathlib import Path

import click

from flows import terminal
from flows.commands.common import json_option
from flows.demo import Outcome, run_demo
from flows.settings import Engine


@click.command()
@click.option("--people", "count", type=click.IntRange(6), default=200, show_default=True, help="How many people.")
@click.option("--seed", type=int, default=1, show_default=True, help="Other people with another seed.")
@click.option("--dir", "folder", type=click.Path(path_type=Path), default=Path("demo"), show_default=True)
@click.option("--engine", "chosen", type=click.Choice(["direct", "embedded", "server"]), default="embedded")
@json_option
def demo(count: int, seed: int, folder: Path, chosen: Engine, as_json: bool) -> int:
    """Two offices, a real SSH server, and 200 people from one to the other; both homes stay for exploring."""
    with terminal.progress(not as_json) as bar:
        outcome = run_demo(folder.absolute(), count, seed, chosen, bar)
    terminal.emit(as_json, outcome.document(), lambda: _people(outcome))
    kept = outcome.keeping.bundle and not outcome.keeping.problems
    good = outcome.digests_equal and not outcome.problems and kept and outcome.moved.verdict == "equal"
    complete = outcome.accepted + len(outcome.rejected) == outcome.sent == outcome.originals_kept
    return 0 if good and complete else 4


def _people(outcome: Outcome) -> None:
    rows = (
        ("people in the sender's database", outcome.people),
        ("held back by the sender's own check", len(outcome.held)),
        ("sent, signed and encrypted, over SSH", outcome.sent),
        ("originals kept at the sender", outcome.originals_kept),
        ("accepted by the receiver", outcome.accepted),
        ("rejected by the receiver", len(outcome.rejected)),
        ("same bytes at both offices", "yes" if outcome.digests_equal else "NO"),
        ("both archives hold", "yes" if not outcome.problems else "NO"),
        ("originals restored from a backup and equal", outcome.keeping.restored),
        ("evidence of one case holds by itself", "yes" if outcome.keeping.bundle else "NO"),
        ("rows of the receiver's database in a new one, compared", outcome.moved.rows),
        ("the new database holds the same", "yes" if outcome.moved.verdict == "equal" else "NO"),
        ("seconds", f"{outcome.seconds:.1f}"),
    )
    terminal.table(("Hangzhou to Shenzhen", ""), rows)
    told = [(word, row) for word, group in (("held", outcome.held), ("rejected", outcome.rejected)) for row in group]
    for word, row in told:
        counted = Counter(finding.code for finding in row.findings)
        for finding in {item.code: item for item in reversed(row.findings)}.values():
            times = f" ({counted[finding.code]} times)" if counted[finding.code] > 1 else ""
            click.echo(f"{word} {row.case} {terminal.finding_line(finding, 'en')}{times}")
    for problem in (*outcome.problems, *outcome.keeping.problems):
        click.echo(problem)
    click.echo(f"The homes stay for exploring: jiexu -C {outcome.sender} case list")
