"""Checks of an information form, of one's own before it is sent and of a received one: R040 to R052.

1. The form by itself: kind (R022, R049), sums (R040), months (R041), rows (R042, R043), account years (R044).
2. The person: a pension that is drawn does not move (R021); the age rule (R048).
3. The form beside the record with which it travels, filled in again: R045, or R046 within rounding, or R047 where a
   figure has a part that no rule gives. Nothing is ever overwritten: both figures stay. What is wrong by itself is not
   told once more: neither at the same place, nor of rows that do not lie in years or overlap (R042, R043).
4. What the filling tells: R050, R051, R052.

Which of them refuse is in the table of reasons.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from datetime import date
from itertools import islice

from formats.codes import insurance_kinds
from formats.information_form import FormPeriod, InformationForm
from formats.messages import Finding
from formats.pension import comparing
from formats.pension.filling import fill_and_tell
from formats.pension.money import fen
from formats.pension.parameters import Parameters, parameters
from formats.pension.temporary import is_temporary
from formats.record import Record

# As of the business rules: a receipt shows where to begin.
MOST_FINDINGS = 20

_PENSIONS = ("pension", "resident-pension")
_TEMPORARY_SCHEME = "pension"
_DRAWING, _RETIRED = "1", "1"  # AAE116, AAC084
_YEAR_MONTHS = 12


def check(
    form: InformationForm,
    record: Record,
    on: date,
    number: int = 1,
    figures: Parameters | None = None,
    *,
    posted: bool = False,
) -> tuple[Finding, ...]:
    """What is wrong with form `number` (from 1) of a delivery, at most `MOST_FINDINGS` a code.

    `on` is the day of the check, of which only the transfer must not lie after it. `figures` in the place of our own
    table. `posted`: moved by an officially approved posting, as the contact letter says. Never an exception for a form
    and a record that have passed the schema.
    """
    table = parameters() if figures is None else figures
    path = f"/delivery/forms/form[{number}]"
    found = [*_kind(form, path), *_drawn(form, record, path), *_age(form, record, table, path, posted=posted)]
    own = _by_itself(form, record, path)
    found += own + _beside_the_record(form, record, table, path, own)
    if form.sums.transferred > on.isoformat():
        found.append(Finding("R029", f"{path}/sums/@transferred", "not after the day of the check", "later"))
    return tuple(
        finding
        for code in sorted({one.code for one in found})
        for finding in islice((one for one in found if one.code == code), MOST_FINDINGS)
    )


def check_forms(
    forms: Iterable[InformationForm],
    kinds: Collection[str],
    record: Record,
    on: date,
    figures: Parameters | None = None,
    *,
    posted: bool = False,
) -> tuple[Finding, ...]:
    """What is wrong with the forms of a delivery that transfers these insurance kinds, each as `check` finds it.

    Also R022 for a form of another kind, and R049 for the second form of a kind.
    """
    found: list[Finding] = []
    seen: set[str] = set()
    for number, form in enumerate(forms, 1):
        path = f"/delivery/forms/form[{number}]/sums/@kind"
        if form.sums.kind not in kinds:
            found.append(Finding("R022", path, "one of /delivery/@kinds", "another kind"))
        if form.sums.kind in seen:
            found.append(Finding("R049", path, "a kind that no form before has", "the same again"))
        seen.add(form.sums.kind)
        found.extend(check(form, record, on, number, figures, posted=posted))
    return tuple(found)


def _kind(form: InformationForm, path: str) -> Iterator[Finding]:
    """R022: 410 and 510 never move. R049: only pensions have an information form of this kind."""
    kind = insurance_kinds().get(form.sums.kind)
    if kind is not None and not kind.transfers:
        yield Finding("R022", f"{path}/sums/@kind", "a kind that moves", "a kind that never moves")
    elif kind is None or kind.scheme not in _PENSIONS:
        yield Finding("R049", f"{path}/sums/@kind", "a pension", "another kind")


def _by_itself(form: InformationForm, record: Record, path: str) -> list[Finding]:
    """R040 to R044: where the form's own figures do not fit together."""
    one_and_two = (*_sums(form, path), *_months(form, path))
    return [*one_and_two, *_rows(form, path), *_overlapping(form, path), *_chain(form, record, path)]


def _sums(form: InformationForm, path: str) -> Iterator[Finding]:
    """R040: ④ = ① + ② + ③ and ⑥ = ④ + ⑤, to the fen."""
    one = form.sums
    if fen(one.account) != fen(one.before_1998) + fen(one.until_last_year) + fen(one.this_year):
        yield Finding("R040", f"{path}/sums/@account", "before1998 + untilLastYear + thisYear", "another sum")
    if fen(one.total) != fen(one.account) + fen(one.pooled):
        yield Finding("R040", f"{path}/sums/@total", "account + pooled", "another sum")


def _months(form: InformationForm, path: str) -> Iterator[Finding]:
    """R041: form one counts the months of form two, and begins and ends with it."""
    one, rows = form.sums, form.periods
    if fen(one.months) != sum(fen(row.months) for row in rows):
        yield Finding("R041", f"{path}/sums/@months", "the months of all periods together", "another number")
    if one.first != min((row.first for row in rows), default=one.first):
        yield Finding("R041", f"{path}/sums/@first", "the first month of the periods", "another month")
    if one.last != max((row.last for row in rows), default=one.last):
        yield Finding("R041", f"{path}/sums/@last", "the last month of the periods", "another month")


