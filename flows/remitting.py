"""Money that comes in for a case: entered, and the delivery that waits for it is judged again (66号 art. 4)."""

import re
from datetime import date, datetime

from archive import cases, money, resuming
from archive.case import State
from archive.money import Remittance
from flows.wiring import Office
from formats.codes import insurance_kinds
from formats.errors import UsageError

_MONEY = re.compile(r"(0|[1-9][0-9]{0,12})\.[0-9]{2}")
_WHY = "money came in"


def remit(office: Office, number: str, item: Remittance, who: str, at: datetime) -> None:
    """Enter money; a delivery that is on hold for it is judged again by the next pass.

    Raises UsageError S421 (not an amount, a kind, a day or a voucher), S411, S412; UnreachableError S409.
    """
    if not _MONEY.fullmatch(item.amount) or not _is_day(item.received) or not item.reference.strip():
        raise UsageError("S421", "give --amount in yuan with two places, --received as YYYY-MM-DD, and --reference")
    if item.kind not in insurance_kinds():
        raise UsageError("S421", f"{item.kind} is no insurance kind")
    money.record(office.ledger, number, item, who, at)
    (row,) = cases.listing(office.ledger, direction="in", case=number)
    if row.state is State.RECEIVED and any(finding.code == "C423" for finding in row.findings):
        resuming.resume(office.ledger, number, who, _WHY, at)


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
