"""The command line on a bad day: hostile packages, broken documents, spoiled homes, another language, no traceback."""

from collections.abc import Callable
from pathlib import Path

import pytest

from flows.cli import run
from formats.reasons import reason
from tests import parts
from tests.command_line import Call, Place, outside
from tests.transfer.test_hostile_packages import CODES
from transfer.keys import load_public

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


def _changed_document(home: Path) -> None:
    """The document that was kept, with one blank line more."""
    (file,) = home.parent.glob("*.original")
    file.write_bytes(file.read_bytes() + b"\n")


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
    "never sent": (_changed_document, "package seal DOCUMENT --partner 44030001 -o OUT", 2, "S452"),
    "not a document": (_nothing, "package seal CARD --partner 44030001 -o OUT", 4, "M150"),
    "nobody enters money": (_nothing, "case money SENT --amount 1.00 --received 2026-12-01", 2, "S421"),
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
