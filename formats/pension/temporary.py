"""The age rule of 国办发〔2009〕66号 art. 5: who gets a temporary account outside the household province."""

from collections.abc import Iterable
from datetime import date

from formats.pension.parameters import Parameters
from formats.record import Person

_PROVINCE = 2


def is_temporary(
    person: Person, contributed: Iterable[tuple[str, str]], parameters: Parameters, *, posted: bool = False
) -> bool | None:
    """Whether the relation at the place of the last month is a temporary account; None where the record cannot say.

    `contributed` are months (`YYYY-MM`) with their divisions. It is one for who was of the age (men 50, women 40)
    before the first month in that province, is of another household province, and was not moved by an approved posting
    (`posted`). A place in the meaning of the rule is a province.
    """
    months = sorted(contributed)
    if not months or not person.household_place or not person.birth_date:
        return None
    province = months[-1][1][:_PROVINCE]
    if posted or person.household_place[:_PROVINCE] == province:
        return False
    first = min(month for month, division in months if division[:_PROVINCE] == province)
    years = parameters.whole(f"temporary_age_{person.sex}", first)
    return bool(years) and _age(person.birth_date, first) >= years


def _age(birth_date: str, month: str) -> int:
    """Whole years on the first day of a month."""
    born, first = date.fromisoformat(birth_date), date.fromisoformat(f"{month}-01")
    return first.year - born.year - ((first.month, first.day) < (born.month, born.day))
