"""Fixtures of the command line's tests."""

from dataclasses import replace
from pathlib import Path

import pytest

from flows.cli import run
from flows.synthetic.people import bad_check_digit
from tests.command_line import Answer, Call, Place, outside
from tests.office import configure, copied, exchange, fill, found_pair, open_approved, some_people


@pytest.fixture(scope="session")
def exchanged(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Two offices after an exchange."""
    folder = tmp_path_factory.mktemp("exchanged")
    pair = found_pair(folder)
    (first, wrong), second, third = some_people(3)
    fill(pair.sender, [(first, bad_check_digit(wrong)), second, third])
    configure(pair.sender, phone="0571-85255555")
    held, sent = open_approved(pair, [first, second[0]])
    exchange(pair)
    command = ["case", "open", "--partner", "44030001", "--person", third[0], "--by", "staff-1", "--json"]
    fresh = outside("-C", pair.sender, *command).document["opened"][0]
    card = outside("-C", pair.sender, "partner", "card").out
    (folder / "card").write_text(card.replace("33010001", "33010009"), encoding="utf-8")
    return Place(pair.sender, held, sent, fresh)


@pytest.fixture
def place(exchanged: Place, tmp_path: Path) -> Place:
    """A copy to be changed at will."""
    return replace(exchanged, home=copied(exchanged.home.parent, tmp_path / "offices").sender)


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str]) -> Call:
    """Run a command line in this process."""

    def called(*arguments: str | Path) -> Answer:
        capfd.readouterr()
        status = run([str(argument) for argument in arguments])
        printed = capfd.readouterr()
        assert "Traceback" not in printed.err + printed.out
        return Answer(status, printed.out, printed.err)

    return called
