"""`jiexu conformance`: vectors for a partner office's own software, and the comparison of what that found."""

from pathlib import Path

import click

from flows import terminal
from flows.commands.common import json_option
from flows.conformance import kit
from flows.times import now
from formats.errors import UsageError
from formats.workdays import beijing_day


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path), metavar="[OUT_DIR]")
@click.option("--check", "results", type=click.Path(path_type=Path), metavar="RESULTS", help="A table vector,code.")
@json_option
def conformance(folder: Path | None, results: Path | None, as_json: bool) -> int:
    """Write the conformance kit to OUT_DIR, or compare another program's RESULTS with what it expects.

    Exit status 4 when they differ. Needs no office.
    """
    on = beijing_day(now())
    if folder is not None and results is None:
        count = kit.write(folder, on)
        told = {"folder": str(folder), "vectors": count}
        terminal.emit(as_json, told, lambda: click.echo(f"{folder}: {count} vectors; README.md says how to run them"))
        return 0
    if results is None or folder is not None:
        raise UsageError("S421", "either OUT_DIR or --check RESULTS")
    differing = kit.differences(_table(results), on)
    rows = [{"vector": one.vector, "expected": one.expected, "found": one.found} for one in differing]

    def people() -> None:
        """Print for people."""
        for one in differing:
            expected, found = (" ".join(codes) or "none" for codes in (one.expected, one.found))
            click.echo(f"differs {one.vector}: expected {expected}, found {found}")
        click.echo(f"{len(differing)} vectors differ")

    terminal.emit(as_json, {"differ": rows}, people)
    return 4 if differing else 0


def _table(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError("S417", f"{file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError("S417", f"{file}: not UTF-8") from None
