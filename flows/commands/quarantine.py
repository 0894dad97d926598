"""`jiexu quarantine`: the packages that nobody vouched for, and how they are judged again."""

from collections.abc import Sequence

import click

from flows import retrying, terminal
from flows.commands.common import Place, by_option, json_option, pass_place, status_of, why_option
from flows.reports import plain
from flows.times import now
from formats.reasons import reason


@click.group()
def quarantine() -> None:
    """The packages in the quarantine."""


@quarantine.command("list")
@json_option
@pass_place
def listing(place: Place, as_json: bool) -> int:
    """List what is in the quarantine: since when, why, and what to do about it."""
    with place.office() as office:
        found, language = retrying.chosen(office, ()), office.settings.language

    def people() -> None:
        """Print for people."""
        rows = [(item.number, item.at, item.code, item.name, item.size) for item in found]
        terminal.table(("number", "arrived", "code", "name", "bytes"), rows)
        for code in dict.fromkeys(item.code for item in found):
            click.echo(f"{code} {reason(code).what[language]}: {reason(code).todo[language]}")

    terminal.emit(as_json, {"quarantined": plain(found)}, people)
    return 0


@quarantine.command()
@click.argument("numbers", nargs=-1, type=int, metavar="[NUMBER]...")
@click.option("--code", default="", help="All that are there for this reason, such as T130.")
@click.option("--all", "every", is_flag=True, help="All that are there.")
@why_option
@by_option
@json_option
@pass_place
def retry(place: Place, numbers: Sequence[int], code: str, every: bool, why: str, by: str, as_json: bool) -> int:
    """Have packages judged again by the next `jiexu receive`, as after a partner's card was added."""
    if (bool(numbers) + bool(code) + every) != 1:
        raise click.UsageError("give NUMBERs, or --code, or --all")
    with place.office() as office:
        chosen = retrying.chosen(office, numbers, code)
        done, language = retrying.retry(office, chosen, by, why, now()), office.settings.language

    def people() -> None:
        """Print for people."""
        click.echo(f"{len(done.retried)} packages wait; run jiexu receive")
        terminal.failed_lines(done.failed, language)

    terminal.emit(as_json, plain(done), people)
    return status_of(done.failed)
