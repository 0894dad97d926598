"""The places of the demo: two cities with an office each, and cities where people worked before."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A city's pooling area (统筹区) with its agency. Divisions are codes of GB/T 2260."""

    office: str  # agency code, 8 digits
    city: str  # division of the city
    counties: tuple[str, ...]  # divisions where its employers are
    name: str  # as the names of its employers begin


HANGZHOU = Place("33010001", "330100", ("330102", "330105", "330106", "330108", "330109", "330110"), "杭州")
SHENZHEN = Place("44030001", "440300", ("440303", "440304", "440305", "440306", "440307"), "深圳")

# Where some people earned their first contribution months, moved to their present office long ago.
EARLIER = (
    Place("33020001", "330200", ("330200",), "宁波"),
    Place("32050001", "320500", ("320500",), "苏州"),
    Place("34010001", "340100", ("340100",), "合肥"),
    Place("42010001", "420100", ("420100",), "武汉"),
)
