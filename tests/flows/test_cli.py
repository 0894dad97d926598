"""The command line as scripts and people meet it: exit statuses, one JSON document, help, languages, no traceback."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import pytest

from flows.cli import jiexu, run
from flows.synthetic.people import bad_check_digit
from formats.messages import STAGES
from formats.reasons import reason
from tests import parts
from tests.office import copied, exchange, fill, found_pair, open_approved, some_people
from tests.transfer.test_hostile_packages import CODES
from transfer.keys import load_public

PROGRAM = Path(sys.executable).parent / "jiexu"
NOWHERE = "no-such-place"


@dataclass(frozen=True, slots=True)
class Place:
    """A sending office after an exchange, and three of its cases; the receiver lies beside it.

    `held`: held back by the checks; `sent`: accepted; `fresh`: open, not approved.
    """

    home: Path
    held: str
    sent: str
    fresh: str

    def fill_in(self, words: str) -> list[str]:
        """A command line with the place's own names for HELD, SENT, FRESH, DIGEST, FILE and DIR."""
        named = {"HELD": self.held, "SENT": self.sent, "FRESH": self.fresh, "DIR": str(self.home.parent)}
        return [named.get(word) or self._file(word) for word in words.split()]

    def _file(self, word: str) -> str:
        if word not in {"DIGEST", "DOCUMENT", "PACKAGE", "CARD", "OUT"}:
            return word
        if word == "DIGEST":
            return next(path.name for path in self.home.glob("archive/*/*/*"))
        if word == "DOCUMENT":
            return str(next(path for path in self.home.glob("archive/*/*/*") if path.read_bytes()[:5] == b"<?xml"))
        if word == "PACKAGE":
            return str(next((self.home.parent / "shenzhen/outbox").iterdir()))
        return str(self.home.parent / word.lower())


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command line came to."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)

    @property
    def code(self) -> str:
        """The code of the error in the JSON document."""
        error = self.document["error"]
        assert set(error) == {"code", "what", "todo", "retry"}
        assert isinstance(error["retry"], bool)
        assert f"jiexu: error: {error['code']} {error['what']}" in self.err
        return str(error["code"])


Call = Callable[..., Answer]


