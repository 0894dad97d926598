"""Several passes at once, on one home and on two machines, on SQLite and PostgreSQL: nothing is done twice."""

import multiprocessing
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import pairwise
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path
from uuid import UUID

import pytest

from archive import cases
from flows import passes
from flows.maintaining import audited
from flows.sealing import seal
from flows.synthetic.places import HANGZHOU, SHENZHEN
from flows.times import now
from flows.wiring import Office
from formats.errors import UsageError
from tests.flows.test_crash import LIFE, PassReport, backed_up, killed_at, run_pass
from tests.flows.test_crash import PASSES as ACTS
from tests.office import Pair, copied, exchange, fill, found_pair, open_approved, some_people, states
from tests.servers import PostgreSQL

PEOPLE = 24
BATCH = 3  # small, so that each of two processes gets a part

PASSES: dict[str, Callable[[Office], PassReport]] = {
    "send": passes.send,
    "receive": passes.receive,
    "acknowledge": passes.acknowledge,
}


@pytest.fixture
def postgresql_storage(postgresql_server: PostgreSQL) -> Iterator[dict[str, tuple[str, str]]]:
    """Fresh databases for the ledgers and records of both offices."""
    with ExitStack() as stack:

        def fresh() -> str:
            return stack.enter_context(postgresql_server.database())

        yield {place.office: (fresh(), fresh()) for place in (HANGZHOU, SHENZHEN)}


def _set(home: Path, line: str, new: str) -> None:
    """Change one line of a home's office.toml."""
    file = home / "office.toml"
    text = file.read_text(encoding="utf-8")
    assert text.count(line) == 1
    file.write_text(text.replace(line, new), encoding="utf-8")


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two offices, without people, that work in small batches."""
    folder = tmp_path_factory.mktemp("founded")
    _small_batches(found_pair(folder))
    return folder


def _small_batches(pair: Pair) -> Pair:
    for home in (pair.sender, pair.receiver):
        _set(home, "batch = 25 ", f"batch = {BATCH} ")
    return pair


def _fill(pair: Pair, people: int) -> Pair:
    """The offices with approved cases at the sender."""
    records = some_people(people)
    fill(pair.sender, records)
    open_approved(pair, [number for number, _ in records])
    return pair


def _on_postgresql(folder: Path, storage: dict[str, tuple[str, str]], people: int) -> Pair:
    return _fill(_small_batches(found_pair(folder, storage)), people)


def _one_of_two(home: Path, name: str, start: Barrier, answer: Connection) -> None:
    with Office.at(home) as office:
        assert office.ledger
        start.wait(30)
        answer.send(PASSES[name](office))


def _both(homes: Sequence[Path], name: str) -> list[PassReport]:
    """The reports of the same pass at the same time in a process for each home."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    start = context.Barrier(len(homes))
    pipes = [context.Pipe(duplex=False) for _ in homes]
    children = [
        context.Process(target=_one_of_two, args=(home, name, start, ours))
        for home, (_, ours) in zip(homes, pipes, strict=True)
    ]
    for child, (_, ours) in zip(children, pipes, strict=True):
        child.start()
        ours.close()
    try:
        reports = [theirs.recv() for theirs, _ in pipes]
    finally:
        for child in children:
            child.join(60)
    assert [child.exitcode for child in children] == [0] * len(children)
    return reports


def _exchange_twice_over(senders: Sequence[Path], receivers: Sequence[Path]) -> list[str]:
    """A whole exchange in which every pass runs in two processes at once; what failed."""
    failed = []
    for homes, name in ((senders, "send"), (receivers, "receive"), (receivers, "acknowledge"), (senders, "receive")):
        reports = _both(homes, name)
        failed += [f"{name} {item.code} {item.detail}" for report in reports for item in report.failed]
    return failed


