"""The insurance kinds of a case, as a command takes them."""

from collections.abc import Sequence

from formats.codes import insurance_kinds
from formats.errors import UsageError

KINDS = "110,210,310"


def moving_kinds(kinds: Sequence[str]) -> tuple[str, ...]:
    """The insurance kinds of a case. Raises UsageError S421 for one that is not known or never moves."""
    known = insurance_kinds()
    for kind in kinds:
        if kind not in known or not known[kind].transfers:
            raise UsageError("S421", f"the insurance kind {kind} is not one that moves")
    return tuple(dict.fromkeys(kinds))