@pytest.fixture(scope="module")
def exchanged(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Two offices after an exchange."""
    folder = tmp_path_factory.mktemp("exchanged")
    pair = found_pair(folder)
    (first, wrong), second, third = some_people(3)
    fill(pair.sender, [(first, bad_check_digit(wrong)), second, third])
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


def outside(*arguments: str | Path, environ: Mapping[str, str] | None = None) -> Answer:
    """Run the installed command."""
    done = subprocess.run(
        [PROGRAM, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, **(environ or {})},
    )
    assert "Traceback" not in done.stderr
    return Answer(done.returncode, done.stdout, done.stderr)


def commands(group: click.Group = jiexu, before: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, with the words that call it."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


COMMANDS = dict(commands())

# A command line for each command that ends with 0 at `place`. The demo and the benchmarks have tests of their own.
GOOD = {
    "init": "init DIR/new --code 33010002 --name x",
    "partner card": "partner card",
    "partner add": "partner add CARD --fingerprint FINGERPRINT",
    "partner list": "partner list",
    "upgrade": "upgrade",
    "case open": "case open --partner 44030001 --person 3301000100000001 --by staff-1",
    "case approve": "case approve FRESH --stage handler --by staff-1",
    "case hold": "case hold FRESH --by staff-1 --why recheck",
    "case release": "case release HELD --by staff-1 --why corrected",
    "case withdraw": "case withdraw HELD --by staff-1 --why moved",
    "case list": "case list",
    "case show": "case show HELD",
    "send": "send --engine direct",
    "receive": "receive --engine direct",
    "acknowledge": "acknowledge --engine direct",
    "check": "check DOCUMENT",
    "package seal": "package seal DOCUMENT --partner 44030001 -o OUT",
    "package open": "package open PACKAGE",
    "archive list": "archive list",
    "archive get": "archive get DIGEST -o OUT",
    "archive audit": "archive audit",
    "journal show": "journal show",
    "journal verify": "journal verify",
    "journal head": "journal head",
}
ELSEWHERE = {"demo", "serve", "bench seal", "bench open", "bench sftp"}

# A command line for each command that cannot be done, with its code.
BAD = {name: (words, "S402") for name, words in GOOD.items()} | {
    "demo": ("demo --people 6 --dir DIR", "S414"),
    "init": ("init DIR --code 33010002 --name x", "S414"),
    "partner add": ("partner add CARD --fingerprint 00", "T130"),
    "serve": ("serve", "S418"),
    "check": (f"check {NOWHERE}", "S417"),
    "bench seal": ("bench seal --people 0", "S421"),
    "bench open": ("bench open --people none", "S421"),
    "bench sftp": ("bench sftp --fast", "S421"),
}


def line(place: Place, words: str) -> list[str]:
    """The words of a command line at this place."""
    fingerprint = ""
    if "FINGERPRINT" in words:
        card = (place.home.parent / "card").read_text(encoding="utf-8")
        fingerprint = next(row.split('"')[1].replace(" ", "") for row in card.splitlines() if row[:11] == "fingerprint")
    words = words.replace("FINGERPRINT", fingerprint).replace("DIR/new", f"{place.home.parent}/new")
    return place.fill_in(words)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_takes_json_and_has_a_help_text(name: str, call: Call) -> None:
    """Each command has `--json`; its help says what it does and what each option is."""
    command = COMMANDS[name]
    assert command.help
    assert "--json" in {option for parameter in command.params for option in parameter.opts}
    silent = [item.name for item in command.params if isinstance(item, click.Option) and not item.help]
    chosen = [item.name for item in command.params if isinstance(item.type, click.Choice)]
    assert set(silent) <= {*chosen, "output", "folder"}
    shown = call(*name.split(), "--help")
    assert shown.status == 0
    assert command.help.split(".")[0].split(";")[0][:40] in " ".join(shown.out.split())


def test_every_command_has_a_good_example_here() -> None:
    """No command is left out of the tests below."""
    assert set(GOOD) | ELSEWHERE == set(BAD) == set(COMMANDS)


@pytest.mark.parametrize("name", GOOD)
def test_a_command_prints_one_json_document(name: str, place: Place, call: Call) -> None:
    """With `--json` stdout is exactly one JSON document without an error; without it, text for people."""
    words = line(place, GOOD[name])
    if name in {"init", "partner add", "case approve", "case hold", "case release", "case withdraw"}:
        answer = call("-C", place.home, *words, "--json")
    else:
        assert call("-C", place.home, *words).status == 0
        answer = call("-C", place.home, *words, "--json")
    assert answer.status == 0, answer.err
    assert isinstance(answer.document, dict)
    assert "error" not in answer.document


@pytest.mark.parametrize("name", BAD)
def test_a_failing_command_prints_its_error_as_json(
    name: str, place: Place, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `--json` an error is the one document on stdout, and on stderr in words; it ends with 2."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    words, code = BAD[name]
    home = place.home.parent / NOWHERE if code == "S402" else place.home
    answer = call("-C", home, *line(place, words), "--json")
    assert (answer.code, answer.status) == (code, 2)


def test_a_wrong_command_line_ends_with_2(place: Place, call: Call) -> None:
    """Unknown commands and options, missing and impossible values: 2, with the command's own words."""
    for words in (
        "nonsense",
        "case nonsense",
        "case list --nonsense",
        "case list --state nonsense",
        "case show",
        "case open --partner 44030001",
        "send --workers -1",
        "send --engine steam",
        "demo --people 5",
        "partner add",
    ):
        answer = call("-C", place.home, *words.split())
        assert (answer.status, answer.out) == (2, "")
        assert "S421" in answer.err, words
    assert call().status == call("case").status == 2


def test_exit_status_0_and_the_shape_of_case_list(exchanged: Place) -> None:
    """`case list --json` prints {"cases": [{"case", "state", "partner", …}]}, and ends with 0."""
    answer = outside("-C", exchanged.home, "case", "list", "--json")
    assert (answer.status, answer.err) == (0, "")
    found = {(row["case"], row["state"], row["partner"]) for row in answer.document["cases"]}
    states = {exchanged.held: "held", exchanged.sent: "accepted", exchanged.fresh: "open"}
    assert found == {(case, state, "44030001") for case, state in states.items()}
    only = outside(
        "case",
        "list",
        "--state",
        "held",
        "--partner",
        "44030001",
        "--json",
        environ={"JIEXU_HOME": str(exchanged.home)},
    )
    assert [row["case"] for row in only.document["cases"]] == [exchanged.held]


def test_exit_status_1_when_a_case_fails(place: Place, call: Call) -> None:
    """A send pass that holds a case back names it with its reasons and ends with 1."""
    for command in (
        ("release", place.held, "--by", "staff-1", "--why", "as it was"),
        *(("approve", place.held, "--stage", stage, "--by", f"staff-{stage}") for stage in STAGES),
    ):
        assert call("-C", place.home, "case", *command).status == 0
    answer = outside("-C", place.home, "send", "--engine", "direct")
    assert answer.status == 1
    assert f"held {place.held}" in answer.out
    assert reason("R001").what["en"] in answer.out


def test_exit_status_2_when_there_is_no_office(tmp_path: Path, call: Call) -> None:
    """A folder without an office, and a file, are S402."""
    (tmp_path / "file").touch()
    assert outside("-C", tmp_path, "case", "list").status == 2
    for home in (tmp_path, tmp_path / NOWHERE, tmp_path / "file"):
        answer = call("-C", home, "case", "list")
        assert (answer.status, "S402" in answer.err) == (2, True)


def test_exit_status_3_when_the_mailbox_is_away(place: Place) -> None:
    """A mailbox that cannot be reached is named and ends with 3: try again later."""
    (place.home.parent / "exchange/33010001").rename(place.home.parent / "away")
    answer = outside("-C", place.home, "receive", "--engine", "direct", "--json")
    assert answer.status == 3
    assert [item["code"] for item in answer.document["fetched"]["failed"]] == ["S404"]


def test_exit_status_4_when_an_original_has_changed(place: Place) -> None:
    """`archive audit` names the digest of a flipped byte and of a lost file."""
    flipped, lost = sorted(place.home.glob("archive/*/*/*"))
    data = bytearray(flipped.read_bytes())
    data[len(data) // 2] ^= 1
    flipped.chmod(0o600)
    flipped.write_bytes(data)
    answer = outside("-C", place.home, "archive", "audit")
    assert (answer.status, f"A502 {flipped.name}" in answer.out) == (4, True)
    lost.unlink()
    found = outside("-C", place.home, "archive", "audit", "--json")
    assert found.status == 4
    problems = {(item["code"], item["subject"]) for item in found.document["problems"]}
    assert problems == {("A502", flipped.name), ("A501", lost.name)}


def test_the_help_lists_the_exit_statuses(call: Call) -> None:
    """`jiexu --help` says what 0 to 4 mean."""
    shown = " ".join(call("--help").out.split())
    for told in (
        "0 done",
        "1 some cases failed",
        "2 wrong usage",
        "3 a partner or a service could not",
        "4 an integrity",
    ):
        assert told in shown


@pytest.mark.parametrize("words", ["--help", "case list", "archive audit", "send --engine direct"])
def test_prefect_is_not_imported_for(words: str, exchanged: Place) -> None:
    """Help, lookups and direct passes answer without loading Prefect."""
    program = (
        "import sys; from flows.cli import run; status = run(sys.argv[1:]);"
        "sys.exit(9 if any(name.split('.')[0] == 'prefect' for name in sys.modules) else status)"
    )
    command = [sys.executable, "-c", program, "-C", str(exchanged.home), *words.split()]
    assert subprocess.run(command, check=False, capture_output=True, timeout=60).returncode == 0


# In three files everything hangs on how the sender is pinned, which a key file alone does not say.
HOSTILE = {name: code for name, code in CODES.items() if code and not name.startswith(("06c_", "12f_", "17a_"))}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An office with the key to which the hostile packages are encrypted; it knows their senders."""
    keys = parts.shared_data("openpgp") / "keys"
    home = tmp_path_factory.mktemp("guarded") / "home"
    assert run(["init", str(home), "--code", "44030001", "--name", "x", "--key", str(keys / "recip.sec.asc")]) == 0
    for place, name in enumerate(("sender", "expired", "revoked")):
        file = keys / f"{name}.pub.asc"
        words = ["--code", f"3301000{place}", "--name", name, "--key", str(file)]
        fingerprint = load_public(file.read_text(encoding="ascii")).fingerprint
        assert run(["-C", str(home), "partner", "add", *words, "--fingerprint", fingerprint]) == 0
    return home


def test_package_open_prints_a_good_package(guarded: Path) -> None:
    """The document is on stdout, to the byte, and who signed it on stderr."""
    answer = outside("-C", guarded, "package", "open", parts.shared_data("openpgp") / "00_good.pgp")
    assert answer.status == 0
    assert answer.out.startswith("<")
    assert "signed by 33010000" in answer.err


@pytest.mark.parametrize("name", HOSTILE)
def test_package_open_refuses_hostile_packages(name: str, guarded: Path, call: Call) -> None:
    """A hostile package ends with 4 and its reason code, and nothing of it is printed."""
    file = parts.shared_data("openpgp") / name
    answer = call("-C", guarded, "package", "open", file)
    assert (answer.status, answer.out) == (4, "")
    assert f"jiexu: error: {HOSTILE[name]} " in answer.err
    told = call("-C", guarded, "package", "open", file, "--json")
    assert (told.status, told.code) == (4, HOSTILE[name])


def test_check_finds_what_the_receiver_would(place: Place, call: Call, tmp_path: Path) -> None:
    """A good document ends with 0; broken ones with 4, each file named with its code; no office is needed."""
    good = Path(place.fill_in("DOCUMENT")[0])
    text = good.read_text(encoding="utf-8")
    wrongs = {
        "M150": text[:-20],
        "M151": text.replace("?>", "?><!DOCTYPE delivery>", 1),
        "M160": text.replace(" kinds=", " kindz="),
    }
    for code, wrong in wrongs.items():
        (tmp_path / f"{code}.xml").write_text(wrong, encoding="utf-8")
    assert call("-C", tmp_path, "check", good).status == 0
    assert call("-C", tmp_path, "check", good).out.startswith(f"good {good}")
    answer = call("-C", tmp_path, "check", good, *(tmp_path / f"{code}.xml" for code in wrongs), "--json")
    assert answer.status == 4
    found = {row["file"]: {item["code"] for item in row["findings"]} for row in answer.document["files"]}
    assert {file: codes for file, codes in found.items() if file != str(good)} == {
        str(tmp_path / f"{code}.xml"): {code} for code in wrongs
    }
    assert f"refused {tmp_path / 'M150.xml'}" in call("-C", tmp_path, "check", tmp_path / "M150.xml").out


def test_the_screen_speaks_the_offices_language(place: Place, call: Call) -> None:
    """With language "zh" reasons, errors and hints are in Chinese."""
    file = place.home / "office.toml"
    file.write_text(file.read_text(encoding="utf-8").replace('language = "en"', 'language = "zh"'), encoding="utf-8")
    shown = call("-C", place.home, "case", "show", place.held)
    assert f"R001 {reason('R001').what['zh']}" in shown.out
    refused = call("-C", place.home, "case", "show", "33010001-2000-999999")
    assert refused.status == 2
    assert f"S412 {reason('S412').what['zh']}" in refused.err
    assert f"hint: {reason('S412').todo['zh']}" in refused.err
    wrong = call("-C", place.home, "case", "nonsense")
    assert reason("S421").todo["zh"] in wrong.err


def _garbage(name: str) -> Callable[[Path], object]:
    return lambda home: (home / name).write_bytes(b"\xff\x00garbage" * 300)


def _gone(name: str) -> Callable[[Path], object]:
    return lambda home: (home / name).unlink()


def _nothing(_home: Path) -> None:
    """The home is well; the arguments are not."""


SPOILED: dict[str, tuple[Callable[[Path], object], str, int, str]] = {
    "office.toml": (_garbage("office.toml"), "case list", 2, "S401"),
    "no ledger": (_gone("ledger.db"), "case list", 2, "S402"),
    "ledger": (_garbage("ledger.db"), "case list", 3, "S409"),
    "key": (_garbage("keys/office.asc"), "partner card", 2, "S408"),
    "no key": (_gone("keys/office.asc"), "partner card", 2, "S408"),
    "passphrase": (_garbage("keys/passphrase"), "partner card", 2, "S408"),
    "no passphrase": (_gone("keys/passphrase"), "partner card", 2, "S408"),
    "partner": (_garbage("partners/44030001.toml"), "partner list", 2, "S417"),
    "no partner": (_gone("partners/44030001.toml"), "package seal DOCUMENT --partner 44030001 -o OUT", 2, "S403"),
    "output": (_nothing, "package seal DOCUMENT --partner 44030001 -o DIR", 2, "S417"),
    "output of an original": (_nothing, "archive get DIGEST -o DIR", 2, "S417"),
    "no such original": (_nothing, "archive get 0000 -o OUT", 4, "A501"),
    "not a package": (_nothing, "package open DOCUMENT", 4, "T110"),
    "not a document": (_nothing, "package seal CARD --partner 44030001 -o OUT", 4, "M150"),
    "other state": (_nothing, "case release SENT --by staff-1 --why x", 2, "S411"),
    "same person": (_nothing, "case approve FRESH --stage reviewer --by staff-1", 2, "S413"),
    "unknown person": (_nothing, "case show nonsense", 2, "S412"),
    "unknown partner": (_nothing, "case open --partner 99999999 --person 1 --by staff-1", 2, "S403"),
}


@pytest.mark.parametrize(("spoil", "words", "status", "code"), SPOILED.values(), ids=SPOILED)
def test_trouble_is_named_by_its_code(
    place: Place, call: Call, spoil: Callable[[Path], object], words: str, status: int, code: str
) -> None:
    """Whatever is wrong with the home or the arguments has its own code, a hint, and never a traceback."""
    if code == "S413":
        assert (
            call("-C", place.home, "case", "approve", place.fresh, "--stage", "handler", "--by", "staff-1").status == 0
        )
    arguments = place.fill_in(words)
    spoil(place.home)
    answer = call("-C", place.home, *arguments)
    assert (answer.status, f"jiexu: error: {code} " in answer.err) == (status, True), answer.err
    assert "jiexu: hint: " in answer.err


def test_every_command_is_in_the_readme() -> None:
    """The README mentions every command."""
    lines = (parts.ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    lost = []
    for name in COMMANDS:
        *group, last = name.split()
        start = re.compile(rf"jiexu (-C \S+ )?{' '.join(group)}")
        if not any(re.search(rf"\b{last}\b", line[found.end() :]) for line in lines if (found := start.search(line))):
            lost.append(name)
    assert lost == []
