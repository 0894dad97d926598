"""Warnings of keys that end soon: the office's own and its partners', in every pass's report and in the directory.

What counts is the last key: while a partner has a key that goes on, the end of an earlier one is as it should be.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from flows import own_keys
from flows.own_keys import Role
from flows.reports import Warned
from flows.settings import Settings
from flows.times import utc_text
from flows.wiring import Office
from formats.errors import ServiceError
from transfer.partner import FOREVER, KeyState, last_use, state
from transfer.partners import Directory

SOON = "S482"  # the reason of a key that ends within the days of the setting
NONE_LEFT = "S483"  # that of an office without a valid key


@dataclass(frozen=True, slots=True)
class KeyLine:
    """One key of the directory: whose, what it is now, from when to when it counts.

    `code` and `name` are the office's. `role` is empty for a partner's key. `ends` is FOREVER where no end is known.
    """

    code: str
    name: str
    mailbox: str
    fingerprint: str
    state: KeyState
    begins: datetime
    ends: datetime
    role: Role | Literal[""] = ""

    @property
    def until(self) -> str:
        """From when on it does not count, as UTC text; empty where no end is known."""
        return "" if self.ends >= FOREVER else utc_text(self.ends)

    def days_left(self, at: datetime) -> int | None:
        """Whole days until its end: None without an end, 0 for one that does not count any more."""
        if self.state in ("ended", "revoked"):
            return 0
        return None if self.ends >= FOREVER else max((self.ends - at) // timedelta(days=1), 0)


def own(settings: Settings, at: datetime) -> tuple[KeyLine, ...]:
    """The office's own keys, the present one first. Raises UsageError S408."""
    lines = []
    for key in own_keys.listed(settings.home):
        public = key.public
        ends = last_use(public)
        if key.role == "earlier":  # one without a time was put there by hand, and opens what is kept alone
            ends = min(ends, key.until or public.created)
        what = state(public.created, ends, public.revoked, at)
        told = (settings.code, settings.name, settings.mailbox.url, public.fingerprint)
        lines.append(KeyLine(*told, what, public.created, ends, key.role))
    return tuple(lines)


def of_partners(directory: Directory, at: datetime) -> tuple[KeyLine, ...]:
    """The partners' keys, by the partner's code."""
    return tuple(
        KeyLine(
            code=partner.code,
            name=partner.name,
            mailbox=partner.mailbox,
            fingerprint=known.key.fingerprint,
            state=known.state(at),
            begins=known.not_before,
            ends=known.until,
        )
        for partner in directory.partners.values()
        for known in partner.keys
    )


def warnings(office: Office, at: datetime) -> tuple[Warned, ...]:
    """What must be renewed soon. A directory or key that cannot be read has no warnings: what needs it says so."""
    try:
        lines = [line for line in own(office.settings, at) if line.role != "earlier"]
        theirs = of_partners(office.directory, at)
    except ServiceError:
        return ()
    codes = dict.fromkeys(line.code for line in theirs)
    offices = [lines, *([line for line in theirs if line.code == code] for code in codes)]
    found = (_warned(keys, office.settings.warn_days, at) for keys in offices)
    return tuple(item for item in found if item is not None)


def _warned(lines: Sequence[KeyLine], days: Sequence[int], at: datetime) -> Warned | None:
    """The warning about one office's keys, if there is one: none of them goes on for longer than the setting says."""
    fit = [line for line in lines if line.state in ("valid", "not yet")]
    if not fit:
        return Warned(lines[0].code, NONE_LEFT, f"the last one was {lines[-1].fingerprint}") if lines else None
    last = max(fit, key=lambda line: line.ends)
    left = last.days_left(at)
    near = [limit for limit in days if left is not None and left < limit]
    if not near:
        return None
    return Warned(last.code, SOON, f"{last.fingerprint} until {last.until}, within {min(near)} days")
