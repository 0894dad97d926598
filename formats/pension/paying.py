"""Which place pays the pension (待遇领取地), and after how many months.

Sources: 国办发〔2009〕66号 art. 6; 人社部规〔2016〕5号; 社会保险法 art. 16.
"""

from collections.abc import Collection, Iterable
from datetime import date
from typing import Literal, NamedTuple

from formats.pension.parameters import Parameters

_PROVINCE = 2

# household: the relation is there. relation: it is elsewhere, for at least ten years. earlier: it was for ten years at
# an earlier place. household-else: nowhere for ten years, so that everything goes to the household place.
Ground = Literal["household", "relation", "earlier", "household-else"]


class PayingPlace(NamedTuple):
    """The place that pays: a division (of the household, or of the last month there), and by which of the four rules.

    `division` is empty where the household place counts and is not known.
    """

    division: str
    ground: Ground


def place_that_pays(
    household: str,
    relation: str,
    contributed: Iterable[tuple[str, str]],
    on: date,
    parameters: Parameters,
    *,
    temporary: Collection[str] = (),
) -> PayingPlace:
    """The place that pays, of somebody who reaches the age on a day.

    `household` and `relation` are the divisions of the household and of the present relation, `contributed` months
    (`YYYY-MM`) with their divisions. Places are provinces: months of all cities of one count together, each once.
    Months of a temporary account do not count for its place; `temporary` are the first two digits of such provinces.
    """
    if household and household[:_PROVINCE] == relation[:_PROVINCE]:
        return PayingPlace(household, "household")
    enough = parameters.whole("paying_months", on.isoformat())
    places: dict[str, dict[str, str]] = {}
    for month, division in contributed:
        if division[:_PROVINCE] not in temporary:
            places.setdefault(division[:_PROVINCE], {})[month] = division
    if len(places.get(relation[:_PROVINCE], ())) >= enough:
        return PayingPlace(relation, "relation")
    long = [months for months in places.values() if len(months) >= enough]
    if long:
        months = max(long, key=max)
        return PayingPlace(months[max(months)], "earlier")
    return PayingPlace(household, "household-else")


def least_months(on: date, parameters: Parameters) -> int:
    """How many months a monthly pension needs of somebody who reaches the age on a day: 180, from 2030 on rising."""
    return parameters.whole("least_months", on.isoformat())
