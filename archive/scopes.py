"""Who may see what of a rights record: arts. 2 and 14 to 22 of the Measures, as tables and pure functions.

| who asks | article | what the office must have seen | what is shown |
|---|---|---|---|
| `person` | 15(2) | the own identity document | all, or less |
| `agent` | 15(2) | the written authorisation, the agent's own document | all, or less |
| `employer` | 15(3) | proof of being that employer, its credit code | own people: art. 2(1), 2(2), their time there |
| `authority` | 17, 18 | the legal basis, the items | the items; for planning nobody's identity |
| `unit` | 19, 20 | a written application, the legal basis, the items | the items |

Whoever has no legal basis gets nothing and is told so (art. 20(2)). What anybody but the person and the employer looks
up is registered (art. 21). Nothing beyond the scope is given out, and never a whole database (art. 22). `lookup.py`
sees to both.

The time with an employer (art. 15(3)) is told by the rows that name it: enrolments and contributions do; a subsidy is
of that time when its insurance kind and month are among the employer's contributions. Of the person an employer sees
who it is, not what came before or after. Items asked for one by one, without the registration, come with the social
security number and the name alone, so that it is known whose they are.

A period leaves out rows that do not lie wholly in it, since a yearly balance or a total of months tells of the time
around it; an enrolment is shown when it touches the period.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, get_args

from formats.errors import UsageError
from formats.groups import GROUPS, PARTS
from formats.record import Employer, Person, Record

Requester = Literal["person", "agent", "employer", "authority", "unit"]
REQUESTERS: tuple[Requester, ...] = get_args(Requester)

# Art. 21: who is not registered.
UNREGISTERED: tuple[Requester, ...] = ("person", "employer")

# Purpose -> who may have it.
PURPOSES: Mapping[str, tuple[Requester, ...]] = MappingProxyType(
    {
        "own": ("person", "agent"),  # art. 15(2)
        "certificate": ("person", "agent"),  # art. 15(2): a written result or certificate
        "objection": ("person", "agent", "employer"),  # art. 16
        "employment": ("employer",),  # art. 15(3)
        "duty": ("authority",),  # art. 18, and art. 17 where the law's duties need the identity
        "planning": ("authority",),  # art. 17
        "development": ("authority",),  # art. 17
        "application": ("unit",),  # arts. 19, 20
    }
)
ANONYMOUS = ("planning", "development")

_OF_EMPLOYEES = ("registration", "contributions")  # art. 15(3): art. 2(1) and (2)
_WHOSE = ("social_security_number", "name")
_EMPLOYEE = (*_WHOSE, "sex", "birth_date", "document_type", "document_number", "nationality")
_NAMELESS_PERSON = ("sex", "nationality", "personal_status", "employment_status")
_NAMELESS_EMPLOYER = ("employer_id", "employer_type", "economic_type", "industry", "division")

_LATEST = "9999-12"


@dataclass(frozen=True, slots=True)
class Request:
    """A lookup that is asked for, of one person.

    `requester_id` is the office's own number for who asks; `basis` what the requester showed (identity document,
    written authorisation, employer's proof) or the legal basis; `application` the number of a written application
    (art. 19). `items` are groups of `formats.groups.GROUPS`, `kinds` insurance kinds, `first` and `last` months
    (`YYYY-MM`): empty means all. `employer` is a unified social credit code. `who` is the lookup user's staff id.
    """

    subject: str
    requester: Requester
    requester_id: str
    purpose: str
    basis: str
    who: str
    items: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    first: str = ""
    last: str = ""
    employer: str = ""
    application: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    """What may be read. `person` and `employers` are the fields of those rows; empty `kinds` and months: all.

    `employer`: the credit code of the only employer whose rows may be read, or empty.
    """

    groups: tuple[str, ...]
    person: tuple[str, ...]
    employers: tuple[str, ...]
    kinds: tuple[str, ...] = ()
    first: str = ""
    last: str = ""
    employer: str = ""

    @property
    def parts(self) -> tuple[str, ...]:
        """The fields of `Record` in scope, without `person`."""
        return tuple(part for group in self.groups for part in PARTS[group] if part != "person")

    def text(self) -> str:
        """The scope in words for the register and the journal; nothing personal, and not which employer."""
        period = f"{self.first or '...'} to {self.last or '...'}" if self.first or self.last else "all months"
        own = "; own employees" if self.employer else ""
        return f"{' '.join(self.groups)}; {' '.join(self.kinds) or 'all kinds'}; {period}{own}"


class Span(NamedTuple):
    """Where the time of a row stands: the fields of its first and last moment; whether touching is enough."""

    first: str
    last: str
    touching: bool = False


SPANS: Mapping[str, Span] = MappingProxyType(
    {
        "enrolments": Span("started", "ended", touching=True),
        "contributions": Span("month", "month"),
        "subsidies": Span("month", "month"),
        "benefits": Span("month", "month"),
        "months": Span("first", "last"),
        "account": Span("year", "year"),
        "other": Span("date", "date"),
    }
)


def authorise(request: Request) -> Scope:
    """What this request may see. Raises UsageError S430 saying which article's condition is missing."""
    if request.requester not in PURPOSES.get(request.purpose, ()):
        raise UsageError("S430", f"the purpose {request.purpose} is not one of {request.requester}")
    if not (request.requester_id.strip() and request.basis.strip()):
        raise UsageError("S430", "who asks and on what basis must be named (arts. 15, 18, 19)")
    if request.first and request.last and request.first > request.last:
        raise UsageError("S430", "the period ends before it begins")
    if request.requester in ("authority", "unit") and not request.items:
        raise UsageError("S430", "the items of the record must be named (arts. 17 to 19)")
    if request.requester == "unit" and not request.application.strip():
        raise UsageError("S430", "a unit applies in writing (art. 19)")
    if bool(request.employer) != (request.requester == "employer"):
        raise UsageError("S430", "the credit code of the employer, and only of an employer, must be named (art. 15)")
    return _scope(request)


