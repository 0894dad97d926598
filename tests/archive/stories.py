"""A case's life in the ledger, step by step: what the tests of outgoing, incoming, journal and audit share.

Documents and packages are bytes that say who they are; the ledger and the stores of originals do not look into them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from archive import cases, incoming, outgoing
from archive.cases import NewCase
from archive.claims import Owner
from archive.incoming import AnsweredDelivery, Arrival, Incoming, NewArrival
from archive.ledger import Ledger
from archive.originals import Kept, OriginalStore
from archive.outgoing import SealedPackage, Work
from formats.digest import sha256
from formats.messages import STAGES, Outcome

OFFICE = "33010001"
PARTNER = "44030001"
KINDS = ("110", "210")
NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
LATER = NOW + timedelta(minutes=11)
SERVICE = "service"


def opened(ledger: Ledger, count: int = 1, partner: str = PARTNER) -> tuple[str, ...]:
    """Open cases."""
    numbers = cases.number_cases(ledger, OFFICE, count, NOW)
    new = [NewCase(number, partner, f"P{place:05}", KINDS) for place, number in enumerate(numbers)]
    cases.open_cases(ledger, new, "staff-0", NOW)
    return numbers


def approved(ledger: Ledger, count: int = 1, partner: str = PARTNER) -> tuple[str, ...]:
    """Open cases and sign every stage."""
    numbers = opened(ledger, count, partner)
    for stage in STAGES:
        cases.approve(ledger, numbers, stage, f"staff-{stage}", NOW)
    return numbers


def document_of(work: Work, text: str = "") -> bytes:
    """What stands for a case's document."""
    return f"document {work.message_id} {text}".encode()


def package_of(work: Work, document: bytes, kind: str = "delivery-sent") -> SealedPackage:
    """What stands for a sealed message."""
    package = b"sealed " + document
    name = f"{OFFICE}-{work.partner}-{work.sequence}-{work.message_id}.xml.pgp"
    original = Kept(sha256(document), len(document), kind)
    return SealedPackage(work.case, work.message_id, name, original.digest, sha256(package), len(package), (original,))


def sealed(ledger: Ledger, owner: Owner, count: int = 1, store: OriginalStore | None = None) -> list[SealedPackage]:
    """Approved cases, claimed, kept and recorded."""
    approved(ledger, count)
    work = outgoing.claim(ledger, owner, count, NOW)
    if store:
        store.keep([("delivery-sent", document_of(item)) for item in work], NOW)
    packages = [package_of(item, document_of(item)) for item in work]
    assert outgoing.record_sealed(ledger, owner, packages, [], SERVICE, NOW) == tuple(item.case for item in packages)
    return packages


def posted(ledger: Ledger, owner: Owner, count: int = 1, store: OriginalStore | None = None) -> list[SealedPackage]:
    """Sealed cases in transit."""
    packages = sealed(ledger, owner, count, store)
    posts = outgoing.claim_posts(ledger, owner, count, NOW, "message")
    outgoing.record_posted(ledger, owner, [post.message_id for post in posts], SERVICE, NOW)
    return packages


def state(ledger: Ledger, case: str) -> str:
    """The state of a case."""
    return str(cases.find(ledger, case).state)


@dataclass
class Partner:
    """A partner office that sends packages to this one."""

    code: str = PARTNER
    used: int = 0
    sent: dict[str, bytes] = field(default_factory=dict)

    def message(self, text: str, case: str, message_id: str = "", sequence: int = 0) -> tuple[NewArrival, Incoming]:
        """A package as it lies in the mailbox, and what is in it; `arrival` of the second is to be filled in."""
        self.used = sequence or self.used + 1
        identity = message_id or str(uuid4())
        document, package = text.encode(), b"sealed " + text.encode()
        name = f"{self.code}-{OFFICE}-{self.used}-{identity}.xml.pgp"
        self.sent[sha256(package)] = package
        new = NewArrival(name, sha256(package), len(package))
        arrival = Arrival(0, name, new.digest, new.size)
        return new, Incoming(arrival, self.code, identity, self.used, case, KINDS, sha256(document), new.digest)


def arrived(
    ledger: Ledger, owner: Owner, messages: Sequence[tuple[NewArrival, Incoming]], at: datetime = NOW
) -> list[Incoming]:
    """Enter packages, claim everything that waits, and say what is in it."""
    incoming.record_arrivals(ledger, [new for new, _ in messages], SERVICE, at)
    by_digest = {new.digest: item for new, item in messages}
    claimed = incoming.claim(ledger, owner, 1000, at)
    return [replace(by_digest[arrival.digest], arrival=arrival) for arrival in claimed]


def answer(
    ledger: Ledger,
    owner: Owner,
    items: Sequence[Incoming],
    outcome: Outcome = "accepted",
    store: OriginalStore | None = None,
    partner: Partner | None = None,
) -> tuple[list[AnsweredDelivery], tuple[str, ...]]:
    """Prepare deliveries and record their answers."""
    answers = incoming.prepare(ledger, owner, items, NOW)
    answered = []
    for item, ids in zip(items, answers, strict=True):
        work = Work(item.case, item.partner, "", (), (), ids.message_id, ids.sequence)
        receipt = document_of(work, f"{outcome} {item.digest}")
        original = Kept(item.package_digest, item.arrival.size, "package-received")
        if store and partner:
            store.keep([("receipt-sent", receipt), ("package-received", partner.sent[item.package_digest])], NOW)
        answered.append(AnsweredDelivery(item, outcome, (), package_of(work, receipt, "receipt-sent"), original))
    return answered, incoming.record_answered(ledger, owner, answered, SERVICE, NOW)
