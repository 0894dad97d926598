"""Defaults and checks in another environment's SQL: only what means the same everywhere, else nothing. Pure.

Defaults: a number, a text, true and false, NULL, the present date or moment. Checks: a column compared with numbers or
texts (`=`, `<>`, `<` …, BETWEEN, IN, IS NULL) and AND, OR, NOT between such comparisons. PostgreSQL's casts of literals
and its `= ANY (ARRAY[…])` are read as what they mean. Texts are compared for equality only: orders differ.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

from migration.catalog import Column, Kind
from migration.dialects import Dialect

_NUMBER: Final = re.compile(r"[-+]?\d+(?:\.\d+)?")
_TEXT: Final = re.compile(r"N?'((?:[^'\\]|'')*)'")
_CAST: Final = re.compile(
    r"::(?:\"[^\"]+\"|[a-z_][a-z_0-9.]*)(?: varying| precision| with(?:out)? time zone)?(?:\([\d,]+\))?(?:\[\])?"
)
# Casts that alter no value of a column that has a check, so that they may be left out of it.
_IDLE_CAST: Final = re.compile(r"::(?:text|bpchar|character varying|numeric|double precision)(?:\[\])?(?![\w(])")
_MOMENT: Final = re.compile(r"(?:current_timestamp|now|localtimestamp|getdate|sysdate|systimestamp)(?:\(\d*\))?")
_DATE: Final = re.compile(r"(?:current_date|curdate)(?:\(\))?")
_TRUTH: Final = {"true": "1", "false": "0", "1": "1", "0": "0", "'t'": "1", "'f'": "0", "b'1'": "1", "b'0'": "0"}
_COMPARISONS: Final = frozenset({"=", "<>", "!=", "<", "<=", ">", ">="})
_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<text>'(?:[^'\\]|'')*')|(?P<name>"(?:[^"]|"")+"|`(?:[^`]|``)+`|(?<!ARRAY)\[[^\]]+\])"""
    r"""|(?P<word>[^\W\d][\w$]*)|(?P<mark><=|>=|<>|!=|[=<>(),\-\[\]]))""",
)


def default(column: Column, target: Dialect) -> str | None:
    """The column's default in the target's SQL; None when it can't be said there, or there is none."""
    text = bare(column.default or "").strip()
    low = text.lower()
    if low == "null" or not text:
        return None
    if column.kind is Kind.BOOLEAN:
        return _truth(_TRUTH.get(low), target)
    if column.kind in (Kind.INTEGER, Kind.DECIMAL, Kind.NUMBER, Kind.FLOAT):
        quoted = _TEXT.fullmatch(text)
        number = quoted[1] if quoted else text
        return number if _NUMBER.fullmatch(number) else None
    if column.kind is Kind.TEXT and (found := _TEXT.fullmatch(text)):
        return target.text(found[1].replace("''", "'"))
    if column.kind is Kind.DATE and (_DATE.fullmatch(low) or _MOMENT.fullmatch(low)):
        return "(curdate())" if target.family == "mariadb" else "CURRENT_DATE"
    if column.kind in (Kind.TIMESTAMP, Kind.TIMESTAMPTZ) and _MOMENT.fullmatch(low):
        return "CURRENT_TIMESTAMP(6)" if target.family == "mariadb" else "CURRENT_TIMESTAMP"
    return None


def bare(text: str) -> str:
    """An expression without the casts of PostgreSQL and without brackets around the whole of it."""
    return unwrapped(_CAST.sub("", text))


def unwrapped(text: str) -> str:
    """An expression without brackets around the whole of it."""
    text = text.strip()
    while text.startswith("(") and text.endswith(")") and _closes_last(text):
        text = text[1:-1].strip()
    return text


def ended(statement: str) -> str:
    """A statement without blanks and semicolons at its end."""
    return statement.strip().rstrip(";").rstrip()


def check(condition: str, columns: Mapping[str, str], target: Dialect, *, texts: bool) -> str | None:
    """A check's condition in the target's SQL; None when it is more than simple comparisons.

    `columns`: the names in the target by the source's names. `texts`: the source compares texts by their characters,
    so that a comparison with a text means the same in the target.
    """
    tokens = _tokens(_IDLE_CAST.sub("", condition))
    if tokens is None or (not texts and any(kind == "text" for kind, _ in tokens)):
        return None
    try:
        reader = _Reader(tokens, columns, target)
        text = reader.either()
    except ValueError:
        return None
    return text if reader.done else None


def _truth(value: str | None, target: Dialect) -> str | None:
    if value is None or target.family != "postgresql":
        return value
    return "true" if value == "1" else "false"


