"""The command line as scripts and people meet it: one JSON document, help, exit statuses."""

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from archive import cases
from archive.segments import catalog
from formats.messages import STAGES
from formats.reasons import reason
from tests import parts, staff
from tests.command_line import COMMANDS, NOWHERE, PROGRAM, Call, Place, outside

# A command line for each command that ends with 0 at `place`. The demo and the benchmarks have tests of their own.
GOOD = {
    "init": "init DIR/new --code 33010002 --name x",
    "partner card": "partner card",
    "partner add": "partner add CARD --fingerprint FINGERPRINT",
    "partner list": "partner list",
    "partner rotate": "partner rotate --begin --by staff-1",
    "staff add": "staff add staff-1 STAFFKEY --fingerprint STAFFPRINT --by staff-1",
    "staff list": "staff list",
    "staff card": "staff card -o OUT",
    "partner rehearse": "partner rehearse 44030001 -o OUT",
    "quarantine list": "quarantine list",
    "quarantine retry": "quarantine retry --all --why card-added --by staff-1",
    "upgrade": "upgrade",
    "case open": "case open --partner 44030001 --person 3301000100000001 --by staff-1",
    "case approve": "case approve FRESH --stage handler --by staff-1",
    "case statement": "case statement FRESH --stage handler --by staff-1",
    "case hold": "case hold FRESH --by staff-1 --why recheck",
    "case release": "case release HELD --by staff-1 --why corrected",
    "case withdraw": "case withdraw HELD --by staff-1 --why moved",
    "case request": "case request --partner 44030001 --person PERSON --by staff-1",
    "case correct": "case correct SENT --why recheck --by staff-1",
    "case clarify": "case clarify SENT --text which-employer --by staff-1",
    "case messages": "case messages SENT",
    "case list": "case list",
    "case show": "case show HELD",
    "case chase": "case chase",
    "case reread": "case reread SENT",
    "case object": "case object SENT --by staff-1",
    "case objections": "case objections",
    "case overlaps": "case overlaps",
    "egress status": "egress status",
    "send": "send --engine direct",
    "receive": "receive --engine direct",
    "acknowledge": "acknowledge --engine direct",
    "upkeep": "upkeep --engine direct",
    "check": "check DOCUMENT",
    "package seal": "package seal DOCUMENT --partner 44030001 -o OUT",
    "package open": "package open PACKAGE",
    "archive list": "archive list",
    "archive get": "archive get DIGEST -o OUT",
    "archive audit": "archive audit --deep",
    "archive seal": "archive seal --all",
    "archive rekey": "archive rekey --by staff-1",
    "archive backup": "archive backup --to DIR",
    "archive bundle": "archive bundle SENT -o OUT",
    "archive due": "archive due",
    "migrate survey": "migrate survey --source OLD --proof DIR/new --by staff-1",
    "migrate plan": "migrate plan --source OLD --target TARGET --proof DIR/new --by staff-1",
    "migrate freeze": "migrate freeze --source OLD --proof DIR/new --by staff-1",
    "migrate run": "migrate run --engine direct --source OLD --target TARGET --proof DIR/new --by staff-1",
    "migrate kept": "migrate kept",
    "archive hold": "archive hold SENT --why objection --by staff-1",
    "archive holds": "archive holds",
    "journal show": "journal show",
    "journal verify": "journal verify",
    "journal head": "journal head",
    "journal export": "journal export -o OUT",
    "journal prove": "journal prove --entry 3 -o OUT",
    "journal witnessed": "journal witnessed",
    "lookup person": "lookup person PERSON --as person --requester R1 --purpose own --basis id-card --user staff-9",
    "lookup register": "lookup register",
    "record export": "record export SENT --as gbt40217 -o OUT --for authority --requester A1 --purpose duty --basis art-18"
    " --items registration,contributions --user staff-9",
    "record import": "record import INTERFACE --as gbt40217",
    "profile list": "profile list",
    "profile show": "profile show agency-aac",
    "profile prepare": "profile prepare",
    "profile check": "profile check",
    "show": "show SENT -o OUT",
}
# Those that need more than a place: tests of their own show them.
ELSEWHERE = {
    *(
        "case return",
        "case uphold",
        "case money",
        "case clear",
        "extract",
        "case compare",
        "case decision",
        "partner end",
        "partner revoke",
    ),
    *("staff role", "staff end", "partner staff", "conformance"),
    *("migrate copy", "migrate prove", "migrate verify", "migrate rehearse", "migrate status", "migrate take-out"),
    *("migrate home", "bench migrate"),
    *("demo", "serve", "bench seal", "bench open", "bench sftp", "bench archive"),
    *("archive verify", "archive lift", "archive destroy", "journal check"),
    *("archive snapshots", "archive prune", "archive restore", "archive drill"),
}

