"""What is wrong with an object, by the codes of the standard."""

import os
from dataclasses import dataclass

_EACH_CODE = 1000  # a hostile inventory has no end of flaws
_SHOWN = 200  # characters of a text that somebody else wrote


@dataclass(frozen=True, slots=True)
class Flaw:
    """One rule broken: `E...` (MUST) or `W...` (SHOULD) of the OCFL 1.1 validation codes.

    `subject` is a path relative to what was judged, `text` says what was found; both can be printed whatever the names
    on the disk or in the inventory are.
    """

    code: str
    subject: str
    text: str

    @property
    def is_error(self) -> bool:
        """Whether the object is not valid for it; a warning leaves it valid."""
        return self.code.startswith("E")


class Findings:
    """Flaws as they are found; of one code at most a thousand are kept."""

    def __init__(self) -> None:
        self._flaws: dict[Flaw, None] = {}
        self._counts: dict[str, int] = {}

    def add(self, code: str, subject: str, text: str) -> None:
        """Note a flaw; the same flaw twice is one."""
        flaw = Flaw(code, shown(subject), shown(text))
        if flaw in self._flaws or self._counts.get(code, 0) >= _EACH_CODE:
            return
        self._counts[code] = self._counts.get(code, 0) + 1
        self._flaws[flaw] = None

    @property
    def flaws(self) -> tuple[Flaw, ...]:
        """In the order in which they were found."""
        return tuple(self._flaws)


def shown(text: str) -> str:
    """A text that can be printed anywhere: cut to 200 characters, with what is not printable escaped."""
    whole = os.fsencode(text[:_SHOWN]) if _is_a_name(text[:_SHOWN]) else text[:_SHOWN].encode("utf-8", "replace")
    cut = whole.decode("utf-8", "backslashreplace")
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii") for sign in cut)


def _is_a_name(text: str) -> bool:
    """Whether it can be a name on a disk: lone surrogates stand for bytes there, in JSON for nothing."""
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        return False
    return True
