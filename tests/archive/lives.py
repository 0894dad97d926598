"""A working life with two employers, for the tests of lookups: rows of every part, some of them out of any scope."""

from dataclasses import replace
from typing import Any

from archive.scopes import Request
from formats.record import Record
from tests import builders as a

OTHER = "3301060002"
OWN_CODE, OTHER_CODE = a.an_employer().credit_code, "91330106MA2CXQ2226"
EMPLOYEES = {"requester": "employer", "requester_id": "E1", "purpose": "employment", "employer": OWN_CODE}
COURT = {"requester": "authority", "requester_id": "C1", "purpose": "duty", "basis": "Civil Procedure Law art. 70"}


def a_request(**changes: Any) -> Request:
    """A person who asks for all of the own record; `changes` are fields of Request."""
    given = Request("1", "person", "P1", "own", "resident identity card shown", "staff-7")
    return replace(given, **changes)


def a_life() -> Record:
    """2021 at one employer and half of 2022 at another: rows of every part."""
    later = tuple(a.months("2022-01", 6))
    return a.a_record(
        employers=tuple(sorted((a.an_employer(), an_other_employer()))),
        enrolments=tuple(
            sorted(
                row
                for kind in a.KINDS
                for row in (
                    a.an_enrolment(kind=kind),
                    a.an_enrolment(kind=kind, started="2022-01-01", ended="", employer_id=OTHER, base="9000.00"),
                )
            )
        ),
        contributions=tuple(
            sorted(
                row
                for kind in a.KINDS
                for row in (
                    *(a.a_contribution(kind, month) for month in a.months("2021-01", 12)),
                    *(a.a_contribution(kind, month, 9000_00, employer_id=OTHER) for month in later),
                )
            )
        ),
        subsidies=(a.a_subsidy(), a.a_subsidy(month="2022-02", amount="80.00")),
        benefits=(a.a_benefit(), a.a_benefit(month="2022-03")),
        months=tuple(row for kind in a.KINDS for row in (a.a_month_total(kind), a.a_month_total(kind, first="2022-01", last="2022-06"))),
        account=(a.an_account_year(), a.an_account_year(year="2022", opening="6963.52")),
        other=(a.an_entry(), a.an_entry(date="2022-04-01")),
    )  # fmt: skip


def an_other_employer() -> Any:
    """The employer of 2022."""
    return a.an_employer(employer_id=OTHER, name="宁波示例有限公司", credit_code=OTHER_CODE)
