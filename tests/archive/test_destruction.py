"""Lawful destruction: what is due, what an order must be, and that what must stay stays, wherever a process is killed."""

import os
import random
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from archive import cases, destruction, holds, journal, moving, registry
from archive.audit import audit
from archive.cases import NewCase
from archive.destroying import Destroyed, carry_out
from archive.ledger import Ledger
from archive.ocfl.validation import validate_root
from archive.segments.catalog import Member
from archive.segments.store import SegmentOriginals
from archive.tables import members, originals, segments, utc_text
from archive.upkeep_tables import gone, tombstones
from archive.upkeep_tables import holds as held_cases
from formats.digest import sha256
from formats.errors import IntegrityError, UsageError
from formats.retention import Period
from tests.archive.stores import OFFICE, store_in

LONG_AGO = datetime(1920, 5, 1, 8, tzinfo=UTC)
AT = datetime(2026, 11, 22, 8, tzinfo=UTC)
ON = AT.date()
PARTNER = "44030001"
SIGNATURES = (b"signature of one", b"signature of another")
SEGMENT = 3_000  # bytes of tar


def data_of(number: int, kind: str) -> bytes:
    """An original; its size differs from case to case."""
    return f"{kind} {number} ".encode() * (20 + number)


def case_of(number: int) -> str:
    """The number of a case."""
    return f"{OFFICE}-2026-{number:06d}"


