"""R008 and R021-R023: what is transferred, and whether it may be (社会保险经办条例 arts. 12-15)."""

from collections.abc import Iterator, Sequence

from formats.codes import insurance_kinds
from formats.record import Record
from formats.rules.figures import Figures, Place, number

_PAYING = "1"  # AAC031
_STOPPED = ("2", "3")
_DRAWING = "1"  # AAE116
_RETIRED = "1"  # AAC084

# 国办发〔2009〕66号 art. 5: from this age on (by GB/T 2261.1), outside the household province, the new place only opens
# a temporary account for the employees' pension.
_TEMPORARY_FROM = {"1": 50, "2": 40}
_TEMPORARY_SCHEME = "pension"
_PENSIONS = ("pension", "resident-pension")


def status(figures: Figures) -> Iterator[Place]:
    """R008: a paying spell has a base and no end; an interrupted or ended one has an end and no base.

    Residents pay by levels, not on a base, so only kinds with a legal band must have one.
    """
    for row, enrolment in enumerate(figures.record.enrolments, 1):
        path = f"/delivery/record/registration/enrolments/enrolment[{row}]"
        if enrolment.contribution_status == _PAYING:
            kind = insurance_kinds().get(enrolment.kind)
            if kind is not None and kind.banded and number(enrolment.base) <= 0:
                yield Place(f"{path}/@base", "a base above 0", "none")
            if enrolment.ended:
                yield Place(f"{path}/@ended", "no end while paying", "an end")
        elif enrolment.contribution_status in _STOPPED:
            if enrolment.base:
                yield Place(f"{path}/@base", "no base after the end", "a base")
            if not enrolment.ended:
                yield Place(f"{path}/@ended", "an end", "none")


def drawing(figures: Figures) -> Iterator[Place]:
    """R021: a pension that the person already draws does not move, nor does one after retirement.

    Unemployment insurance moves with the benefits that remain, so only pensions are held back.
    """
    kinds = insurance_kinds()
    for row, benefit in enumerate(figures.record.benefits, 1):
        drawn = kinds.get(benefit.kind)
        moving = benefit.kind in figures.delivery.kinds and drawn is not None and drawn.scheme in _PENSIONS
        if benefit.status == _DRAWING and moving:
            yield Place(f"/delivery/record/benefits/benefit[{row}]/@status", "not being paid", "being paid")
    for row, enrolment in enumerate(figures.record.enrolments, 1):
        kind = kinds.get(enrolment.kind)
        if enrolment.retired == _RETIRED and kind is not None and kind.scheme in _PENSIONS:
            path = f"/delivery/record/registration/enrolments/enrolment[{row}]/@retired"
            yield Place(path, "not retired", "retired")


def kinds(figures: Figures) -> Iterator[Place]:
    """R022: work injury (410) and maternity (510) never move, and only rows of the transferred kinds are there."""
    table = insurance_kinds()
    for kind in figures.delivery.kinds:
        if kind in table and not table[kind].transfers:
            yield Place("/delivery/@kinds", "kinds that move", "a kind that never moves")
    transferred = frozenset(figures.delivery.kinds)
    for path, column in kind_columns(figures):
        if not transferred.issuperset(column):
            for row, kind in enumerate(column, 1):
                if kind not in transferred:
                    yield Place(f"{path}[{row}]/@kind", "one of /delivery/@kinds", "another kind")


def age(figures: Figures) -> Iterator[Place]:
    """R023 (warning): men from 50 and women from 40 on get a temporary account outside the household province.

    Who was moved by an officially approved posting does not.
    """
    person = figures.record.person
    table = insurance_kinds()
    pension = any(kind in table and table[kind].scheme == _TEMPORARY_SCHEME for kind in figures.delivery.kinds)
    years = _TEMPORARY_FROM.get(person.sex)
    if figures.posted or not pension or years is None or not person.household_place or not person.birth_date:
        return
    reached = f"{figures.on.year - years:04d}-{figures.on:%m-%d}" >= person.birth_date
    if reached and person.household_place[:2] != figures.delivery.header.receiver[:2]:
        path = "/delivery/record/registration/person/@householdPlace"
        yield Place(path, "the receiving office's province at this age", "another province")


def kind_columns(figures: Figures) -> Iterator[tuple[str, Sequence[str]]]:
    """The insurance kinds of all rows: for each element its path (without row number) and the column."""
    record: Record = figures.record
    yield "/delivery/record/registration/enrolments/enrolment", [row.kind for row in record.enrolments]
    yield "/delivery/record/contributions/contribution", figures.columns["kind"]
    yield "/delivery/record/contributions/subsidy", [row.kind for row in record.subsidies]
    yield "/delivery/record/benefits/benefit", [row.kind for row in record.benefits]
    yield "/delivery/record/account/monthTotal", [row.kind for row in record.months]
    yield "/delivery/record/account/accountYear", [row.kind for row in record.account]
