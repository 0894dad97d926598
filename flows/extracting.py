"""Extracts without persons, for planning and for the development of systems (art. 17).

Two people ask for one together: it leaves the office's hands, and nobody decides that alone (arts. 7, 26). Who is in it
is chosen by the extract key; the records are read twice, one at a time: to count how many people are alike, then to
write those who are like enough others. The folder has its name only when it is whole.
"""

import csv
import hashlib
import json
import os
import re
import secrets
import shutil
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Literal, TextIO

from archive import journal
from archive.entries import Entry
from archive.flushing import flush
from archive.segments.files import held
from flows.private import write_private
from flows.reports import plain
from flows.times import utc_text
from flows.wiring import Office
from formats import deidentified
from formats.codes import insurance_kinds
from formats.deidentified import COLUMNS, LEVELS, Level, Quasi
from formats.digest import sha256
from formats.errors import UsageError
from formats.record import Record

Purpose = Literal["planning", "development"]
PURPOSES: Final[tuple[Purpose, ...]] = ("planning", "development")

KEY: Final = "keys/extract.key"
_LOCK: Final = "keys/extract.lock"
_KEY: Final = re.compile("[0-9a-f]{64}")
MANIFEST: Final = "manifest.json"
_MOST_LEFT_OUT: Final = 0.2  # of the people: more, and the extract says something else than the records
_NOTICE: Final = (
    "No names, numbers or exact dates, amounts to the hundred. Still not for publication: in sex, birth, place, first "
    "and last period at least k people are alike each time, and not in the rest of a working life."
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for, and who asked: two staff ids. `k`: the least number of people who are alike."""

    persons: int
    k: int
    purpose: Purpose
    by: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Extract:
    """What was written: people in it and left out, the smallest group of people who are alike, how coarse it is."""

    given: int
    left_out: int
    k: int
    level: Level
    manifest: str  # SHA-256


def extract(office: Office, asked: Asked, folder: Path, at: datetime) -> Extract:
    """Write an extract into a new folder.

    Raises UsageError S414 (the folder is there), S417, S490 (nobody can be hidden, or the records have changed between
    the two readings), S491 (not two people), S408 (the key), S415; UnreachableError S409.
    """
    if len(set(asked.by)) != len(asked.by):
        raise UsageError("S491", "two different people ask for an extract together")
    with held(office.settings.path(_LOCK)):  # one after the other: two of one name would write into each other
        return _extract(office, asked, folder, at)


def _extract(office: Office, asked: Asked, folder: Path, at: datetime) -> Extract:
    if folder.exists():
        raise UsageError("S414", str(folder))
    key = _key(office)
    numbers = deidentified.sample(key, office.records.persons(), asked.persons)
    level, alike = _level(office, asked, numbers)
    part = folder.with_name(f".{folder.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)  # of a process that was killed
        part.mkdir(mode=0o700)
        given = _write(office, numbers, key, level, alike, part)
        if not given or min(given.values()) < asked.k:  # somebody wrote in the records between the two readings
            raise UsageError("S490", "the records have changed meanwhile")
        made = _with_manifest(office, asked, part, level, given, len(numbers) - given.total(), at)
        _enter(office, asked, made, at)
        part.rename(folder)
        flush(folder.parent)
    except OSError as error:
        raise UsageError("S417", f"{folder}: {error.strerror}") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return made


def _level(office: Office, asked: Asked, numbers: Sequence[str]) -> tuple[Level, Container[Quasi]]:
    """How coarse the extract is to be, and by what people may be told apart who are like enough others."""
    counted: list[Counter[Quasi]] = [Counter() for _ in LEVELS]
    for _, record in _records(office, numbers):
        for level, groups in zip(LEVELS, counted, strict=True):
            groups[deidentified.quasi_identifiers(record, level)] += 1
    chosen = deidentified.choose(counted, asked.k, _MOST_LEFT_OUT)
    if chosen is None:
        raise UsageError("S490", f"{len(numbers)} people, and groups of {asked.k} are wanted")
    return LEVELS[chosen], {group for group, count in counted[chosen].items() if count >= asked.k}


def _records(office: Office, numbers: Sequence[str]) -> Iterator[tuple[str, Record]]:
    kinds = tuple(insurance_kinds())
    return ((number, office.records.read(number, kinds)) for number in numbers)


def _write(
    office: Office, numbers: Sequence[str], key: bytes, level: Level, alike: Container[Quasi], part: Path
) -> Counter[Quasi]:
    """Write the files of the people who are like enough others; how many of them are alike."""
    given: Counter[Quasi] = Counter()
    with ExitStack() as stack:
        files = {name: csv.writer(stack.enter_context(_new(part, name)), lineterminator="\n") for name in COLUMNS}
        for name, columns in COLUMNS.items():
            files[name].writerow(columns)
        for number, record in _records(office, numbers):
            quasi = deidentified.quasi_identifiers(record, level)
            if quasi in alike:
                given[quasi] += 1
                for name, row in deidentified.rows(record, deidentified.pseudonym(key, number, level), level):
                    files[name].writerow(row)
    return given


def _with_manifest(
    office: Office, asked: Asked, part: Path, level: Level, given: Counter[Quasi], left_out: int, at: datetime
) -> Extract:
    """What was written, after the manifest that says so was put beside it."""
    smallest = min(given.values())
    manifest = {
        "office": office.code,
        "written": utc_text(at),
        "purpose": asked.purpose,
        "persons": given.total(),
        "left_out": left_out,
        "k": smallest,
        "level": plain(level),
        "files": {f"{name}.csv": _digest(part / f"{name}.csv") for name in COLUMNS},
        "notice": _NOTICE,
    }
    text = (json.dumps(manifest, ensure_ascii=False, indent=1) + "\n").encode()
    write_private(part / MANIFEST, text)
    return Extract(given.total(), left_out, smallest, level, sha256(text))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _new(part: Path, name: str) -> TextIO:
    path = part / f"{name}.csv"
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8", newline="")


def _key(office: Office) -> bytes:
    """The key of all extracts of this office, made when it is first needed. Raises UsageError S408, S417."""
    path = office.settings.path(KEY)
    if not path.exists():
        write_private(path, secrets.token_hex(32).encode(), replace=False)
    text = path.read_text(encoding="utf-8", errors="replace")
    if not _KEY.fullmatch(text):  # an empty one would let everybody undo the pseudonyms
        raise UsageError("S408", f"{KEY} is no key of an extract")
    return bytes.fromhex(text)


def _enter(office: Office, asked: Asked, made: Extract, at: datetime) -> None:
    who, other = asked.by
    what: dict[str, str | int] = {
        "persons": made.given,
        "left_out": made.left_out,
        "k": made.k,
        "digest": made.manifest,
        "with": other,
    }
    entry = Entry(utc_text(at), "extracted", what, f"art. 17: {asked.purpose}", "without direct identifiers", who)
    with office.ledger.writing() as connection:
        journal.append(connection, entry)
