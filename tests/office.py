"""Two whole offices for tests, founded as an agency would, with folders as mailboxes."""

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from archive import cases
from archive.cases import NewCase
from flows import founding, passes
from flows.founding import Plan
from flows.own_card import own_card
from flows.synthetic.people import people
from flows.synthetic.places import HANGZHOU, SHENZHEN
from flows.times import now
from flows.wiring import Office
from formats.record import Record
from transfer.partners import Directory

KINDS = ("110", "210", "310")
TODAY = date(2026, 11, 22)


@dataclass(frozen=True, slots=True)
class Pair:
    """The homes of a sending and a receiving office that know each other."""

    sender: Path
    receiver: Path


def found_pair(folder: Path, storage: Mapping[str, tuple[str, str]] | None = None) -> Pair:
    """Found both offices in `folder`; they exchange through folders. Records databases are made, empty.

    `storage`: agency code -> URLs of ledger and records database, for offices that do not keep them in their homes.
    """
    pair = Pair(folder / "hangzhou", folder / "shenzhen")
    for home, place in ((pair.sender, HANGZHOU), (pair.receiver, SHENZHEN)):
        ledger, records = (storage or {}).get(place.office, ("", ""))
        mailbox = f"folder:{folder / 'exchange' / place.office}"
        founding.found(home, Plan(place.office, place.name, mailbox, ledger=ledger, records=records), now())
    with Office.at(pair.sender) as sender, Office.at(pair.receiver) as receiver:
        Directory.add(pair.sender / "partners", own_card(receiver), now())
        Directory.add(pair.receiver / "partners", own_card(sender), now())
        sender.records.create_schema()
        receiver.records.create_schema()
    return pair


def copied(original: Path, folder: Path) -> Pair:
    """A copy of two founded offices, found to exchange with each other at the new place."""
    shutil.copytree(original, folder, dirs_exist_ok=True)
    for file in (*folder.glob("*/office.toml"), *folder.glob("*/partners/*.toml")):
        file.write_text(file.read_text(encoding="utf-8").replace(str(original), str(folder)), encoding="utf-8")
    return Pair(folder / "hangzhou", folder / "shenzhen")


def some_people(count: int, seed: int = 5) -> list[tuple[str, Record]]:
    """People of the sending office."""
    return list(people(count, seed, home=HANGZHOU, on=TODAY))


def fill(home: Path, records: Sequence[tuple[str, Record]]) -> None:
    """Put people into an office's records database."""
    with Office.at(home) as office:
        office.records.add(records)


def configure(home: Path, **values: str | int) -> None:
    """Change settings in a home's office.toml, each by its name, which must stand there once."""
    file = home / "office.toml"
    text = file.read_text(encoding="utf-8")
    for name, value in values.items():
        text, found = re.subn(rf"(?m)^{name} = \S+", f"{name} = {json.dumps(value)}", text)
        assert found == 1, name
    file.write_text(text, encoding="utf-8")


def open_approved(pair: Pair, persons: Sequence[str], partner: str = SHENZHEN.office) -> tuple[str, ...]:
    """Open a case for each person, to go to `partner`, and approve it in all stages."""
    with Office.at(pair.sender) as office:
        numbers = cases.number_cases(office.ledger, office.code, len(persons), now())
        new = [NewCase(number, partner, person, KINDS) for number, person in zip(numbers, persons, strict=True)]
        cases.open_cases(office.ledger, new, "staff-1", now())
        for stage in office.settings.stages:
            cases.approve(office.ledger, numbers, stage, f"staff-{stage}", now(), office.settings.stages)
    return numbers


def exchange(pair: Pair) -> None:
    """Send, receive, acknowledge and receive the receipts: one pass each."""
    with Office.at(pair.sender) as office:
        passes.send(office)
    with Office.at(pair.receiver) as office:
        passes.receive(office)
        passes.acknowledge(office)
    with Office.at(pair.sender) as office:
        passes.receive(office)


def states(home: Path) -> dict[str, str]:
    """The state of each case of an office."""
    with Office.at(home) as office:
        return {row.case: str(row.state) for row in cases.listing(office.ledger)}
