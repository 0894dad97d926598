r"""A scenario as a text: prose, and blocks of commands with what they print.

    shenzhen$ jiexu …      a command of that office; the lines below it are what it prints, `[1]` its exit status if not 0
    hangzhou> UPDATE …     what the office's own system does in its records database
    days> 40               so many days go by

What differs from run to run is printed by its name: CASE, TIME, ID (of a message), DIGEST, KEY (a fingerprint).
PERSON is the person's number at the old office, HERE the one at the new one; as an argument, KEY is the last that was
printed. `… > FILE` puts what is printed into a file.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

Run = Callable[[str, str, str], Sequence[str]]  # office, sign, words: the lines that it prints

_INDENT: Final = "    "
_PROMPT: Final = re.compile(r"(shenzhen|hangzhou|days)([$>]) (.*)")
_NAMES: Final = (
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "TIME"),
    (re.compile(r"\b\d{8}-\d{4}-\d{6}\b"), "CASE"),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "ID"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "DIGEST"),
    (re.compile(r"\b[0-9A-F]{40}\b"), "KEY"),
)


@dataclass(frozen=True, slots=True)
class Told:
    """What a scenario came to: its text with what was printed in place of what it says, and the case's number."""

    text: str
    case: str


def played(text: str, run: Run, names: Mapping[str, str]) -> Told:
    """Run every command of a scenario. `names` are words of it and what they stand for."""
    lines: list[str] = []
    known = dict(names)
    rows = text.splitlines()
    for place, row in enumerate(rows):
        found = _PROMPT.fullmatch(row.removeprefix(_INDENT)) if row.startswith(_INDENT) else None
        if found:
            lines.append(row)
            words = re.sub(r"\b[A-Z]{3,}\b", lambda word: known.get(word[0], word[0]), found[3])
            printed = run(found[1], found[2], words)
            case = re.search(r"\b\d{8}-\d{4}-\d{6}\b", "\n".join(printed))
            if case:
                known.setdefault("CASE", case[0])
            known.update(("KEY", key) for key in re.findall(r"\b[0-9A-F]{40}\b", "\n".join(printed)))
            lines += [f"{_INDENT}{line}".rstrip() for line in _named(printed, names)]
        elif not row.startswith(_INDENT) or not any(_prompts(rows[:place])):
            lines.append(row)
    return Told("\n".join(lines) + "\n", known.get("CASE", ""))


def _prompts(rows: Sequence[str]) -> Iterator[bool]:
    for row in rows:
        yield bool(row.startswith(_INDENT) and _PROMPT.fullmatch(row.removeprefix(_INDENT)))


def _named(printed: Sequence[str], names: Mapping[str, str]) -> Iterator[str]:
    """Lines with names for what differs; blanks that only line up columns become two."""
    return (re.sub(r"\s{2,}", "  ", _with_names(line, names)).rstrip() for line in printed)


def _with_names(line: str, names: Mapping[str, str]) -> str:
    for pattern, name in _NAMES:
        line = pattern.sub(name, line)
    for name, value in names.items():
        line = line.replace(value, name)
    return line
