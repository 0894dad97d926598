"""`jiexu bench`: speed beside the tools a user would script, as ratios of one run."""

from collections.abc import Sequence

import click

from flows import terminal
from flows.bench.rows import Row, document, render
from flows.commands.common import json_option


@click.group()
def bench() -> None:
    """Speed beside the tools a user would script, as ratios measured in one run."""


def _print(name: str, rows: Sequence[Row], as_json: bool) -> int:
    terminal.emit(as_json, document(name, rows), lambda: click.echo(render(rows)))
    return 0


people_option = click.option(
    "--people", "sizes", multiple=True, type=click.IntRange(1), default=(400, 100), show_default=True,
    help="Numbers of people; the first is compared with the chain, the others with the first.",
)  # fmt: skip


@bench.command()
@people_option
@json_option
def seal(sizes: Sequence[int], as_json: bool) -> int:
    """Records database to sealed package on disk, beside xmllint and gpg."""
    from flows.bench import chain  # noqa: PLC0415 - nothing else needs it

    return _print("seal", chain.run("seal", sizes), as_json)


@bench.command("open")
@people_option
@json_option
def open_(sizes: Sequence[int], as_json: bool) -> int:
    """Package on disk to records database, beside gpg and xmllint."""
    from flows.bench import chain  # noqa: PLC0415 - nothing else needs it

    return _print("open", chain.run("open", sizes), as_json)


@bench.command()
@click.option(
    "--originals", "sizes", multiple=True, type=click.IntRange(1), default=(1000, 10_000), show_default=True,
    help="Numbers of originals of 20 to 60 kB; the others are compared with the first.",
)  # fmt: skip
@json_option
def archive(sizes: Sequence[int], as_json: bool) -> int:
    """Originals kept, looked up and audited, beside plain flushed files and sha256sum; the journal."""
    from flows.bench import originals  # noqa: PLC0415 - nothing else needs it

    return _print("archive", originals.run(sizes), as_json)


@bench.command()
@json_option
def sftp(as_json: bool) -> int:
    """Uploads to a real sshd on loopback, beside OpenSSH's sftp."""
    from flows.bench import sftp as sftp_bench  # noqa: PLC0415 - nothing else needs it

    return _print("sftp", sftp_bench.run(), as_json)


@bench.command()
@click.option("--rows", type=click.IntRange(1), default=2_000_000, show_default=True, help="Rows of the table.")
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True, help="Rounds, of which medians count.")
@click.option("--postgresql", "url", metavar="URL", help="A server to do it in, instead of two of its own.")
@json_option
def migrate(rows: int, rounds: int, url: str | None, as_json: bool) -> int:
    """A table carried from one storage to another, beside psql, sqlite3, pgloader and gzip."""
    from flows.bench.migration import comparing  # noqa: PLC0415 - nothing else needs it

    return _print("migrate", comparing.run(rows, rounds, url), as_json)
