"""JSON that somebody else wrote: read strictly, so that two readers cannot read two things (RFC 8259, RFC 7493)."""

import json
import re
from typing import NoReturn

MOST_BYTES = 16 << 20  # of an inventory; ours have some kilobytes
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class NotJsonError(ValueError):
    """Why the bytes are not JSON that can be relied on; caught inside this package."""


def load(data: bytes) -> object:
    """The value. Raises NotJsonError: too long, not UTF-8, not JSON, a key twice, too deep, no Unicode text."""
    if len(data) > MOST_BYTES:
        raise NotJsonError(f"longer than {MOST_BYTES} bytes")
    try:
        value: object = json.loads(data.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number)
        if _SURROGATE.search(data):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeError:
        raise NotJsonError("not UTF-8") from None
    except RecursionError:
        raise NotJsonError("nested too deeply") from None
    except NotJsonError:
        raise
    except ValueError:  # the decoder's message quotes nothing, but a number of 5000 digits has its own
        raise NotJsonError("not JSON") from None
    return value


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise NotJsonError("a key stands twice in one object")
    return value


def _no_number(_name: str) -> NoReturn:
    raise NotJsonError("NaN and Infinity are not JSON")
