"""What stands in a CREATE statement and no PRAGMA tells: conditions, expressions, the names of constraints. Pure.

SQLite keeps the statements as they were typed. They are cut into words with their places, brackets counted; what is
wanted is then looked for between the commas of the outermost brackets.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from migration.catalog import Check

_TOKEN: Final = re.compile(
    r"""\s+|--[^\n]*(?:\n|$)|/\*.*?(?:\*/|$)"""
    r"""|(?P<name>"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\])|(?P<text>'(?:[^']|'')*')|(?P<word>[\w$]+)|(?P<sign>.)""",
    re.DOTALL,
)
_CONSTRAINTS: Final = {"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"}


@dataclass(frozen=True, slots=True)
class _Token:
    """A word or sign: `word` in upper case and only if not quoted; `name` without quotes; `depth` of brackets."""

    word: str
    name: str
    start: int
    end: int
    depth: int


@dataclass(slots=True)
class Written:
    """A CREATE TABLE read. `names`: the constraints', by what they are (`primary` …) and their columns, lower case."""

    checks: list[Check] = field(default_factory=list)
    generated: dict[str, str] = field(default_factory=dict)
    names: dict[tuple[str, tuple[str, ...]], str] = field(default_factory=dict)


def table(statement: str) -> Written:
    """What a CREATE TABLE says beside columns and types."""
    found = Written()
    for item in _items(list(_tokens(statement))):
        column = "" if item[0].word in _CONSTRAINTS else item[0].name
        _constraints(statement, item[1:] if column else item, column, found)
    return found


def view(name: str, statement: str) -> str:
    """The query of a CREATE VIEW; the names that it gives to its columns stand before it (`WITH name(…) AS`)."""
    tokens = list(_tokens(statement))
    at = next((at for at, token in enumerate(tokens) if token.word == "AS" and token.depth == 0), None)
    if at is None:
        return statement
    query = statement[tokens[at].end :].strip().rstrip(";").rstrip()
    if tokens[at - 1].name != ")":
        return query
    opening = max(before for before in range(at) if tokens[before].name == "(" and tokens[before].depth == 0)
    columns = statement[tokens[opening].start : tokens[at - 1].end]
    quoted = '"' + name.replace('"', '""') + '"'
    return f"WITH {quoted}{columns} AS ({query}) SELECT * FROM {quoted}"  # noqa: S608 -- the name is quoted


def _tokens(statement: str) -> Iterator[_Token]:
    depth = 0
    for found in _TOKEN.finditer(statement):
        text = found[0]
        if found.lastgroup is None:
            continue
        if text == ")":
            depth -= 1
        word = text.upper() if found.lastgroup == "word" else ""
        yield _Token(word, _unquoted(text) if found.lastgroup in ("name", "text") else text, *found.span(), depth)
        if text == "(":
            depth += 1


def _unquoted(text: str) -> str:
    closing = text[-1]
    return text[1:-1] if closing == "]" else text[1:-1].replace(closing * 2, closing)


def _items(tokens: list[_Token]) -> Iterator[list[_Token]]:
    """What stands between the commas of the first brackets."""
    item: list[_Token] = []
    for token in tokens:
        if token.depth == 0 and token.name == ")":
            break
        if token.depth == 1 and token.name == "," and not _is_quoted(token):
            yield item
            item = []
        elif token.depth >= 1:
            item.append(token)
    if item:
        yield item


def _is_quoted(token: _Token) -> bool:
    return token.end - token.start != len(token.name)


def _constraints(statement: str, item: Sequence[_Token], column: str, found: Written) -> None:
    """Take down the constraints of a column, or of the table where `column` is empty."""
    name = ""
    for at, token in enumerate(item):
        if token.depth != 1:
            continue
        match token.word:
            case "CONSTRAINT":
                name = item[at + 1].name
            case "CHECK":
                found.checks.append(Check(name, _bracket(statement, item, at)))
                name = ""
            case "AS":
                found.generated[column.lower()] = _bracket(statement, item, at)
            case "PRIMARY" | "UNIQUE" | "FOREIGN" | "REFERENCES":
                columns = (column,) if column else _names(item, at)
                what = "foreign" if token.word == "REFERENCES" else token.word.lower()
                found.names.setdefault((what, tuple(each.lower() for each in columns)), name)
                name = ""


def _bracket(statement: str, item: Sequence[_Token], at: int) -> str:
    """The text inside the next brackets."""
    opening = next(token for token in item[at:] if token.name == "(" and token.depth == 1)
    closing = next(token for token in item[at:] if token.name == ")" and token.depth == 1)
    return statement[opening.end : closing.start].strip()


def _names(item: Sequence[_Token], at: int) -> tuple[str, ...]:
    """The first word of each part of the next brackets: columns, without COLLATE and DESC."""
    names: list[str] = []
    first = True
    for token in item[at:]:
        if token.depth == 1 and token.name == ")":
            break
        if token.depth == 2:
            if first:
                names.append(token.name)
            first = token.name == ","
    return tuple(names)
