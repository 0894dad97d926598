"""The business rules that a delivery must keep: one small function a rule, each with its reason code (R001 and on).

    person.py         R001-R007, R030   who the person is
    enrolment.py      R008, R021-R023   what is transferred, and whether it may be
    contributions.py  R010-R015         what was due and paid
    account.py        R016-R020, R024   months and personal account, recomputed from the rows (art. 6)
    codes.py          R025-R027, R029   codes, references, dates
    formats.pension   R040-R052         the information forms, where a delivery has them

A rule gets the `Figures` of one delivery and yields the places where it does not hold, the first ones first. Whether a
rule refuses (error) or only tells (warning) is in the table of reasons. A rule about a value that is absent holds.

The rules expect a delivery that has passed the schema; one that has not gives findings too, never an exception.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice
from operator import attrgetter

from formats.messages import Delivery, Finding
from formats.pension.checking import check_forms
from formats.reasons import reason
from formats.rules import account, codes, contributions, enrolment, person
from formats.rules.figures import Figures, Place, figures_of

# A receipt shows where to begin, not everything: one wrong setting at the sender can break a rule in every row.
MOST_FINDINGS = 20


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its reason code and the function that yields where it does not hold."""

    code: str
    places: Callable[[Figures], Iterator[Place]]

    def findings(self, figures: Figures) -> Iterator[Finding]:
        """The first `MOST_FINDINGS` places as findings."""
        for place in islice(self.places(figures), MOST_FINDINGS):
            yield Finding(self.code, place.path, place.expected, place.found)


RULES: tuple[Rule, ...] = (
    Rule("R001", person.social_security_number),
    Rule("R002", person.birth_date),
    Rule("R003", person.sex),
    Rule("R004", person.first_work),
    Rule("R005", person.first_enrolment),
    Rule("R006", person.retirement),
    Rule("R007", person.death),
    Rule("R008", enrolment.status),
    Rule("R010", contributions.band),
    Rule("R011", contributions.employer_paid),
    Rule("R012", contributions.person_paid),
    Rule("R013", contributions.account_paid),
    Rule("R014", contributions.double_month),
    Rule("R015", contributions.overlap),
    Rule("R016", account.years),
    Rule("R017", account.sums),
    Rule("R018", account.person_part),
    Rule("R019", account.month_counts),
    Rule("R020", account.month_ends),
    Rule("R021", enrolment.drawing),
    Rule("R022", enrolment.kinds),
    Rule("R023", enrolment.age),
    Rule("R024", account.interest),
    Rule("R025", codes.in_lists),
    Rule("R026", codes.credit_codes),
    Rule("R027", codes.employers),
    Rule("R029", codes.dates),
    Rule("R030", person.names),
)


def check(delivery: Delivery, on: date, *, posted: bool = False) -> tuple[Finding, ...]:
    """All findings of all rules, errors and warnings, in the order of the rules' codes.

    `on` is the day of the check: nothing in a record lies after it. `posted`: the person was moved by an officially
    approved posting, as the contact letter says. At most `MOST_FINDINGS` a rule.
    """
    shared = figures_of(delivery, on, posted=posted)
    found = tuple(finding for rule in RULES for finding in rule.findings(shared))
    if not delivery.forms:
        return found
    of_forms = check_forms(delivery.forms, delivery.kinds, delivery.record, on, posted=posted)
    return tuple(sorted(found + of_forms, key=attrgetter("code")))


def blocks(findings: Iterable[Finding]) -> bool:
    """Whether one of the findings refuses the delivery: any whose reason is an error, not a warning."""
    return any(reason(finding.code).severity == "error" for finding in findings)


__all__ = ["MOST_FINDINGS", "RULES", "Figures", "Place", "Rule", "blocks", "check"]
