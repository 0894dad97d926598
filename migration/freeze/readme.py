"""The words that lie beside a freeze, for whoever reads it when this program is long gone."""

from pathlib import Path
from typing import Final

from migration import canon

_RULES: Final = "{rules}"


def text() -> bytes:
    """The file's bytes: how to check and read the freeze, the rules of canonical bytes, in English and Chinese."""
    template = Path(__file__).with_name("readme.txt").read_text(encoding="utf-8")
    _, _, rules = (canon.__doc__ or "").partition("\n\n")
    return template.replace(_RULES, rules.strip("\n")).encode()