def keep(store: SegmentOriginals, ledger: Ledger, numbers: range, at: datetime) -> None:
    """Keep a delivery (permanent) and a receipt (100 years) of each case in one batch."""
    items = [(kind, data_of(number, kind)) for number in numbers for kind in ("delivery-sent", "receipt-received")]
    kept = store.keep(items, at)
    store.seal_due(at)
    values = [
        registry.original_values(
            entry, "out", PARTNER, case_of(numbers[place // 2]), f"m-{numbers[place // 2]}", utc_text(at)
        )
        for place, entry in enumerate(kept)
    ]
    with ledger.writing() as connection:
        registry.register(connection, values, "why", "service", utc_text(at))


class Place:
    """A folder with an archive, its ledger open."""

    def __init__(self, folder: Path, ledger: Ledger) -> None:
        self.folder, self.ledger = folder, ledger
        self.store = store_in(folder, ledger, segment_bytes=SEGMENT)

    def order(self) -> bytes:
        """An order of all that is due."""
        return destruction.write(OFFICE, destruction.due(self.ledger, ON), AT)

    def carry_out(self, order: bytes | None = None) -> Destroyed:
        """Carry an order out."""
        return carry_out(self.store, order or self.order(), SIGNATURES, "staff-1", AT)

    def problems(self) -> tuple[object, ...]:
        """What the audit finds, with every original decrypted."""
        return audit(self.ledger, self.store, self.folder / "archive", at=AT, deep=True, patience=0.0).problems

    def readable(self) -> set[bytes]:
        """Everything that the register has, read."""
        with self.ledger.reading() as connection:
            return {self.store.read(digest) for digest in connection.execute(select(originals.c.digest)).scalars()}

    def on_disk(self) -> bytes:
        """Every file of the archive."""
        return b"".join(path.read_bytes() for path in sorted((self.folder / "archive").rglob("*")) if path.is_file())


@contextmanager
def opened(folder: Path) -> Iterator[Place]:
    """The archive in a folder."""
    with Ledger.open(f"sqlite:///{folder / 'ledger.db'}") as ledger:
        yield Place(folder, ledger)


OLD, YOUNG = range(1, 9), range(9, 13)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight old cases in several segments, four young ones; every original of which the law says something."""
    folder = tmp_path_factory.mktemp("made")
    with Ledger.create(f"sqlite:///{folder / 'ledger.db'}") as ledger:
        store = store_in(folder, ledger, segment_bytes=SEGMENT)
        for start in OLD[::2]:
            keep(store, ledger, range(start, start + 2), LONG_AGO)
        keep(store, ledger, YOUNG, AT)
    return folder


@pytest.fixture
def place(made: Path, tmp_path: Path) -> Iterator[Place]:
    """A copy to be changed at will."""
    shutil.copytree(made, tmp_path / "copy")
    with opened(tmp_path / "copy") as found:
        yield found


STAYS = {data_of(number, "delivery-sent") for number in (*OLD, *YOUNG)} | {
    data_of(number, "receipt-received") for number in YOUNG
}
GOES = {data_of(number, "receipt-received") for number in OLD}


def test_what_is_due(place: Place) -> None:
    """The old receipts are due; what is permanent or young is not."""
    found = destruction.due(place.ledger, ON)
    assert {item.digest for item in found} == {sha256(data) for data in GOES}
    assert [item.digest for item in found] == sorted(item.digest for item in found)
    assert {item.due for item in found} == {"2021-01-01"}
    assert destruction.due(place.ledger, date(2020, 12, 31)) == ()
    assert len(destruction.due(place.ledger, date(2021, 1, 1))) == len(GOES)


def test_bytes_of_two_cases_are_due_for_both_or_not(place: Place) -> None:
    """Bytes that a young case has too, or that are kept as something permanent too, are not due."""
    shared = [data_of(1, "receipt-received"), data_of(2, "receipt-received")]
    rows = [
        registry.original_values(kept, "out", PARTNER, case_of(90 + number), f"m-{90 + number}", utc_text(at))
        for number, kept, at in zip(
            range(2),
            (
                place.store.keep([("receipt-received", shared[0])], AT)[0],
                place.store.keep([("delivery-sent", shared[1])], AT)[0],
            ),
            (AT, LONG_AGO),
            strict=True,
        )
    ]
    with place.ledger.writing() as connection:
        registry.register(connection, rows, "why", "service", utc_text(AT))
    assert {item.digest for item in destruction.due(place.ledger, ON)} == {
        sha256(data) for data in GOES - {shared[0], shared[1]}
    }


def test_an_order_comes_out_as_it_went_in(place: Place) -> None:
    """Reading an order gives what was written; its text holds every row that goes."""
    items = destruction.due(place.ledger, ON)
    order = destruction.read(place.order())
    assert (order.office, order.made, order.items) == (OFFICE, "2026-11-22T08:00:00Z", items)


@pytest.mark.parametrize(
    "change",
    [
        lambda _: b"",
        lambda _: b"[]\n",
        lambda text: text[:-1],
        lambda text: text.replace(b'"due"', b'"Due"'),
        lambda text: text.replace(b",", b", ", 1),
        lambda _: destruction.write(OFFICE, (), AT),
        lambda text: destruction.write(OFFICE, destruction.read(text).items[::-1], AT),
        lambda text: destruction.write(OFFICE, destruction.read(text).items[:1] * 2, AT),
        lambda text: text.replace(b"destruction-order:1", b"destruction-order:2"),
    ],
)
def test_an_order_has_one_form(place: Place, change: Callable[[bytes], bytes]) -> None:
    """What is not exactly as it would be written is S444."""
    with pytest.raises(UsageError, match="S444"):
        destruction.read(change(place.order()))


def refused(place: Place, order: bytes) -> str:
    """The code with which an order is refused; nothing has changed then."""
    before = journal.head(place.ledger)
    with pytest.raises(UsageError) as caught:
        place.carry_out(order)
    assert journal.head(place.ledger) == before
    assert place.readable() == STAYS | GOES
    return caught.value.code


def test_nothing_goes_before_its_date(place: Place) -> None:
    """An order with one original that is not due, or permanent, is refused whole: S440."""
    items = destruction.due(place.ledger, ON)
    table = [Period(kind, 0, "", "", "0001-01-01", "") for kind in ("receipt-received", "delivery-sent")]
    everything = destruction.due(place.ledger, date(2030, 1, 1), table)
    for number, kind in ((YOUNG[0], "receipt-received"), (OLD[0], "delivery-sent")):
        early = next(item for item in everything if item.digest == sha256(data_of(number, kind)))
        order = destruction.write(OFFICE, sorted((*items, early), key=lambda item: item.digest), AT)
        assert refused(place, order) == "S440"


def test_nothing_goes_while_it_is_held(place: Place) -> None:
    """A hold on one case keeps its originals from being due, and refuses an order that names one: S441."""
    order = place.order()
    cases.open_cases(place.ledger, [NewCase(case_of(3), PARTNER, "p-3", ("110",))], "staff-1", AT)
    hold = holds.place(place.ledger, case_of(3), "objection", "staff-2", AT)
    assert {item.digest for item in destruction.due(place.ledger, ON)} == {
        sha256(data) for data in GOES - {data_of(3, "receipt-received")}
    }
    assert refused(place, order) == "S441"
    holds.lift(place.ledger, hold.number, "staff-2", AT)
    assert place.carry_out(order).originals == len(GOES)


def test_a_hold_that_was_removed_by_hand_stops_everything(place: Place) -> None:
    """A507: nothing is destroyed while a hold is not what the journal says."""
    order = place.order()
    cases.open_cases(place.ledger, [NewCase(case_of(3), PARTNER, "p-3", ("110",))], "staff-1", AT)
    holds.place(place.ledger, case_of(3), "objection", "staff-2", AT)
    with place.ledger.writing() as connection:
        connection.execute(held_cases.delete())
    with pytest.raises(IntegrityError, match=r"A507.*holds 1: the row is missing"):
        place.carry_out(order)
    assert place.readable() >= GOES


def test_an_order_must_fit_what_is_kept(place: Place) -> None:
    """Another office's order, an unknown digest, another size or row, a row that came since: S444."""
    items = destruction.due(place.ledger, ON)
    first, *rest = items
    strange = sorted((*items, replace(first, digest="0" * 64)), key=lambda item: item.digest)
    assert refused(place, destruction.write("44030001", items, AT)) == "S444"
    assert refused(place, destruction.write(OFFICE, strange, AT)) == "S444"
    assert refused(place, destruction.write(OFFICE, (replace(first, bytes=1), *rest), AT)) == "S444"
    row = (*first.rows[0][:4], "another", first.rows[0][5])
    assert refused(place, destruction.write(OFFICE, (replace(first, rows=(row,)), *rest), AT)) == "S444"
    order = place.order()
    (kept,) = place.store.keep([("receipt-received", data_of(1, "receipt-received"))], AT)
    values = registry.original_values(kept, "out", PARTNER, case_of(99), "m-99", utc_text(LONG_AGO))
    with place.ledger.writing() as connection:
        registry.register(connection, [values], "why", "service", utc_text(AT))
    assert refused(place, order) == "S444"


def test_what_is_due_goes_and_what_must_stay_stays(place: Place) -> None:
    """After an order: its originals are gone, the others readable, the audit finds nothing, tombstones and journal say
    it, and the archive is valid OCFL.
    """
    assert place.problems() == ()
    order = place.order()
    before = place.store.layout.objects
    told = place.carry_out(order)
    assert told == Destroyed(sha256(order), len(GOES), sum(map(len, GOES)), told.segments)
    assert told.segments >= 3
    assert place.readable() == STAYS | {order, *SIGNATURES}
    for data in GOES:
        with pytest.raises(IntegrityError, match="A501"):
            place.store.read(sha256(data))
    with place.ledger.reading() as connection:
        stones = connection.execute(select(tombstones)).all()
        dead = connection.execute(select(segments.c.n).where(segments.c.state == "destroyed")).scalars().all()
        assert not connection.execute(select(members).where(members.c.segment.in_(dead))).all()
    assert {(stone.digest, stone.order_digest, stone.destroyed) for stone in stones} == {
        (sha256(data), sha256(order), "2026-11-22T08:00:00Z") for data in GOES
    }
    assert len(dead) == told.segments
    assert not any(place.store.layout.object_path(n).exists() for n in dead)
    kinds = [line.kind for line in journal.entries(place.ledger)]
    assert kinds.count("destroyed") == 1
    assert kinds.count("segment-destroyed") == told.segments
    journal.verify(place.ledger)
    assert place.problems() == ()
    assert [flaw for flaw in validate_root(before.path) if flaw.code.startswith("E")] == []
    assert destruction.due(place.ledger, ON) == ()


def test_destruction_with_a_ledger_in_postgresql(postgresql_url: str, tmp_path: Path) -> None:
    """The same on the other database: two orders, what stays is readable, the audit finds nothing."""
    with Ledger.create(postgresql_url) as ledger:
        place = Place(tmp_path, ledger)
        for numbers in (range(1, 5), range(5, 9)):
            keep(place.store, ledger, numbers, LONG_AGO)
        keep(place.store, ledger, YOUNG, AT)
        items = destruction.due(ledger, ON)
        for part in (items[:3], items[3:]):
            place.carry_out(destruction.write(OFFICE, part, AT))
            assert place.problems() == ()
        assert place.readable() >= STAYS
        assert place.readable().isdisjoint(GOES)


def test_a_carried_out_order_is_done_once(place: Place) -> None:
    """The same order again changes nothing and tells the same."""
    order = place.order()
    told = place.carry_out(order)
    head = journal.head(place.ledger)
    assert place.carry_out(order) == told
    assert journal.head(place.ledger) == head


def test_a_second_order_on_the_same_entries(place: Place) -> None:
    """Two orders, one after the other, take rows from under the same journal entries; their roots still hold."""
    items = destruction.due(place.ledger, ON)
    for part in (items[::2], items[1::2]):
        place.carry_out(destruction.write(OFFICE, part, AT))
        assert place.problems() == ()
    assert place.readable() >= STAYS
    with place.ledger.reading() as connection:
        assert len(connection.execute(select(tombstones)).all()) == len(GOES)


def test_a_segment_of_which_nothing_stays(place: Place) -> None:
    """With periods that end for everything, whole segments go and none is written anew for them."""
    table = [Period(kind, 0, "", "", "0001-01-01", "") for kind in ("receipt-received", "delivery-sent")]
    items = destruction.due(place.ledger, ON, table)
    order = destruction.write(OFFICE, items, AT)
    assert {item.digest for item in items} == {sha256(data_of(n, kind.kind)) for n in OLD for kind in table}
    carry_out(place.store, order, SIGNATURES, "staff-1", AT, table)
    assert place.problems() == ()
    young = {data_of(number, kind.kind) for number in YOUNG for kind in table}
    assert place.readable() == young | {order, *SIGNATURES}


def test_a_tombstone_that_was_changed_is_found(place: Place) -> None:
    """An edited tombstone, an edited or lost leaf of what went: each is A507."""
    place.carry_out()
    for change in (
        update(tombstones).where(tombstones.c.id == 3).values(case_number=case_of(7)),
        update(gone).where(gone.c.place == 1).values(leaf="0" * 64),
        gone.delete().where(gone.c.place == 0),
    ):
        copy = place.folder.with_name("damaged")
        shutil.copytree(place.folder, copy)
        with opened(copy) as damaged:
            with damaged.ledger.writing() as connection:
                connection.execute(change)
            assert {problem.code for problem in damaged.problems()} == {"A507"}  # type: ignore[attr-defined]
        shutil.rmtree(copy)


def test_what_cannot_be_moved_stops_everything(place: Place) -> None:
    """When an original that must stay is damaged, nothing is destroyed: A502, and the rest is as before."""
    order = place.order()
    with place.ledger.reading() as connection:
        digest = sha256(data_of(1, "delivery-sent"))
        row = connection.execute(select(members).where(members.c.digest == digest)).one()
    tar = place.store.layout.sealed_tar(row.segment)
    tar.chmod(0o600)
    data = bytearray(tar.read_bytes())
    data[row.offset + 20] ^= 1
    tar.write_bytes(bytes(data))
    with pytest.raises(IntegrityError, match="A502"):
        place.carry_out(order)
    assert {place.store.read(sha256(each)) for each in GOES} == GOES
    with place.ledger.reading() as connection:
        assert not connection.execute(select(tombstones)).all()
        assert not connection.execute(select(segments).where(segments.c.state == "destroyed")).all()


STEPS = ("fsync", "fdatasync", "rename", "replace", "unlink", "rmdir", "mkdir", "link", "ftruncate", "write")


def killed_at(folder: Path, order: bytes, step: int) -> int | None:
    """Carry an order out in a process that dies before its step number `step` on the disk.

    None if it died; else it has finished, after as many steps as are returned.
    """
    told, telling = os.pipe()
    child = os.fork()
    if child == 0:
        count = 0

        def dying(act: Callable[..., object]) -> Callable[..., object]:
            def wrapped(*arguments: object, **named: object) -> object:
                nonlocal count
                count += 1
                if count == step:
                    os._exit(9)
                return act(*arguments, **named)

            return wrapped

        write = os.write
        try:
            for name in STEPS:
                setattr(os, name, dying(getattr(os, name)))
            with opened(folder) as place:
                place.carry_out(order)
            write(telling, str(count).encode())
            os._exit(0)
        finally:
            os._exit(1)  # it failed instead
    os.close(telling)
    with os.fdopen(told, "rb") as answer:
        count_told = answer.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, 9)
    return int(count_told) if status == 0 else None


def trial(made: Path, folder: Path, step: int) -> bool:
    """Kill at a step; what must stay is readable at once, and carrying the order out again finishes it."""
    shutil.copytree(made, folder)
    with opened(folder) as place:
        order = place.order()
    died = killed_at(folder, order, step) is None
    with opened(folder) as place:
        assert place.readable() >= STAYS
        if died:
            told = place.carry_out(order)
            assert told.originals == len(GOES)
        assert place.readable() == STAYS | {order, *SIGNATURES}
        assert place.problems() == ()
        kinds = [line.kind for line in journal.entries(place.ledger)]
        assert (kinds.count("destroyed"), kinds.count("registered")) == (1, 6)
        layout = place.store.layout
        with place.ledger.reading() as connection:
            dead = connection.execute(select(segments.c.n).where(segments.c.state == "destroyed")).scalars().all()
        assert dead
        assert not any(layout.object_path(n).exists() for n in dead)
    shutil.rmtree(folder)
    return died


def test_killed_at_some_steps(made: Path, tmp_path: Path) -> None:
    """Killed at 8 steps spread over the whole act: nothing that must stay is unreadable, and running again finishes."""
    shutil.copytree(made, tmp_path / "whole")
    with opened(tmp_path / "whole") as place:
        order = place.order()
    last = killed_at(tmp_path / "whole", order, 0)
    assert last is not None
    assert last > 60
    chance = random.Random()
    for part in range(8):
        step = chance.randint(1 + part * last // 8, (part + 1) * last // 8)
        assert trial(made, tmp_path / "place", step), f"step {step} of {last}"


@pytest.mark.soak
def test_killed_at_every_step(made: Path, tmp_path: Path) -> None:
    """The same at every single step."""
    step = 1
    while trial(made, tmp_path / "place", step):
        step += 1
    assert step > 60


def test_nothing_of_what_went_is_left_on_the_disk(place: Place) -> None:
    """The ciphertext of what was destroyed is nowhere in the archive's folder any more."""
    with place.ledger.reading() as connection:
        rows = {row.digest: row for row in connection.execute(select(members))}
    taken = []
    for data in GOES:
        row = rows[sha256(data)]
        taken.append(place.store.layout.sealed_tar(row.segment).read_bytes()[row.offset : row.offset + 64])
    place.carry_out()
    left = place.on_disk()
    assert not any(piece in left for piece in taken)


def test_the_plain_file_of_an_older_home_goes_too(place: Place) -> None:
    """An upgrade puts plain originals aside; of what is destroyed none may stay, of what stays they may."""
    files = {}
    for data in (*GOES, *STAYS):
        files[data] = place.store.layout.adopted_file(sha256(data))
        files[data].parent.mkdir(parents=True, exist_ok=True)
        files[data].write_bytes(data)
    place.carry_out()
    assert {data for data, file in files.items() if file.exists()} == STAYS


def test_a_number_that_an_object_has_is_not_taken(place: Place) -> None:
    """A ledger that was restored from a backup does not know the objects sealed since; what stays gets a free number."""
    place.store.seal_due(AT, all_of_them=True)
    with place.ledger.reading() as connection:
        last = connection.execute(select(func.max(segments.c.n))).scalar_one()
    keep_order = place.order()
    stranger = place.store.layout.object_path(last + 2)  # the next number is the order's own segment
    stranger.mkdir(parents=True)
    place.carry_out(keep_order)
    with place.ledger.reading() as connection:
        states = dict(connection.execute(select(segments.c.n, segments.c.state)).tuples().all())
    assert last + 2 not in states
    assert set(states.values()) == {"sealed", "destroyed"}
    assert place.readable() >= STAYS


def test_many_small_originals_are_moved_in_few_steps() -> None:
    """The time to group members grows with their number, not with its square: 200,000 take a fraction of a second."""
    waiting = [Member("", "signature-sent", 300, 1, place, 0, 328, "", 0) for place in range(200_000)]
    started = time.process_time()
    groups = list(moving._groups(waiting))
    assert time.process_time() - started < 5
    assert [row for group in groups for row in group] == waiting
    assert len(groups) == 4