def _assert_everything_once(pair: Pair, people: int = PEOPLE, *, killed: bool = False) -> None:
    """Every case is accepted at both ends, was one message and has one original; both archives hold.

    A killed process leaves what it had kept and not entered; the next one, a second later, keeps other bytes.
    """
    numbers = list(states(pair.sender))
    assert len(numbers) == people
    assert states(pair.sender) == dict.fromkeys(numbers, "accepted")
    assert states(pair.receiver) == dict.fromkeys(numbers, "accepted")
    with Office.at(pair.sender) as sender, Office.at(pair.receiver) as receiver:
        sent = [row for row in cases.originals(sender.ledger, None) if row.kind == "delivery-sent"]
        came = [row for row in cases.originals(receiver.ledger, None) if row.kind == "package-received"]
        for rows in (sent, came):
            assert Counter(row.case for row in rows) == Counter(numbers)
            assert len({row.message_id for row in rows}) == people
        assert {row.message_id for row in sent} == {row.message_id for row in came}
        assert len(receiver.records.persons()) == people
        for office in (sender, receiver):
            report = audited(office, now())
            assert report.problems == ()
            assert killed or report.drafts == 0


def test_two_passes_at_once_on_one_home_never_take_the_same_case(tmp_path: Path, founded: Path) -> None:
    """Each pass in two processes on one home (SQLite): every case once, nothing fails."""
    pair = _fill(copied(founded, tmp_path), PEOPLE)
    assert _exchange_twice_over([pair.sender] * 2, [pair.receiver] * 2) == []
    _assert_everything_once(pair)


def _second_machine(home: Path, folder: Path) -> Path:
    """The home of the same office on another machine, as the README says: a copy, and one folder for both."""
    shared = folder / f"{home.name}-shared"
    shared.mkdir()
    shutil.move(home / "archive", shared)
    _set(home, 'folder = "" ', f'folder = "{shared}" ')
    second = folder / f"{home.name}-2"
    second.mkdir()
    for name in ("keys", "partners"):
        shutil.copytree(home / name, second / name)
    shutil.copy(home / "office.toml", second)
    return second


def test_two_machines_share_the_work_of_one_office(
    tmp_path: Path, postgresql_storage: dict[str, tuple[str, str]]
) -> None:
    """Two homes of each office, one PostgreSQL ledger and one folder an office: every case once, nothing fails."""
    pair = _on_postgresql(tmp_path, postgresql_storage, PEOPLE)
    senders = [pair.sender, _second_machine(pair.sender, tmp_path)]
    receivers = [pair.receiver, _second_machine(pair.receiver, tmp_path)]
    assert _exchange_twice_over(senders, receivers) == []
    _assert_everything_once(pair)
    for second in (senders[1], receivers[1]):
        assert sorted(path.name for path in second.iterdir()) == ["keys", "office.toml", "partners"]


def test_what_one_machine_has_sealed_another_posts(
    tmp_path: Path, postgresql_storage: dict[str, tuple[str, str]]
) -> None:
    """A machine that dies between sealing and posting leaves its packages to the others."""
    pair = _on_postgresql(tmp_path, postgresql_storage, 2)
    second = _second_machine(pair.sender, tmp_path)
    with Office.at(pair.sender) as office:
        assert len(seal(office, 10).sealed) == 2
    with Office.at(second) as office:
        report = passes.send(office)
        assert (len(report.posted.posted), report.failed) == (2, ())


def test_a_shared_folder_that_is_not_there_is_not_made(tmp_path: Path, founded: Path) -> None:
    """A machine on which the shared folder is not mounted does nothing, and says which setting is meant."""
    pair = copied(founded, tmp_path)
    _set(pair.sender, 'folder = "" ', 'folder = "../not-mounted" ')
    with pytest.raises(UsageError) as caught:
        Office.at(pair.sender)
    assert (caught.value.code, "storage.folder" in caught.value.detail) == ("S401", True)
    assert not (tmp_path / "not-mounted").exists()


def _sent(pair: Pair, workers: int) -> tuple[passes.SendReport, dict[str, str]]:
    with Office.at(pair.sender) as office:
        return passes.send(office, workers_wanted=workers), states(pair.sender)


