"""Every path of a case: what is written in its scenario is what the commands do and print."""

import os
import shlex
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import pytest

from flows import times
from flows.cli import run as command
from formats.record import Record
from tests import exchange as ex
from tests.office import Pair, configure, copied, fill, found_pair, some_people
from tests.parts import ROOT
from tests.scenarios.story import played

FOLDER = Path(__file__).parent
FILES = sorted(FOLDER.glob("*.md"))
DOCUMENT = ROOT / "flows" / "SCENARIOS.md"
REWRITE = os.environ.get("JIEXU_SCENARIOS") == "rewrite"  # have the files say what is printed, to be read and committed

PERSON, RECORD = some_people(1)[0]
HERE = "4403000100042"
MONTH = RECORD.contributions[-1].month.replace("-", "")
NAMES = {"PERSON": PERSON, "HERE": HERE, "MONTH": MONTH, "NAMED": RECORD.person.name}


class Clock(datetime):
    """A clock that goes as the machine's does, but begins on the day of the scenarios."""

    ahead = datetime(2026, 11, 23, 1, tzinfo=UTC) - datetime.now(UTC)
    days = 0

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]  # of the class that it stands for
        """The time in the scenario."""
        return datetime.now(tz) + cls.ahead + timedelta(days=cls.days)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two offices: the person's record at the old one, the person enrolled at the new one."""
    folder = tmp_path_factory.mktemp("empty")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(times, "datetime", Clock)
        pair = found_pair(folder)
    fill(pair.sender, [(PERSON, RECORD)])
    fill(pair.receiver, [(HERE, Record(person=RECORD.person))])
    configure(pair.receiver, phone="0755-88880000")
    return folder


@pytest.fixture
def pair(empty: Path, tmp_path: Path) -> Pair:
    """The two offices."""
    return copied(empty, tmp_path)


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_a_scenario(
    file: Path, pair: Pair, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each command prints what the scenario says, and ends so; both audits are clean at the end."""
    homes = {"hangzhou": pair.sender, "shenzhen": pair.receiver}
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Clock, "days", 0)
    monkeypatch.setattr(times, "datetime", Clock)

    def run(office: str, sign: str, words: str) -> Sequence[str]:
        if office == "days":
            Clock.days += int(words)
            return ()
        if sign == ">":
            with closing(sqlite3.connect(homes[office] / "records.db")) as database, database:
                database.execute("ATTACH ? AS old", [str(pair.sender / "records.db")])
                return (f"{database.execute(words).rowcount} rows",)
        words, _, file = words.partition(" > ")
        program, *arguments = shlex.split(words)
        assert program == "jiexu"
        capfd.readouterr()
        status = command(["-C", str(homes[office]), *arguments])
        printed = capfd.readouterr()
        if file:
            Path(file).write_text(printed.out, encoding="utf-8")
            printed = printed._replace(out="")
        lines = (printed.out + printed.err).replace(f"{tmp_path}/", "").splitlines()
        return (*lines, f"[{status}]") if status else lines

    text = file.read_text(encoding="utf-8")
    told = played(text, run, NAMES)
    if REWRITE:
        file.write_text(told.text, encoding="utf-8")
    assert told.text == text
    assert ex.problems(pair) == ()


def test_the_scenarios_are_in_the_docs() -> None:
    """`flows/SCENARIOS.md` is made of these files, in the order of its list."""
    text = document()
    if REWRITE:
        DOCUMENT.write_text(text, encoding="utf-8")
    assert DOCUMENT.read_text(encoding="utf-8") == text


ORDER = (
    "accepted",
    "rejected",
    "returned-and-corrected",
    "objected",
    "overlapped",
    "there-and-back",
    "withdrawn",
    "expired",
    "key-changed",
)
HEAD = """# Scenarios

One path of a case each, between an old office (Hangzhou, `hangzhou$`) and a new one (Shenzhen, `shenzhen$`), each with
its own home (`-C` is left out). They are run by the tests, which compare every line. CASE is the case's number, PERSON
the person's number at the old office, HERE the one at the new one; TIME, ID, DIGEST and KEY stand for what differs each
time. All begin on 23 November 2026. `hangzhou> …` is what the office's own system does in its records database,
`days> 40` that days go by.
"""


def document() -> str:
    """The page for the docs."""
    assert sorted(ORDER) == [file.stem for file in FILES]
    parts = [(FOLDER / f"{name}.md").read_text(encoding="utf-8") for name in ORDER]
    return "\n".join([HEAD, *(part.replace("# ", "## ", 1) for part in parts)])
