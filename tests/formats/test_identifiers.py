"""Person, office, case and message numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import ric, uscc

from formats import identifiers

DIVISIONS = st.integers(100000, 999999).map(str)
BIRTHS = st.dates().filter(lambda day: day.year >= 1900).map(lambda day: f"{day:%Y%m%d}")
ORDERS = st.integers(0, 999).map(lambda order: f"{order:03d}")


@given(DIVISIONS, BIRTHS, ORDERS)
def test_an_identity_number_says_birth_and_sex(division: str, birth: str, order: str) -> None:
    """Any division, date and order number with its check digit is valid and is read back."""
    number = f"{division}{birth}{order}"
    number += ric.calc_check_digit(f"{number}0")
    assert identifiers.is_social_security_number(number)
    assert identifiers.birth_date_of(number) == f"{birth[:4]}-{birth[4:6]}-{birth[6:]}"
    assert identifiers.sex_of(number) == ("1" if int(order) % 2 else "2")


@given(st.integers(0, 16), st.integers(1, 9))
def test_a_changed_digit_breaks_the_check_digit(place: int, change: int) -> None:
    """ISO 7064 MOD 11-2 finds every change of a single digit."""
    number = "11010519491231002X"
    digit = str((int(number[place]) + change) % 10)
    assert not identifiers.is_resident_number(number[:place] + digit + number[place + 1 :])


def test_a_repealed_division_is_accepted() -> None:
    """The division is the one at first issue: python-stdnum refuses one that is not in its list, and the check does not."""
    number = "999999198503171210"
    number = number[:-1] + ric.calc_check_digit(number)
    assert not ric.is_valid(number)
    assert identifiers.is_social_security_number(number)


@pytest.mark.parametrize(
    "number",
    [
        "",
        "11010519491231002x",  # the check digit X is upper case
        "110105194912310021",  # wrong check digit
        "110105491231002",  # the 15 digits of before 1999
        "11010519490231002X",  # no 31 February
        " 11010519491231002X",
        "1101051949123100２X",  # a full-width digit
        "A",  # no country code
        "USAabc",
        "USA" + "1" * 30,  # longer than 32
    ],
)
def test_numbers_that_are_not_social_security_numbers(number: str) -> None:
    """Wrong length, case, digit, date or form is refused, and no birth and no sex is read from it."""
    assert not identifiers.is_social_security_number(number)
    assert identifiers.birth_date_of(number) == ""
    assert identifiers.sex_of(number) == ""


@pytest.mark.parametrize("number", ["USA0E1234567", "HKG0H12345678", "MAC01234567(8)", "TWN012345678"])
def test_a_foreign_number_says_neither_birth_nor_sex(number: str) -> None:
    """Country code and document number are a valid social security number without birth and sex."""
    assert identifiers.is_social_security_number(number)
    assert identifiers.birth_date_of(number) == ""
    assert identifiers.sex_of(number) == ""


@pytest.mark.parametrize("code", ["91350100M000100Y43", "91110000600037341L"])
def test_published_credit_codes_are_valid(code: str) -> None:
    """The example of GB 32100 and a real one hold."""
    assert identifiers.is_credit_code(code)


def test_an_authority_may_be_a_letter() -> None:
    """Rural collectives have codes that begin with N: valid here, though python-stdnum refuses their form."""
    code = "N2330106MF0123456"
    code += uscc.calc_check_digit(code)
    assert not uscc.is_valid(code)
    assert identifiers.is_credit_code(code)


@pytest.mark.parametrize(
    "code",
    ["", "91350100M000100Y44", "91350100m000100y43", "91350100M000100Y4", "91350100I000100Y43", "9135010 M000100Y43"],
)
def test_wrong_credit_codes(code: str) -> None:
    """A wrong check character, lower case, length, a letter outside the alphabet, a space are refused."""
    assert not identifiers.is_credit_code(code)


def test_agency_codes() -> None:
    """An agency code is 8 ASCII digits and does not begin with 0."""
    assert identifiers.is_agency_code("33010001")
    assert not any(map(identifiers.is_agency_code, ("", "3301001", "330100011", "03010001", "3301000A", "３3010001")))


@given(st.integers(1, 999_999), st.integers(2000, 9999))
def test_case_numbers_are_made_and_known(serial: int, year: int) -> None:
    """Every number that is made is one."""
    assert identifiers.is_case_number(identifiers.case_number("33010001", year, serial))


def test_case_number_form() -> None:
    """Office, year and serial with fixed widths."""
    assert identifiers.case_number("33010001", 2026, 123) == "33010001-2026-000123"
    assert not any(
        map(identifiers.is_case_number, ("", "33010001-2026-123", "3301001-2026-000123", "33010001/2026/000123"))
    )


@pytest.mark.parametrize(
    ("office", "year", "serial"),
    [("3301", 2026, 1), ("33010001", 26000, 1), ("33010001", 2026, 0), ("33010001", 2026, 10**6)],
)
def test_parts_that_do_not_fit_a_case_number(office: str, year: int, serial: int) -> None:
    """An office, year or serial out of range makes no number."""
    with pytest.raises(ValueError, match="case number"):
        identifiers.case_number(office, year, serial)


@given(st.uuids())
def test_message_ids(message_id: object) -> None:
    """A UUID in lower case with hyphens is a message id; in other spellings it is not."""
    text = str(message_id)
    assert identifiers.is_message_id(text)
    assert not identifiers.is_message_id(text.replace("-", ""))
    assert not identifiers.is_message_id(f"{{{text}}}")
    assert not identifiers.is_message_id(f"x{text}")