def test_two_workers_do_the_same_as_one(tmp_path: Path, founded: Path) -> None:
    """A send and a receive pass with two workers end as with one: same cases, same states, same findings."""
    for workers in (1, 2):
        pair = _fill(copied(founded, tmp_path / str(workers)), 8)
        report, after = _sent(pair, workers)
        assert report.failed == ()
        assert len(report.sealed.sealed) == len(report.posted.posted) == 8
        assert set(report.sealed.sealed) == set(after)
        assert set(after.values()) == {"in_transit"}
        with Office.at(pair.receiver) as office:
            received = passes.receive(office, workers_wanted=workers)
            assert (received.fetched.fetched, received.failed) == (8, ())
            assert {item.case for item in received.opened.accepted} == set(after)
        exchange(pair)
        _assert_everything_once(pair, 8)


def test_a_case_that_fails_does_not_keep_workers_busy_for_ever(tmp_path: Path, founded: Path) -> None:
    """With two workers a case whose person is gone fails once a pass and stays approved; the others are sent."""
    pair = _fill(copied(founded, tmp_path), 4)
    lost = open_approved(pair, ["no-such-person"])
    report, after = _sent(pair, 2)
    assert [(item.subject, item.code) for item in report.failed] == [(*lost, "S412")]
    assert Counter(after.values()) == {"in_transit": 4, "approved": 1}


def test_a_whole_exchange_on_postgresql_ends_accepted(
    tmp_path: Path, postgresql_storage: dict[str, tuple[str, str]]
) -> None:
    """Ledgers and records databases of both offices on PostgreSQL: everything accepted, both archives hold."""
    pair = _on_postgresql(tmp_path, postgresql_storage, 5)
    exchange(pair)
    _assert_everything_once(pair, 5)
    assert not list(tmp_path.rglob("*.db"))


def test_processes_killed_on_postgresql_lose_and_double_nothing(
    tmp_path: Path, postgresql_storage: dict[str, tuple[str, str]]
) -> None:
    """After a kill -9 at four steps of a case's life and one more exchange, each case ended once (guarantees 1 to 3)."""
    pair = _on_postgresql(tmp_path, postgresql_storage, 4)
    assert killed_at(pair, "send", "recorded")
    assert killed_at(pair, "send", "uploaded")
    run_pass(pair, "send")
    assert killed_at(pair, "receive", "taken in")
    assert killed_at(pair, "receive", "answered")
    exchange(pair)
    _assert_everything_once(pair, 4, killed=True)


STEPS = [(name, step) for name, steps in LIFE.items() for step in steps]


@pytest.fixture(scope="module")
def turns(tmp_path_factory: pytest.TempPathFactory, founded: Path) -> dict[str, Path]:
    """For each pass, a folder with two offices in which it is this pass's turn."""
    folder = tmp_path_factory.mktemp("turns")
    _fill(backed_up(copied(founded, folder / "send")), 4)
    places = {"send": folder / "send"}
    for earlier, later in pairwise(LIFE):
        places[later] = folder / later
        run_pass(copied(places[earlier], places[later]), earlier)
    return places


@pytest.mark.parametrize(("name", "step"), STEPS, ids=[f"{name}-{step}" for name, step in STEPS])
def test_a_pass_that_another_overtakes_at_any_step_does_no_harm(
    tmp_path: Path, turns: dict[str, Path], name: str, step: str
) -> None:
    """While a pass stands at this step another runs from beginning to end: every case once, and nothing fails."""
    pair = copied(turns[name], tmp_path)
    side, act = ACTS[name]
    home = pair.sender if side == "sender" else pair.receiver
    junk = (
        home.parent
        / "exchange"
        / (HANGZHOU if side == "sender" else SHENZHEN).office
        / f"33010001-44030001-99-{UUID(int=7)}.xml.pgp"
    )
    junk.write_bytes(b"no package")
    overtaken: list[PassReport] = []

    with Office.at(home) as slow, Office.at(home) as quick:

        def overtake(reached: str, _count: int) -> None:
            if reached == step and not overtaken:
                overtaken.append(act(quick, lambda _name, _count: None))

        report = act(slow, overtake)

    assert overtaken, f"the pass {name} never came to the step {step}"
    assert [item.code for item in (*report.failed, *overtaken[0].failed) if item.subject != junk.name] == []
    exchange(pair)
    _assert_everything_once(pair, 4)