def _rows(form: InformationForm, path: str) -> Iterator[Finding]:
    """R042: a row lies in its year, ends not before it begins, and counts its months, both ends included."""
    for number, row in enumerate(form.periods, 1):
        at = f"{path}/period[{number}]"
        if {row.first[:4], row.last[:4]} != {row.year}:
            yield Finding("R042", f"{at}/@year", "the year of first and last month", "another year")
        elif fen(row.months) != int(row.last[5:]) - int(row.first[5:]) + 1:
            yield Finding("R042", f"{at}/@months", "the months from first to last", "another number")


def _overlapping(form: InformationForm, path: str) -> Iterator[Finding]:
    """R043: a month stands in one row of a place, and a year has at most twelve months over all rows."""
    seen: set[tuple[str, str, int]] = set()
    counted: Counter[str] = Counter()
    for number, row in enumerate(form.periods, 1):
        covered = {(row.division, row.year, month) for month in range(int(row.first[5:]), int(row.last[5:]) + 1)}
        if covered & seen:
            yield Finding("R043", f"{path}/period[{number}]/@first", "months that no row before has", "the same again")
        seen |= covered
        before = counted[row.year]
        counted[row.year] += fen(row.months)
        if before <= _YEAR_MONTHS < counted[row.year]:
            yield Finding("R043", f"{path}/period[{number}]/@months", "at most 12 in the year", "more")


def _chain(form: InformationForm, record: Record, path: str) -> Iterator[Finding]:
    """R044: a year closes with the closing before + what it credited + its interest - what the record says was paid.

    A year's closing is that of its last row. Years that do not follow one another are not compared: interest that the
    account bore in between has no row. Every amount may have been rounded once.
    """
    paid = {row.year: (fen(row.paid), fen(row.paid_person)) for row in record.account if row.kind == form.sums.kind}
    before: tuple[str, int, int] | None = None
    for year, rows in comparing.by_year(form.periods):
        last = rows[-1][1]
        gone, gone_person = paid.get(year, (0, 0))
        follows = before is not None and int(before[0]) + 1 == int(year)
        for name, opening, out in (
            ("", before[1] if before else 0, gone),
            ("_person", before[2] if before else 0, gone_person),
        ):
            closing = opening - out + sum(_gained(row, name) for _, row in rows)
            if follows and abs(fen(getattr(last, f"closing{name}")) - closing) > len(rows):
                at = f"{path}/period[{rows[-1][0]}]/@closing{name.replace('_p', 'P')}"
                yield Finding("R044", at, "the closing of the year before + credited + interest", "another amount")
        before = (year, fen(last.closing), fen(last.closing_person))


def _gained(row: FormPeriod, name: str) -> int:
    return fen(getattr(row, f"credited{name}")) + fen(getattr(row, f"interest{name}"))


def _drawn(form: InformationForm, record: Record, path: str) -> Iterator[Finding]:
    """R021: a pension that is drawn, or after which the person retired, does not move."""
    kind = form.sums.kind
    if any(one.kind == kind and one.status == _DRAWING for one in record.benefits) or any(
        one.kind == kind and one.retired == _RETIRED for one in record.enrolments
    ):
        yield Finding("R021", f"{path}/sums/@kind", "a pension not drawn yet", "drawn, or retired")


def _age(form: InformationForm, record: Record, table: Parameters, path: str, *, posted: bool) -> Iterator[Finding]:
    """R048 (warning): the account is a temporary one where the age rule makes it one, and only there."""
    kind = insurance_kinds().get(form.sums.kind)
    if kind is None or kind.scheme != _TEMPORARY_SCHEME:
        return
    contributed = [(row.first, row.division) for row in form.periods]
    temporary = is_temporary(record.person, contributed, table, posted=posted)
    if temporary is not None and temporary != (form.sums.temporary == "1"):
        kinds = ("a temporary account", "an ordinary one")
        expected, found = kinds if temporary else kinds[::-1]
        yield Finding("R048", f"{path}/sums/@temporary", expected, found)


def _beside_the_record(
    form: InformationForm, record: Record, table: Parameters, path: str, own: Collection[Finding]
) -> list[Finding]:
    """R045-R047 and R050-R052: the form as the record gives it, on the form's own day of transfer.

    `own` is what is wrong with the form by itself.
    """
    one = form.sums
    filled = fill_and_tell(record, one.kind, date.fromisoformat(one.transferred), table, temporary=one.temporary == "1")
    if filled is None:
        return [Finding("R045", f"{path}/sums/@months", "a kind with contribution months", "no month that counts")]
    told = {finding.path for finding in own}
    found = list(comparing.sums(form, filled, table, path))
    if not {"R042", "R043"} & {finding.code for finding in own}:
        found += comparing.rows(form, filled, table, path)
    codes = (Finding(code, f"{path}/sums/@account") for code in filled.told)
    return [*(finding for finding in found if finding.path not in told), *codes]
