"""The demo: the main job, end to end, with real parts. Two offices, a real SSH server, people from one to the other.

Nothing in it is simulated but the people: keys are made, cases opened and approved, packages sealed, uploaded, checked,
taken in and answered by the same functions that an agency runs. Six of the people show what happens on a bad day.
"""

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archive import cases
from archive.cases import CaseRow, NewCase
from flows import engine, founding
from flows.demo_archive import Keeping, keep_safe
from flows.demo_migration import move_records
from flows.founding import Plan
from flows.maintaining import audited
from flows.own_card import own_card
from flows.relocation import RelocationReport
from flows.settings import Engine
from flows.ssh_server import Address, Kind, exchange_server
from flows.steps import Steps
from flows.synthetic import people
from flows.synthetic.places import HANGZHOU, SHENZHEN, Place
from flows.times import now, utc_text
from flows.wiring import Office
from formats.digest import sha256
from formats.errors import UsageError
from formats.messages import STAGES, Approval, Delivery, Header
from formats.record import Record
from transfer.partners import Directory

KINDS = ("110", "210", "310")
MARKER = "jiexu-demo"  # only a folder with this file in it is ever cleared for a new demo
LEAST = 6
NAMES = {HANGZHOU: ("hangzhou", "杭州市社会保险管理服务中心"), SHENZHEN: ("shenzhen", "深圳市社会保险基金管理局")}

Bar = Callable[[str, int | None, Sequence[str]], Steps]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the demo came to. `held`, `rejected`: case and findings."""

    people: int
    held: tuple[CaseRow, ...]
    sent: int
    accepted: int
    rejected: tuple[CaseRow, ...]
    originals_kept: int
    digests_equal: bool
    problems: tuple[str, ...]
    seconds: float
    server: str
    sender: Path
    receiver: Path
    keeping: Keeping
    moved: RelocationReport

    def document(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "people": self.people,
            "held": len(self.held),
            "sent": self.sent,
            "accepted": self.accepted,
            "rejected": len(self.rejected),
            "originals_kept": self.originals_kept,
            "digests_equal": self.digests_equal,
            "seconds": round(self.seconds, 2),
            "persons_per_second": round(self.sent / self.seconds, 1),
            "homes": {"sender": str(self.sender), "receiver": str(self.receiver)},
            "held_cases": _reasons(self.held),
            "rejected_cases": _reasons(self.rejected),
            "problems": list(self.problems),
            "ssh_server": self.server,
            "archive": self.keeping.document(),
            "migration": self.moved.document(),
        }


def _reasons(rows: Sequence[CaseRow]) -> list[dict[str, Any]]:
    return [{"case": row.case, "reasons": sorted({item.code for item in row.findings})} for row in rows]


def run_demo(
    folder: Path, count: int, seed: int, chosen: Engine, bar: Bar, *, server_kind: Kind | None = None
) -> Outcome:
    """Run the whole job in `folder`, which is made anew. Raises UsageError S414 when it is somebody else's folder.

    `server_kind` None: OpenSSH where it is installed and works, else the embedded server.
    """
    if count < LEAST:
        raise UsageError("S401", f"--people must be at least {LEAST}: three are held back and three come back")
    _clear(folder)
    started = time.monotonic()
    logins = [founding.login_key(folder / label) for label, _ in NAMES.values()]
    with exchange_server(folder / "exchange", [place.office for place in NAMES], logins, server_kind) as server:
        sender, receiver = (_found(folder, place, server) for place in NAMES)
        with sender, receiver:
            _introduce(sender, receiver)
            _populate(sender, receiver, count, seed, bar("people", count, ("person",)))
            _open_and_approve(sender, receiver.code)
            _exchange(sender, receiver, chosen, count, bar)
            return _outcome(sender, receiver, count, time.monotonic() - started, server.kind, folder)


def _clear(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        if not (folder / MARKER).exists():
            raise UsageError("S414", str(folder))
        shutil.rmtree(folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / MARKER).touch()


def _found(folder: Path, place: Place, server: Address) -> Office:
    label, name = NAMES[place]
    plan = Plan(place.office, name, server.url(place.office), server.host_key)
    return Office(founding.found(folder / label, plan, now()))


def _introduce(sender: Office, receiver: Office) -> None:
    """Each office adds the other's card, as people do after they have compared fingerprints by telephone."""
    Directory.add(sender.settings.path("partners"), own_card(receiver), now())
    Directory.add(receiver.settings.path("partners"), own_card(sender), now())


