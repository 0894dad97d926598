"""A partner and its keys as values: which key counts when, and to which one encrypts. Pure.

What this office's own file says of a key and what the key says of itself both bound it, and the narrower counts.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from formats.errors import UsageError
from transfer.certificates import Bound
from transfer.keys import PublicKey

# A key without an end.
FOREVER: Final = datetime(9999, 12, 31, tzinfo=UTC)

# What a key is at a time: `not yet` before it counts, `ended` after.
KeyState = Literal["valid", "not yet", "ended", "revoked"]


@dataclass(frozen=True, slots=True)
class PartnerKey:
    """One key of a partner and when it counts, by this office's own file. Times are UTC; `not_after` is exclusive."""

    key: PublicKey
    not_before: datetime
    not_after: datetime
    revoked: datetime | None = None

    def valid(self, at: datetime) -> bool:
        """Whether it may be used at this time, by this office's own file."""
        return self.not_before <= at < self.not_after and self.revoked is None

    def encrypts(self, at: datetime) -> bool:
        """Whether one may encrypt to it at this time: by the file, and by what it says of itself."""
        return self.valid(at) and any(part.bound.valid(at) and not part.weak for part in self.key.encryption)

    @property
    def until(self) -> datetime:
        """From when on it cannot be used any more, as far as is known today; FOREVER without an end."""
        return min(self.not_after, last_use(self.key))

    def state(self, at: datetime) -> KeyState:
        """What it is at this time."""
        return state(self.not_before, self.until, self.revoked or self.key.revoked, at)


@dataclass(frozen=True, slots=True)
class Partner:
    """An office with which this one exchanges."""

    code: str
    name: str
    mailbox: str
    host_key: str
    added: datetime
    keys: tuple[PartnerKey, ...]
    journal: str = ""  # public line of its journal's key

    def recipient(self, at: datetime) -> PublicKey:
        """The newest key to which one may encrypt at this time. Raises UsageError S408 if there is none.

        Of keys made in the same second it is the one that was added last.
        """
        fit = [known.key for known in self.keys if known.encrypts(at)]
        if not fit:
            raise UsageError("S408", f"partner {self.code} has no valid key")
        return max(reversed(fit), key=lambda key: key.created)


def state(begins: datetime, ends: datetime, revoked: datetime | None, at: datetime) -> KeyState:
    """What a key with these bounds is at this time."""
    if revoked is not None:
        return "revoked"
    if at < begins:
        return "not yet"
    return "valid" if at < ends else "ended"


def last_use(key: PublicKey) -> datetime:
    """From when on a certificate cannot both sign and be encrypted to, by what it says itself; else FOREVER."""
    signs, encrypts = (part.bound for part in key.signing), (part.bound for part in key.encryption)
    return min(key.expires or FOREVER, _last(signs), _last(encrypts))


def _last(parts: Iterable[Bound]) -> datetime:
    return max((part.expires or FOREVER for part in parts if part.revoked is None), default=FOREVER)
