"""Person, office, case and message numbers: what a well-formed one is and what it says.

All functions take text as it stands in a record and answer without raising. Check digits come from python-stdnum; its
whole `validate` is not used for identity numbers, because it refuses numbers whose division is not in its list for the
year of birth. The division in an identity number is the one at first issue and often repealed since (GB 11643), so
only the shape, the date of birth and the check digit may decide.
"""

import re
from datetime import date
from uuid import UUID

from stdnum.cn import ric, uscc

# GB/T 2261.1; the order number of an identity number (GB 11643) is odd for men.
_MALE, _FEMALE = "1", "2"

_RESIDENT = re.compile(r"[1-9][0-9]{16}[0-9X]")
# Country code (ISO 3166-1 alpha-3), a reserved digit, the number of the document (GB/T 40217-2021, 003002): agencies
# differ in whether they write the reserved digit, so only the country code is required.
_FOREIGN = re.compile(r"[A-Z]{3}[0-9A-Z()/-]{1,29}")
# GB 32100: authority, type, division, subject, check; the authority may be a letter (A army, N agriculture, Y other).
_CREDIT_CODE = re.compile(r"[0-9A-HJ-NP-RTUW-Y]{2}[0-9]{6}[0-9A-HJ-NP-RTUW-Y]{10}")
_AGENCY = re.compile(r"[1-9][0-9]{7}")
_STAFF = re.compile(r"[0-9A-Za-z._@-]{1,64}")
_CASE = re.compile(r"([1-9][0-9]{7})-([0-9]{4})-([0-9]{6})")
MOST_CASES = 10**6 - 1  # of an office in a year: the serial of a case number has six digits


def is_resident_number(text: str) -> bool:
    """Whether this is a citizen's identity number (公民身份号码, GB 11643): shape, a real date, the check digit."""
    return _RESIDENT.fullmatch(text) is not None and _real_date(text) and ric.calc_check_digit(text) == text[-1]


def is_social_security_number(text: str) -> bool:
    """Whether this is a social security number (社会保障号码, AAC002).

    A citizen's is the identity number (社会保险经办条例 art. 6). Others have the letters of a country code, then the
    number of their document (GB/T 40217-2021, 003002).
    """
    return is_resident_number(text) if text[:1].isdigit() else _FOREIGN.fullmatch(text) is not None


def birth_date_of(number: str) -> str:
    """The date of birth (`YYYY-MM-DD`) in a social security number; empty where it holds none or is not valid."""
    return f"{number[6:10]}-{number[10:12]}-{number[12:14]}" if is_resident_number(number) else ""


def sex_of(number: str) -> str:
    """The sex (GB/T 2261.1: 1 male, 2 female) in a social security number; empty as with `birth_date_of`."""
    if not is_resident_number(number):
        return ""
    return _MALE if int(number[16]) % 2 else _FEMALE


def is_credit_code(text: str) -> bool:
    """Whether this is a unified social credit code (统一社会信用代码, GB 32100).

    python-stdnum's `validate` refuses authorities that are letters (N, rural collectives), so its check digit is used
    with the shape of the standard.
    """
    return _CREDIT_CODE.fullmatch(text) is not None and uscc.calc_check_digit(text[:-1]) == text[-1]


def is_agency_code(text: str) -> bool:
    """Whether this is an office's code: 8 digits, a division (GB/T 2260) and two more."""
    return _AGENCY.fullmatch(text) is not None


def is_case_number(text: str) -> bool:
    """Whether this is a case number, e.g. `33010001-2026-000123`: the office that opened it, the year, a serial."""
    return _CASE.fullmatch(text) is not None


def case_number(office: str, year: int, serial: int) -> str:
    """The number of an office's case; `serial` counts from 1 in each year. ValueError if one of them does not fit."""
    number = f"{office}-{year:04d}-{serial:06d}"
    if not 0 < serial <= MOST_CASES or not is_case_number(number):
        raise ValueError("a case number is made of an 8-digit office, a 4-digit year and a serial from 1 to 999999")
    return number


def is_staff_id(text: str) -> bool:
    """Whether this can be a staff number 经办人 (AAE011): up to 64 letters, digits and `._@-`; not a name."""
    return _STAFF.fullmatch(text) is not None


def is_message_id(text: str) -> bool:
    """Whether this is a message id: a UUID in lower case with hyphens (RFC 9562 section 4)."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _real_date(number: str) -> bool:
    try:
        date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    return True