# A command line for each command that cannot be done, with its code.
BAD = {name: (words, "S402") for name, words in GOOD.items()} | {
    "demo": ("demo --people 6 --dir DIR", "S414"),
    "init": ("init DIR --code 33010002 --name x", "S414"),
    "partner add": ("partner add CARD --fingerprint 00", "T130"),
    "partner rotate": ("partner rotate --switch --by staff-1", "S480"),
    "partner rehearse": ("partner rehearse 51010001 -o OUT", "S403"),
    "partner end": ("partner end 44030001 --fingerprint 00 --by staff-1", "S481"),
    "partner revoke": ("partner revoke 51010001 --fingerprint 00 --by staff-1", "S403"),
    "partner staff": (f"partner staff {NOWHERE} --by staff-1", "S417"),
    "staff add": (f"staff add staff-1 {NOWHERE} --by staff-1", "S417"),
    "staff role": ("staff role staff-1 handler --by staff-1", "S470"),
    "staff end": ("staff end staff-1 --by staff-1", "S470"),
    "quarantine retry": ("quarantine retry 99 --why card-added --by staff-1", "S485"),
    "case return": ("case return SENT --note wrong --by staff-1", "S411"),
    "case money": ("case money SENT --amount 1.00 --received 2026-12-01 --reference V-1 --by staff-1", "S412"),
    "extract": ("extract --persons 1 --for planning --by staff-1 --by staff-2 -o OUT", "S490"),
    "case clear": ("case clear SENT --keep stored -o OUT --by staff-1", "S412"),
    "case uphold": ("case uphold SENT --text right --by staff-1", "S411"),
    "case compare": ("case compare SENT", "S411"),
    "case object": ("case object FRESH --by staff-1", "S411"),
    "case decision": ("case decision SENT -o OUT --by staff-1", "S411"),
    "serve": ("serve", "S418"),
    "record import": (f"record import {NOWHERE} --as gbt40217", "S417"),
    "profile list": ("profile list --nonsense", "S421"),
    "profile show": ("profile show nothing", "S401"),
    "check": (f"check {NOWHERE}", "S417"),
    "conformance": ("conformance", "S421"),
    "bench seal": ("bench seal --people 0", "S421"),
    "bench open": ("bench open --people none", "S421"),
    "bench sftp": ("bench sftp --fast", "S421"),
    "bench archive": ("bench archive --originals 0", "S421"),
    "archive verify": (f"archive verify {NOWHERE}", "S417"),
    "archive lift": ("archive lift 1 --by staff-1", "S402"),
    "archive destroy": ("archive destroy --order OUT", "S402"),
    "archive snapshots": (f"archive snapshots --from {NOWHERE}", "S401"),
    "archive prune": (f"archive prune --at {NOWHERE} --keep 1", "S402"),
    "archive restore": (f"archive restore --from {NOWHERE} DIR/new", "S402"),
    "archive drill": (f"archive drill --from {NOWHERE}", "S402"),
    "migrate survey": ("migrate survey --source nonsense --proof DIR/new --by staff-1", "D601"),
    "migrate plan": ("migrate plan --source OLD --target siard:x --proof DIR/new --by staff-1", "D609"),
    "migrate copy": ("migrate copy --proof DIR/new", "D607"),
    "migrate prove": ("migrate prove --proof DIR/new", "D607"),
    "migrate verify": ("migrate verify CARD", "S402"),
    "migrate rehearse": ("migrate rehearse --source OLD --rules CARD --by staff-1", "S421"),
    "migrate status": ("migrate status DIR", "D607"),
    "migrate take-out": ("migrate take-out x --to DIR/new --by staff-1", "S402"),
    "migrate home": (f"migrate home --to {NOWHERE} --by staff-1", "S402"),
    "bench migrate": ("bench migrate --rows 0", "S421"),
    "journal check": (f"journal check {NOWHERE} --trust", "S417"),
}


def line(place: Place, words: str) -> list[str]:
    """The words of a command line at this place."""
    fingerprint = ""
    if "FINGERPRINT" in words:
        card = (place.home.parent / "card").read_text(encoding="utf-8")
        fingerprint = next(row.split('"')[1].replace(" ", "") for row in card.splitlines() if row[:11] == "fingerprint")
    if "STAFFKEY" in words:
        (place.home.parent / "staffkey").write_text(staff.key("staff-1").public.armored, encoding="ascii")
        words = words.replace("STAFFKEY", str(place.home.parent / "staffkey"))
        words = words.replace("STAFFPRINT", staff.key("staff-1").fingerprint)
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
    if name in {
        "init",
        "partner add",
        "case approve",
        "case hold",
        "case release",
        "case withdraw",
        "case correct",
        "case object",
    }:
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
    """`archive audit` names the digest of a flipped byte; and of every original when the segment is lost."""
    with place.office() as office:
        digests = {row.digest for row in cases.originals(office.ledger)}
        flipped = catalog.where(office.ledger, min(digests))
        assert flipped is not None
    (segment,) = place.home.glob("archive/open/*.tar")
    data = bytearray(segment.read_bytes())
    data[flipped.member.offset + 20] ^= 1
    segment.chmod(0o600)
    segment.write_bytes(data)
    answer = outside("-C", place.home, "archive", "audit")
    assert (answer.status, f"A502 {min(digests)}" in answer.out) == (4, True)
    segment.unlink()
    found = outside("-C", place.home, "archive", "audit", "--json")
    assert found.status == 4
    assert digests <= {item["subject"] for item in found.document["problems"] if item["code"] == "A501"}


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


def test_the_console_script_is_imported_in_no_time() -> None:
    """Every process of a crew imports the script of who started it: it brings neither the commands nor any driver."""
    code = (
        "import sys, flows.start; print([name for name in sys.modules if name in {'flows.cli', 'click', 'sqlalchemy'}])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=parts.ROOT)
    assert done.stdout == "[]\n"
    assert "from flows.start import main" in PROGRAM.read_text()
