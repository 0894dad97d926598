"""All information forms that a record's transfer needs."""

from collections.abc import Collection
from datetime import date

from formats.codes import insurance_kinds
from formats.information_form import InformationForm
from formats.pension.filling import fill
from formats.pension.parameters import Parameters
from formats.pension.temporary import is_temporary
from formats.record import Record

_SCHEMES = ("pension", "resident-pension")


def forms_of(
    record: Record, kinds: Collection[str], at: date, figures: Parameters, *, posted: bool = False
) -> tuple[InformationForm, ...]:
    """The forms of the pension kinds among these, for a transfer on this day; none for a kind without counted months.

    Whether an account is a temporary one follows from the age rule, which does not hold for who was `posted`.
    """
    table = insurance_kinds()
    pensions = [kind for kind in kinds if kind in table and table[kind].scheme in _SCHEMES]
    filled = (_form(record, kind, at, figures, posted=posted) for kind in pensions)
    return tuple(form for form in filled if form is not None)


def _form(record: Record, kind: str, at: date, figures: Parameters, *, posted: bool) -> InformationForm | None:
    form = fill(record, kind, at, figures)
    if form is None or insurance_kinds()[kind].scheme != _SCHEMES[0]:
        return form
    contributed = [(row.first, row.division) for row in form.periods]
    if is_temporary(record.person, contributed, figures, posted=posted):
        return fill(record, kind, at, figures, temporary=True)
    return form