def _scope(request: Request) -> Scope:
    default = _OF_EMPLOYEES if request.requester == "employer" else GROUPS
    groups = tuple(group for group in GROUPS if group in (request.items or default))
    if request.requester == "employer" and not set(groups) <= set(_OF_EMPLOYEES):
        raise UsageError("S430", "an employer may see registration and contributions only (art. 15)")
    if request.purpose in ANONYMOUS and "other" in groups:
        raise UsageError("S430", "free text may identify the person (art. 17)")
    registered = "registration" in groups
    person: tuple[str, ...] = Person._fields if registered else _WHOSE
    employers: tuple[str, ...] = Employer._fields if registered else ()
    if request.requester == "employer":
        person = _EMPLOYEE if registered else _WHOSE
    if request.purpose in ANONYMOUS:
        person, employers = (_NAMELESS_PERSON, _NAMELESS_EMPLOYER) if registered else ((), ())
    return Scope(groups, person, employers, request.kinds, request.first, request.last, request.employer)


def bounds(field: str, first: str, last: str) -> tuple[str, str]:
    """The least and the greatest value of a field of time (`SPANS`) in a period of months, as the record writes it."""
    low, high = first or "0000-01", last or _LATEST
    match field:
        case "year":  # a whole year lies in the period, or it does not
            return _year(low, up=not low.endswith("-01")), _year(high, up=high.endswith("-12"), back=True)
        case "started" | "ended" | "date":
            return f"{low}-01", f"{high}-31"
        case _:
            return low, high


def _year(month: str, *, up: bool, back: bool = False) -> str:
    """The year of a month, or the next; with `back` one less than that."""
    return f"{int(month[:4]) + up - back:04d}"


def narrow(record: Record, scope: Scope) -> Record:
    """The record without what is out of scope: rows, and the values of fields, which become empty.

    Raises UsageError S430 when an employer asks and no row in scope names it.
    """
    rows: dict[str, Any] = {part: _rows(record, part, scope) for part in SPANS}
    employers = record.employers
    if scope.employer:
        employers = tuple(row for row in employers if row.credit_code == scope.employer)
        own = {row.employer_id for row in employers}
        for part in ("enrolments", "contributions"):
            rows[part] = tuple(row for row in rows[part] if row.employer_id in own)
        if not rows["enrolments"] and not rows["contributions"]:
            raise stranger()
        paid = {(row.kind, row.month) for row in rows["contributions"]}
        rows["subsidies"] = tuple(row for row in rows["subsidies"] if (row.kind, row.month) in paid)
    named = {row.employer_id for part in ("enrolments", "contributions") for row in rows[part]}
    shown = tuple(visible(row, scope.employers) for row in employers if row.employer_id in named)
    return replace(Record(visible(record.person, scope.person)), **rows, employers=shown if scope.employers else ())


def visible(row: Any, fields: tuple[str, ...]) -> Any:
    """The row with the values of these fields alone."""
    return row._replace(**{name: "" for name in row._fields if name not in fields})


def stranger() -> UsageError:
    """Whoever is not, and was not, employed there: the same for a person who is not known at all."""
    return UsageError("S430", "no row of this person names this employer (art. 15)")


def _rows(record: Record, part: str, scope: Scope) -> tuple[Any, ...]:
    if part not in scope.parts:
        return ()
    rows, span = getattr(record, part), SPANS[part]
    if scope.kinds and part != "other":
        rows = tuple(row for row in rows if row.kind in scope.kinds)
    return tuple(row for row in rows if _within(row, span, scope)) if scope.first or scope.last else rows


def _within(row: Any, span: Span, scope: Scope) -> bool:
    first, last = str(getattr(row, span.first)), str(getattr(row, span.last))
    low, high = bounds(span.first, scope.first, scope.last)
    if span.touching:
        return first <= high and (not last or last >= low)
    return low <= first and last <= high
