"""The command line for tests: an office at which every command has something to do, and the commands themselves."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from archive import cases
from archive.cases import OriginalRow
from flows.cli import jiexu
from flows.wiring import Office
from formats.interface import container
from formats.interface.writing import write
from tests.builders import a_record
from tests.flows.homes_of_migration import old_database

PROGRAM = Path(sys.executable).parent / "jiexu"
NOWHERE = "no-such-place"


@dataclass(frozen=True, slots=True)
class Place:
    """A sending office after an exchange, and three of its cases; the receiver lies beside it.

    `held`: held back by the checks; `sent`: accepted; `fresh`: open, not approved.
    """

    home: Path
    held: str
    sent: str
    fresh: str

    def office(self) -> Office:
        """The sending office."""
        return Office.at(self.home)

    def fill_in(self, words: str) -> list[str]:
        """A command line with the place's own names for HELD, SENT, FRESH, DIR, DIGEST, PERSON and files."""
        named = {"HELD": self.held, "SENT": self.sent, "FRESH": self.fresh, "DIR": str(self.home.parent)}
        return [named.get(word) or self._file(word) for word in words.split()]

    def _file(self, word: str) -> str:
        if word == "OLD":
            return old_database(self.home.parent / "old.db")
        if word == "TARGET":
            return f"sqlite:///{self.home.parent / 'target.db'}"
        if word not in {"DIGEST", "DOCUMENT", "PACKAGE", "PERSON", "CARD", "OUT", "INTERFACE"}:
            return word
        if word == "PERSON":
            with self.office() as office:
                return office.records.persons()[0]
        if word == "DIGEST":
            return self._kept(self.home, "delivery-sent").digest
        if word == "DOCUMENT":
            return self._written(self.home, "delivery-sent")
        if word == "PACKAGE":
            return self._written(self.home.parent / "shenzhen", "package-sent")
        beside = self.home.parent / word.lower()
        return interface_file(beside) if word == "INTERFACE" else str(beside)

    def _kept(self, home: Path, kind: str) -> OriginalRow:
        with Office.at(home) as office:
            return next(row for row in cases.originals(office.ledger) if row.kind == kind)

    def _written(self, home: Path, kind: str) -> str:
        """The first original of this kind as a file beside the homes."""
        row = self._kept(home, kind)
        file = self.home.parent / f"{row.digest}.original"
        with Office.at(home) as office:
            file.write_bytes(office.store.read(row.digest))
        return str(file)


def interface_file(path: Path) -> str:
    """Documents of GB/T 40217-2021 in one file, of a record with nothing wrong in it."""
    path.write_bytes(container.pack(write(a_record())))
    return str(path)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command line came to."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)

    @property
    def code(self) -> str:
        """The code of the error in the JSON document."""
        error = self.document["error"]
        assert set(error) == {"code", "what", "todo", "retry"}
        assert isinstance(error["retry"], bool)
        assert f"jiexu: error: {error['code']} {error['what']}" in self.err
        return str(error["code"])


Call = Callable[..., Answer]


def outside(*arguments: str | Path, environ: Mapping[str, str] | None = None) -> Answer:
    """Run the installed command."""
    done = subprocess.run(
        [PROGRAM, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, **(environ or {})},
    )
    assert "Traceback" not in done.stderr
    return Answer(done.returncode, done.stdout, done.stderr)


def commands(group: click.Group = jiexu, before: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, with the words that call it."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


COMMANDS = dict(commands())
