"""What a pass did, as values: case numbers, counts and reason codes, never anything of a person."""

from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Self

from formats.errors import ServiceError
from formats.messages import Finding


def plain(value: Any) -> Any:
    """A value made of dataclasses, named tuples and sequences as JSON has it."""
    if is_dataclass(value):
        return {item.name: plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: plain(item) for name, item in value._asdict().items()}
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    return value


@dataclass(frozen=True, slots=True)
class Failed:
    """A case or file that could not be worked on; it stays where it was. `detail` is never personal."""

    subject: str
    code: str
    detail: str
    status: int

    @classmethod
    def by(cls, subject: str, error: ServiceError) -> Self:
        """From the error that stopped it."""
        return cls(subject, error.code, error.detail, error.exit_status)


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that will stop the exchange when nobody acts: no failure of the pass. As `Failed`."""

    subject: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Judged:
    """A case with what the checks found."""

    case: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Read:
    """A message beside deliveries and receipts that was answered: its case, kind, the answer, and why."""

    case: str
    kind: str
    outcome: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Reminded:
    """A reminder that was written: about which case, to which partner, what it owes and since when it is overdue."""

    case: str
    partner: str
    awaited: str
    due: str


@dataclass(frozen=True, slots=True)
class Report:
    """A report whose fields are tuples or counts; reports of parts add up to that of the whole."""

    def __add__(self, other: Self) -> Self:
        return type(self)(**{item.name: getattr(self, item.name) + getattr(other, item.name) for item in fields(self)})

    def document(self) -> dict[str, Any]:
        """For `--json`: texts, numbers, lists and dictionaries only."""
        document: dict[str, Any] = plain(self)
        return document


@dataclass(frozen=True, slots=True)
class SealReport(Report):
    """Cases sealed, held back by the office's own checks, and failed."""

    sealed: tuple[str, ...] = ()
    held: tuple[Judged, ...] = ()
    failed: tuple[Failed, ...] = ()

    @property
    def done(self) -> int:
        """How many cases were worked on."""
        return len(self.sealed) + len(self.held) + len(self.failed)


@dataclass(frozen=True, slots=True)
class PostReport(Report):
    """Messages posted (message ids) and failed; `resealed` were sealed anew before, to the partner's present key."""

    posted: tuple[str, ...] = ()
    resealed: tuple[str, ...] = ()
    failed: tuple[Failed, ...] = ()

    @property
    def done(self) -> int:
        """How many messages were worked on."""
        return len(self.posted) + len(self.failed)


@dataclass(frozen=True, slots=True)
class FetchReport(Report):
    """Files fetched from the mailbox, files there that are no packages, and files that could not be fetched."""

    fetched: int = 0
    foreign: int = 0
    failed: tuple[Failed, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenReport(Report):
    """What became of the packages that had arrived.

    `accepted`, `on_hold`, `rejected` are deliveries that it answered, `read` other messages; `closed` are this
    office's own cases that a receipt moved on; `repeated` messages came again and are answered again; `quarantined`
    packages wait for the operator.
    """

    accepted: tuple[Judged, ...] = ()
    on_hold: tuple[Judged, ...] = ()
    rejected: tuple[Judged, ...] = ()
    read: tuple[Read, ...] = ()
    closed: tuple[Judged, ...] = ()
    repeated: int = 0
    waiting: int = 0
    quarantined: tuple[Failed, ...] = ()
    failed: tuple[Failed, ...] = ()

    @property
    def done(self) -> int:
        """How many packages were worked on."""
        parts = (self.accepted, self.on_hold, self.rejected, self.read, self.closed, self.quarantined, self.failed)
        return sum(map(len, parts)) + self.repeated + self.waiting
