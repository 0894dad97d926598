"""R025-R027 and R029: codes, references and dates."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from formats.codes import code_list
from formats.identifiers import is_credit_code
from formats.rules.enrolment import kind_columns
from formats.rules.figures import Figures, Place, contribution

_REGISTRATION = "/delivery/record/registration"


def in_lists(figures: Figures) -> Iterator[Place]:
    """R025: every code is in its list.

    Employer types, benefit items and the like are known in part only (the standard's lists are not public), so they
    are not asked for. Divisions and nationalities change too often to refuse one.
    """
    for path, codes, name in _coded(figures):
        known = code_list(name).codes.keys()
        if not known >= set(codes) - {""}:
            for row, code in enumerate(codes, 1):
                if code and code not in known:
                    yield Place(path.format(row), f"a code of the list {name}", "another code")


def credit_codes(figures: Figures) -> Iterator[Place]:
    """R026: an employer's unified social credit code is valid (GB 32100). Employers of former times have none."""
    for row, employer in enumerate(figures.record.employers, 1):
        if employer.credit_code and not is_credit_code(employer.credit_code):
            path = f"{_REGISTRATION}/employers/employer[{row}]/@creditCode"
            yield Place(path, "18 characters with their check character", "another form")


def employers(figures: Figures) -> Iterator[Place]:
    """R027: every employer that a row refers to is listed, once. Persons who pay for themselves have none."""
    listed: set[str] = set()
    for row, employer in enumerate(figures.record.employers, 1):
        if employer.employer_id in listed:
            path = f"{_REGISTRATION}/employers/employer[{row}]/@employerId"
            yield Place(path, "an employer that no row before lists", "the same again")
        listed.add(employer.employer_id)
    listed.add("")
    for row, enrolment in enumerate(figures.record.enrolments, 1):
        if enrolment.employer_id not in listed:
            yield Place(f"{_REGISTRATION}/enrolments/enrolment[{row}]/@employerId", "a listed employer", "not listed")
    column = figures.columns["employer_id"]
    if not listed.issuperset(column):
        for index, reference in enumerate(column):
            if reference not in listed:
                yield Place(contribution(index, "employerId"), "a listed employer", "not listed")


def dates(figures: Figures) -> Iterator[Place]:
    """R029: no month and no date lies after the day of the check, nor before the birth.

    The first work is compared with the birth by R004, not here.
    """
    person, today = figures.record.person, figures.on.isoformat()
    for path, column in _dated(figures):
        first, last = min(filter(None, column), default=""), max(column, default="")
        # Months and years compare with the beginning of a date of the same length.
        if last > today or first < person.birth_date[: len(first)]:
            for row, text in enumerate(column, 1):
                if text > today:
                    yield Place(path.format(row), "not after the day of the check", "later")
                elif text and text < person.birth_date[: len(text)]:
                    yield Place(path.format(row), "not before the birth", "earlier")
    for name, text in (("birthDate", person.birth_date), ("firstWorkDate", person.first_work_date)):
        if text > today:
            yield Place(f"{_REGISTRATION}/person/@{name}", "not after the day of the check", "later")


def _coded(figures: Figures) -> Iterator[tuple[str, Sequence[str], str]]:
    """Columns of codes: path with a place for the row number, the codes, the name of their list."""
    record = figures.record
    person, enrolments = record.person, record.enrolments
    yield "/delivery/@kinds", figures.delivery.kinds, "insurance_kind"
    for path, column in kind_columns(figures):
        yield f"{path}[{{}}]/@kind", column, "insurance_kind"
    yield f"{_REGISTRATION}/person/@sex", (person.sex,), "sex"
    yield f"{_REGISTRATION}/person/@ethnicGroup", (person.ethnic_group,), "ethnic_group"
    yield f"{_REGISTRATION}/person/@documentType", (person.document_type,), "document_type"
    spell = f"{_REGISTRATION}/enrolments/enrolment[{{}}]"
    yield f"{spell}/@enrolmentStatus", [row.enrolment_status for row in enrolments], "enrolment_status"
    yield f"{spell}/@contributionStatus", [row.contribution_status for row in enrolments], "contribution_status"
    yield f"{spell}/@retired", [row.retired for row in enrolments], "yes_no"
    contributions = "/delivery/record/contributions"
    types = figures.columns["contribution_type"]
    yield f"{contributions}/contribution[{{}}]/@contributionType", types, "contribution_type"
    items = [row.funding_item for row in record.subsidies]
    yield f"{contributions}/subsidy[{{}}]/@fundingItem", items, "funding_item"
    statuses = [row.status for row in record.benefits]
    yield "/delivery/record/benefits/benefit[{}]/@status", statuses, "benefit_status"


def _dated(figures: Figures) -> Iterable[tuple[str, Sequence[str]]]:
    """Columns of dates, months and years: path with a place for the row number, and the texts."""
    record, columns = figures.record, figures.columns
    person = record.person
    named = (
        ("firstEnrolmentMonth", person.first_enrolment_month),
        ("retirementDate", person.retirement_date),
        ("deathDate", person.death_date),
    )
    spell = f"{_REGISTRATION}/enrolments/enrolment[{{}}]"
    total = "/delivery/record/account/monthTotal[{}]"
    rows: tuple[tuple[str, Sequence[str]], ...] = (
        (f"{spell}/@started", [row.started for row in record.enrolments]),
        (f"{spell}/@ended", [row.ended for row in record.enrolments]),
        ("/delivery/record/contributions/contribution[{}]/@month", columns["month"]),
        ("/delivery/record/contributions/contribution[{}]/@settled", columns["settled"]),
        ("/delivery/record/contributions/contribution[{}]/@received", columns["received"]),
        ("/delivery/record/contributions/subsidy[{}]/@month", [row.month for row in record.subsidies]),
        ("/delivery/record/contributions/subsidy[{}]/@received", [row.received for row in record.subsidies]),
        ("/delivery/record/benefits/benefit[{}]/@month", [row.month for row in record.benefits]),
        (f"{total}/@first", [row.first for row in record.months]),
        (f"{total}/@last", [row.last for row in record.months]),
        ("/delivery/record/account/accountYear[{}]/@year", [row.year for row in record.account]),
        ("/delivery/record/other/entry[{}]/@date", [row.date for row in record.other]),
    )
    return chain(((f"{_REGISTRATION}/person/@{name}", (text,)) for name, text in named), rows)