def _populate(sender: Office, receiver: Office, count: int, seed: int, steps: Steps) -> None:
    """Fill the sender's database: the first three people are wrong there, the next three meet data at the receiver."""
    sender.records.create_schema()
    receiver.records.create_schema()
    met: list[tuple[str, Record]] = []

    def all_people() -> Iterator[tuple[str, Record]]:
        """The people of the sending office, the wrong ones among them."""
        wrongs = (people.bad_check_digit, people.overlapping_months, people.unbalanced_account)
        for index, (number, record) in enumerate(people.people(count, seed, home=HANGZHOU, on=now().date())):
            if len(wrongs) <= index < LEAST:
                met.append((number, record))
            steps("person", 1)
            yield number, wrongs[index](record) if index < len(wrongs) else record

    sender.records.add(all_people())
    contributed, transferred, renamed = met
    receiver.records.add(
        [
            (f"{SHENZHEN.office}90001", people.already_contributed(contributed[1], SHENZHEN)),
            (f"{SHENZHEN.office}90002", people.other_name(renamed[1])),
        ]
    )
    _transferred_before(sender, receiver, transferred[0])


def _transferred_before(sender: Office, receiver: Office, person: str) -> None:
    """One person's relation came to the receiver years ago, under another case."""
    at = now()
    case = f"{sender.code}-2019-000001"
    header = Header(
        "00000000-0000-4000-8000-000000000000", case, sender.code, receiver.code, 1, utc_text(at), "production"
    )
    approvals = tuple(Approval(stage, f"staff-{stage}", utc_text(at)) for stage in STAGES)
    delivery = Delivery(header, KINDS, approvals, sender.records.read(person, KINDS))
    receiver.records.take_in(delivery, sha256(case.encode()), at)


def _open_and_approve(sender: Office, partner: str) -> None:
    """Open a case for each person and approve it in four stages by four people (art. 7)."""
    persons = sender.records.persons()
    numbers = cases.number_cases(sender.ledger, sender.code, len(persons), now())
    new = [NewCase(number, partner, person, KINDS) for number, person in zip(numbers, persons, strict=True)]
    cases.open_cases(sender.ledger, new, "staff-handler", now())
    for stage in sender.settings.stages:
        cases.approve(sender.ledger, numbers, stage, f"staff-{stage}", now(), sender.settings.stages)


def _exchange(sender: Office, receiver: Office, chosen: Engine, count: int, bar: Bar) -> None:
    if chosen == "embedded":
        engine.prepare_prefect(sender.settings.home.parent, temporary=True)
    engine.run_pass("send", sender, chosen, bar("seal", count, ("checked",)))
    engine.run_pass("receive", receiver, chosen, bar("take in", count - 3, ("taken in",)))
    engine.run_pass("acknowledge", receiver, chosen, bar("acknowledge", count - 3, ("posted",)))
    engine.run_pass("receive", sender, chosen, bar("receipts", count - 3, ("settled",)))


def _outcome(sender: Office, receiver: Office, count: int, seconds: float, server: str, folder: Path) -> Outcome:
    there = {row.case: row for row in cases.listing(receiver.ledger, direction="in")}
    here = cases.listing(sender.ledger, direction="out")
    held = tuple(row for row in here if row.state == "held")
    sent = [row for row in here if row.state != "held"]
    kept = [item for item in cases.originals(sender.ledger, None) if item.kind == "delivery-sent"]
    keeping = keep_safe(sender, sent[-1].case, folder)
    audits = [(office, audited(office, now())) for office in (sender, receiver)]
    return Outcome(
        people=count,
        held=held,
        sent=len(sent),
        accepted=sum(row.state == "accepted" for row in sent),
        rejected=tuple(row for row in sent if row.state == "rejected"),
        originals_kept=len(kept),
        digests_equal=all(row.case in there and there[row.case].digest == row.digest for row in sent),
        problems=tuple(
            f"{office.code} {problem.code} {problem.subject}" for office, audit in audits for problem in audit.problems
        ),
        seconds=seconds,
        server=server,
        sender=sender.settings.home,
        receiver=receiver.settings.home,
        keeping=keeping,
        moved=move_records(receiver, folder),
    )
