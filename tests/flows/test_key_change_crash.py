"""Kill -9 in the middle of a change of key and of sealing anew: every key that was told opens, each case ends once."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from archive import journal
from flows import own_card, own_keys, partnering, passes, retrying, rotating
from flows.steps import Steps
from flows.times import now
from flows.wiring import Office
from tests import exchange as ex
from tests.office import Pair, copied, exchange, fill, found_pair, open_approved, some_people, states
from transfer import envelope
from transfer.cards import parse_card

MONTH = timedelta(days=30)
PEOPLE = some_people(2)
Act = Callable[[Office, Steps], object]


def killed_at(home: Path, act: Act, step: str) -> None:
    """Do something at an office in a process that kills itself, without any farewell, when it reaches the step."""

    def child() -> None:
        def listener(name: str, _count: int) -> None:
            if name == step:
                os.kill(os.getpid(), signal.SIGKILL)

        with Office.at(home) as office:
            act(office, listener)

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL, f"it never came to {step}"


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two offices; two packages of the one wait for the other's old key, and it has been told of the new one."""
    folder = tmp_path_factory.mktemp("waiting")
    pair = found_pair(folder)
    fill(pair.sender, PEOPLE)
    open_approved(pair, [person for person, _ in PEOPLE])
    place = ex.mailbox(pair.receiver)
    ex.send(pair) if place.rename(place.with_name("away")) else None
    place.with_name("away").rename(place)
    with Office.at(pair.receiver) as office:
        rotating.begin(office, "staff-9", now())
        text = own_card.card_text(office, now())
    with Office.at(pair.sender) as office:
        partnering.add(office, parse_card(text), "staff-9", now(), MONTH)
    return folder


@pytest.fixture
def pair(waiting: Path, tmp_path: Path) -> Pair:
    """A copy of them."""
    return copied(waiting, tmp_path)


@pytest.mark.parametrize("step", ["sealed anew", "kept anew", "resealed", "uploaded", "posted"])
def test_sealing_anew_is_killed(pair: Pair, step: str) -> None:
    """After kill -9 at this step and one more run each case ends once, and both archives are whole.

    What lies in the mailbox is for the new key alone: the receiver has dropped the old one.
    """
    killed_at(pair.sender, lambda office, steps: passes.send(office, steps=steps), step)
    with Office.at(pair.receiver) as office:
        rotating.switch(office, "staff-9", now(), MONTH)
        rotating.end(office, "staff-9", now())
    exchange(pair)
    assert set(states(pair.sender).values()) == set(states(pair.receiver).values()) == {"accepted"}
    assert len(states(pair.receiver)) == len(PEOPLE)
    assert ex.problems(pair) == ()
    with Office.at(pair.sender) as office:
        entries = [dict(item.what) for item in journal.entries(office.ledger) if item.kind == "resealed"]
    assert [item["cases"] for item in entries] == [len(PEOPLE)]


@pytest.mark.parametrize("step", ["numbered", "bounded", "replaced", "switched"])
def test_a_switch_is_killed(pair: Pair, step: str) -> None:
    """Whatever was told to partners opens at once after the kill; the same step once more ends as one would have."""
    home = pair.receiver
    with Office.at(home) as office:
        old, new = own_keys.every(office.settings)
    packages = [envelope.seal(b"x", old, key.public, now()).package for key in (old, new)]
    killed_at(home, lambda office, steps: rotating.switch(office, "staff-9", now(), MONTH, steps=steps), step)
    for again in (False, True):
        if again:
            with Office.at(home) as office:
                rotating.switch(office, "staff-9", now(), MONTH)
        with Office.at(home) as office:
            keys = office.opening_keys(now())
            assert {key.fingerprint for key in keys} == {old.fingerprint, new.fingerprint}
            assert office.key.fingerprint == (new if again or step in ("replaced", "switched") else old).fingerprint
            pins = {old.fingerprint: _pin(office, old)}
            for package in packages:
                assert envelope.unseal(package, keys, pins, now()).data == b"x"
    assert sorted(path.name for path in (home / "keys").glob("office*")) == [
        "office-1.asc",
        "office-1.until",
        "office.asc",
    ]
    with Office.at(home) as office:
        assert [item.kind for item in journal.entries(office.ledger)].count("office-key-changed") == 1


def _pin(office: Office, key: envelope.OfficeKey) -> envelope.Pin:
    return envelope.Pin(office.code, key.public, key.public.created, now() + MONTH, None)


@pytest.mark.parametrize("step", ["written", "waiting"])
def test_a_retry_is_killed(pair: Pair, step: str) -> None:
    """A package of the quarantine is never lost, and a retry that was killed is done by another."""
    parcel = ex.sent(pair, min(states(pair.sender)))
    for file in (pair.receiver / "partners").iterdir():
        file.rename(file.with_suffix(".aside"))
    ex.deliver(pair.receiver, parcel)
    assert [item.code for item in ex.receive(pair.receiver).opened.quarantined] == ["T130"]
    for file in (pair.receiver / "partners").iterdir():
        file.rename(file.with_suffix(".toml"))

    def act(office: Office, steps: Steps) -> None:
        retrying.retry(office, retrying.chosen(office, ()), "staff-9", "its card is back", now(), steps=steps)

    killed_at(pair.receiver, act, step)
    with Office.at(pair.receiver) as office:
        act(office, lambda _name, _count: None)
    assert [item.case for item in ex.receive(pair.receiver).opened.accepted] == [min(states(pair.sender))]
    with Office.at(pair.receiver) as office:
        later = now() + timedelta(days=2)
        retrying.retry(office, (), "staff-9", "nothing more", later)
    assert ex.quarantined(pair.receiver) == set()
    assert ex.problems(pair) == ()
