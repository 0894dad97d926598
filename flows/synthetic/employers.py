"""Invented employers of a place, the same ones for everybody who ever worked there."""

from functools import cache, lru_cache
from random import Random

from stdnum.cn import uscc

from flows.synthetic.names import rows
from flows.synthetic.places import Place
from formats.record import Employer

COUNT = 240  # employers of one place

_PUBLIC_EVERY = 8  # every eighth is a school or a hospital
_FORMS = (  # legal form at the name's end, its economic type (GB/T 12402), how often
    ("有限公司", "173", 70),
    ("有限责任公司", "159", 18),
    ("股份有限公司", "160", 12),
)
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)  # GB 11714
_STRIDE = 197  # has no divisor in common with the number of names, so that none comes twice


@cache
def _parts(part: str) -> tuple[tuple[str, str], ...]:
    return tuple((row["text"], row["industry"]) for row in rows("employer_names") if row["part"] == part)


def _organisation_code(digits: str) -> str:
    """Eight digits with their check character (GB 11714)."""
    total = sum(int(digit) * weight for digit, weight in zip(digits, _ORGANISATION_WEIGHTS, strict=True))
    return digits + "0123456789X0"[11 - total % 11]


def credit_code(chance: Random, division: str, *, public: bool) -> str:
    """A valid unified social credit code (GB 32100): registered by the civil service office or by the market office."""
    body = ("12" if public else "91") + division + _organisation_code(f"{chance.randrange(10**8):08d}")
    check: str = uscc.calc_check_digit(body)
    return body + check


@lru_cache(maxsize=4096)
def employer(place: Place, number: int) -> Employer:
    """Employer `number` (0 … COUNT - 1) of a place."""
    chance = Random(f"employer {place.city} {number}")
    employer_id = f"{place.city}{number + 1:06d}"
    county = chance.choice(place.counties)
    turn, rest = divmod(number, _PUBLIC_EVERY)
    if rest == 0:
        text, industry = _parts("public")[turn % len(_parts("public"))]
        ordinal = "一二三四五六七八九十"[turn // len(_parts("public"))]
        code = credit_code(chance, county, public=True)
        return Employer(employer_id, f"{place.name}市第{ordinal}{text}", code, "55", "", industry, county)
    brands, trades = _parts("brand"), _parts("trade")
    brand_turn, trade_turn = divmod(number * _STRIDE % (len(brands) * len(trades)), len(trades))
    trade, industry = trades[trade_turn]
    form, economic_type, _ = chance.choices(_FORMS, weights=[share for _, _, share in _FORMS])[0]
    name = f"{place.name}{brands[brand_turn][0]}{trade}{form}"
    return Employer(employer_id, name, credit_code(chance, county, public=False), "10", economic_type, industry, county)


@cache
def freelance_agency(place: Place) -> Employer:
    """The agency through which people of a place who work freelance (灵活就业) pay."""
    county = place.counties[0]
    code = credit_code(Random(f"freelance {place.city}"), county, public=True)
    return Employer(f"{place.city}900001", f"{place.name}市灵活就业人员服务中心", code, "81", "", "L", county)