def _closes_last(text: str) -> bool:
    depth = 0
    for place, char in enumerate(re.sub(r"'(?:[^']|'')*'", lambda found: "x" * len(found[0]), text)):
        depth += {"(": 1, ")": -1}.get(char, 0)
        if depth == 0:
            return place == len(text) - 1
    return False


def _tokens(text: str) -> list[tuple[str, str]] | None:
    found: list[tuple[str, str]] = []
    place = 0
    text = text.rstrip()
    while place < len(text):
        token = _TOKEN.match(text, place)
        if not token or not token.lastgroup:
            return None
        found.append((token.lastgroup, token[token.lastgroup]))
        place = token.end()
    return found


class _Reader:
    """Reads the tokens of a condition once, from the left; ValueError for what it does not know."""

    def __init__(self, tokens: list[tuple[str, str]], columns: Mapping[str, str], target: Dialect) -> None:
        self._tokens = tokens
        self._columns = columns
        self._target = target
        self._place = 0

    @property
    def done(self) -> bool:
        """Whether every token was read."""
        return self._place == len(self._tokens)

    def either(self) -> str:
        """Conditions with OR between them."""
        return self._joined("or", self._both)

    def _both(self) -> str:
        return self._joined("and", self._one)

    def _joined(self, word: str, part: Callable[[], str]) -> str:
        parts = [part()]
        while self._take(word):
            parts.append(part())
        return parts[0] if len(parts) == 1 else "(" + f" {word.upper()} ".join(parts) + ")"

    def _one(self) -> str:
        if self._take("not"):
            return f"NOT ({self._one()})"
        start = self._place
        if self._take("("):
            try:
                inner = self.either()
                self._expect(")")
            except ValueError:
                self._place = start
            else:
                if self._peek() not in _COMPARISONS:
                    return inner
                self._place = start
        return self._comparison()

    def _comparison(self) -> str:
        column = self._column()
        if self._take("is"):
            negated = self._take("not")
            self._expect("null")
            return f"{column} IS {'NOT ' if negated else ''}NULL"
        negated = self._take("not")
        if self._take("between"):
            low = self._literal(ordered=True)
            self._expect("and")
            return f"{column} {'NOT ' if negated else ''}BETWEEN {low} AND {self._literal(ordered=True)}"
        if self._take("in"):
            self._expect("(")
            return f"{column} {'NOT ' if negated else ''}IN ({self._list(')')})"
        if negated:
            raise ValueError("not")
        mark = self._mark()
        if mark == "=" and self._take("any"):
            return f"{column} IN ({self._array()})"
        return f"{column} {mark} {self._literal(ordered=mark not in ('=', '<>'))}"

    def _array(self) -> str:
        brackets = 0
        while self._take("("):
            brackets += 1
        self._expect("array")
        self._expect("[")
        listed = self._list("]")
        for _ in range(brackets):
            self._expect(")")
        return listed

    def _list(self, end: str) -> str:
        items = [self._literal(ordered=False)]
        while self._take(","):
            items.append(self._literal(ordered=False))
        self._expect(end)
        return ", ".join(items)

    def _column(self) -> str:
        if self._take("("):
            inner = self._column()
            self._expect(")")
            return inner
        kind, text = self._next()
        if kind not in ("word", "name"):
            raise ValueError(kind)
        name = text if kind == "word" else text[1:-1].replace(text[-1] * 2, text[-1])
        if name not in self._columns:
            raise ValueError("not a column")
        return self._target.quote(self._columns[name])

    def _literal(self, *, ordered: bool) -> str:
        if self._take("("):
            inner = self._literal(ordered=ordered)
            self._expect(")")
            return inner
        sign = "-" if self._take("-") else ""
        kind, text = self._next()
        if kind == "number":
            return sign + text
        if kind == "text" and not sign and not ordered:
            return self._target.text(text[1:-1].replace("''", "'"))
        raise ValueError(kind)

    def _mark(self) -> str:
        mark = self._next()[1]
        if mark not in _COMPARISONS:
            raise ValueError(mark)
        return "<>" if mark == "!=" else mark

    def _peek(self) -> str:
        return "" if self.done else self._tokens[self._place][1].lower()

    def _next(self) -> tuple[str, str]:
        if self.done:
            raise ValueError("end")
        self._place += 1
        return self._tokens[self._place - 1]

    def _take(self, text: str) -> bool:
        if self.done or self._tokens[self._place][0] in ("text", "name") or self._peek() != text:
            return False
        self._place += 1
        return True

    def _expect(self, text: str) -> None:
        if not self._take(text):
            raise ValueError(text)
