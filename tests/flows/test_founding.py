"""A new office: what lies in its home, who may read it, and how two offices come to know each other."""

import io
import json
import os
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flows import founding, keyring
from flows.cli import run
from flows.founding import Plan
from flows.keyring import ArchiveWrap
from flows.own_card import own_card
from flows.times import now
from flows.wiring import Office
from formats.errors import ServiceError, UsageError
from tests import parts
from tests.flows.test_settings import LEAST, parsed
from transfer.keys import generate_key, load_secret, public_part
from transfer.partners import Directory

HANGZHOU = Plan("33010001", "杭州市社会保险管理服务中心")
SHENZHEN = Plan("44030001", 'the "South" \\ 深圳')


@pytest.fixture(autouse=True)
def _no_passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test says itself what is in the environment."""
    monkeypatch.delenv("JIEXU_PASSPHRASE", raising=False)


def _modes(home: Path) -> dict[str, int]:
    return {str(path.relative_to(home)): stat.S_IMODE(path.stat().st_mode) for path in (home, *home.rglob("*"))}


def test_nobody_else_can_read_a_new_home(tmp_path: Path) -> None:
    """Folders are 0700; secrets and the ledger are 0600, whatever the umask."""
    before = os.umask(0o000)
    try:
        founding.found(tmp_path / "home", HANGZHOU, now())
    finally:
        os.umask(before)
    modes = _modes(tmp_path / "home")
    assert {modes[folder] for folder in (".", *founding.FOLDERS, "mailbox")} == {0o700}
    secret = ("keys/office.asc", "keys/passphrase", "keys/ssh", "ledger.db", keyring.ARCHIVE, keyring.JOURNAL)
    secret += (keyring.ESCROW_SECRET, keyring.ESCROW_PASSPHRASE)
    assert {name: modes[name] for name in secret} == dict.fromkeys(secret, 0o600)


def test_the_office_toml_says_what_was_planned(tmp_path: Path) -> None:
    """Every value of the plan comes back from the file, quotes and backslashes too; the rest are the defaults."""
    (tmp_path / "spool").mkdir()
    plan = Plan(SHENZHEN.code, SHENZHEN.name, "folder:../spool", "ssh-ed25519 AAAA", "test")
    found = founding.found(tmp_path / "home", plan, now())
    assert (found.code, found.name, found.environment) == (plan.code, plan.name, "test")
    assert (found.mailbox.url, found.mailbox.host_key) == ("folder:../spool", "ssh-ed25519 AAAA")
    assert (found.work, found.limits, found.schedule) == (
        parsed(LEAST).work,
        parsed(LEAST).limits,
        parsed(LEAST).schedule,
    )


def test_a_folder_in_use_is_refused_and_stays(tmp_path: Path) -> None:
    """A home, a folder with anything in it, and a file are S414 and untouched."""
    home, other, file = tmp_path / "home", tmp_path / "other", tmp_path / "file"
    founding.found(home, HANGZHOU, now())
    other.mkdir()
    (other / "notes.txt").write_text("mine", encoding="utf-8")
    file.write_text("mine", encoding="utf-8")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for place in (home, other, file):
        with pytest.raises(UsageError) as caught:
            founding.found(place, SHENZHEN, now())
        assert caught.value.code == "S414"
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


NO_SERVER = "postgresql+psycopg://nobody@127.0.0.1:1/none"
FAILING: dict[str, tuple[Plan, str]] = {
    "code": (Plan("1234", "x"), "S401"),
    "name": (Plan("33010001", "two\nlines"), "S401"),
    "key": (Plan("33010001", "x", key="not a key"), "S408"),
    "locked key": (Plan("33010001", "x", key=generate_key("a <a@b>", "another passphrase", now())), "S408"),
    "escrow": (Plan("33010001", "x", escrow="not a key"), "S408"),
    "ledger": (Plan("33010001", "x", ledger=NO_SERVER), "S409"),
    "ledger url": (Plan("33010001", "x", ledger="nonsense"), "S401"),
}


@pytest.mark.parametrize(("plan", "code"), FAILING.values(), ids=FAILING)
def test_a_home_that_cannot_be_founded_leaves_nothing(tmp_path: Path, plan: Plan, code: str) -> None:
    """A coded error, everything as it was, and the same place can be used at once (guarantee 9)."""
    home = tmp_path / "home"
    with pytest.raises(ServiceError) as caught:
        founding.found(home, plan, now())
    assert caught.value.code == code
    assert not home.exists()
    home.mkdir()
    login = founding.login_key(home)
    with pytest.raises(ServiceError):
        founding.found(home, plan, now())
    assert sorted(path.name for path in home.rglob("*")) == ["keys", "ssh", "ssh.pub"]
    assert founding.login_key(home) == login


def test_a_place_where_no_folder_can_be_is_a_coded_error(tmp_path: Path) -> None:
    """A home under a file is S417."""
    (tmp_path / "file").touch()
    with pytest.raises(UsageError) as caught:
        founding.found(tmp_path / "file/home", HANGZHOU, now())
    assert caught.value.code == "S417"


def test_a_key_of_ones_own_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--key` with a locked key and its passphrase in the environment: that key, and no passphrase on disk."""
    file = tmp_path / "own.asc"
    file.write_text(generate_key("33010001 <33010001@jiexu>", "their own words", now()), encoding="ascii")
    monkeypatch.setenv("JIEXU_PASSPHRASE", "their own words")
    home = tmp_path / "home"
    assert run(["init", str(home), "--code", "33010001", "--name", "x", "--key", str(file)]) == 0
    assert not (home / "keys/passphrase").exists()
    with Office.at(home) as office:
        assert office.key.fingerprint == load_secret(file.read_text("ascii"), "their own words").fingerprint


def test_the_escrow_s_secrets_are_to_be_taken_away(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """init makes an escrow key, names its secrets on stderr and in JSON; the pair and its passphrase fit together."""
    home = tmp_path / "home"
    assert run(["init", str(home), "--code", "33010001", "--name", "x", "--json"]) == 0
    told = capsys.readouterr()
    document = json.loads(told.out)
    assert document["take_away"] == [keyring.ESCROW_SECRET, keyring.ESCROW_PASSPHRASE]
    assert keyring.ESCROW_SECRET in told.err
    passphrase = (home / keyring.ESCROW_PASSPHRASE).read_text("ascii").strip()
    assert passphrase != (home / "keys/passphrase").read_text("ascii").strip()
    escrow = load_secret((home / keyring.ESCROW_SECRET).read_text("ascii"), passphrase)
    assert escrow.fingerprint == document["escrow_key"] == keyring.recipients(home)[1].fingerprint
    assert document["journal_key"].startswith("jiexu/33010001/journal+")
    assert len({document["fingerprint"], document["escrow_key"], document["archive_key"]}) == 3


def test_an_escrow_key_of_others_is_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--escrow` with a public key: originals can be opened with it, and no secret of the escrow is in the home."""
    escrow = load_secret(generate_key("superior office <up@jiexu>", "theirs", now()), "theirs")
    file, home = tmp_path / "escrow.asc", tmp_path / "home"
    file.write_text(public_part(escrow), encoding="ascii")
    words = ["init", str(home), "--code", "33010001", "--name", "x", "--escrow", str(file), "--json"]
    assert run(words) == 0
    told = capsys.readouterr()
    assert (json.loads(told.out)["escrow_key"], json.loads(told.out)["take_away"]) == (escrow.fingerprint, [])
    assert told.err == ""
    assert keyring.escrow_at_home(home) == ()
    with Office.at(home) as office:
        message = ArchiveWrap.of(office.settings).wrap(b"secret")
    assert ArchiveWrap(tuple, lambda: (escrow,)).unwrap(message) == b"secret"


@pytest.fixture
def gpg(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Run gpg in a home of its own, and give what it prints."""
    program, home = parts.need("gpg"), tmp_path / "g"
    home.mkdir(mode=0o700)

    def call(*arguments: str) -> str:
        command = [program, "--homedir", str(home), "--batch", "--yes", "--pinentry-mode", "loopback", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout

    yield call
    subprocess.run([parts.need("gpgconf"), "--homedir", str(home), "--kill", "all"], check=False, capture_output=True)


@pytest.mark.parametrize("passphrase", ["", "made by gpg"])
def test_a_key_made_by_gpg_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gpg: Callable[..., str], passphrase: str
) -> None:
    """`--key` takes what `gpg --export-secret-keys --armor` writes, with a passphrase and without."""
    words = ("--passphrase", passphrase)
    gpg(*words, "--quick-generate-key", "33010001 <33010001@example>", "ed25519", "cert,sign", "never")
    listed = gpg("--list-keys", "--with-colons").splitlines()
    fingerprint = next(line.split(":")[9] for line in listed if line.startswith("fpr"))
    gpg(*words, "--quick-add-key", fingerprint, "cv25519", "encr", "never")
    file = tmp_path / "own.asc"
    file.write_text(gpg(*words, "--armor", "--export-secret-keys", fingerprint), encoding="ascii")
    if passphrase:
        monkeypatch.setenv("JIEXU_PASSPHRASE", passphrase)
    home = tmp_path / "home"
    assert run(["init", str(home), "--code", "33010001", "--name", "x", "--key", str(file)]) == 0
    with Office.at(home) as office:
        assert office.key.fingerprint == fingerprint
        assert own_card(office).fingerprint == fingerprint


def test_a_card_gives_the_partner_its_pinned_fingerprint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The card that one office prints, added at the other with the fingerprint that was told: that key is pinned."""
    ours, theirs, card = tmp_path / "ours", tmp_path / "theirs", tmp_path / "their.card"
    founding.found(ours, HANGZHOU, now())
    founding.found(theirs, SHENZHEN, now())
    with Office.at(theirs) as office:
        fingerprint = office.key.fingerprint
    capsys.readouterr()
    assert run(["-C", str(theirs), "partner", "card"]) == 0
    card.write_text(capsys.readouterr().out, encoding="utf-8")
    told = f"{fingerprint[:20].lower()} {fingerprint[20:]}"
    assert run(["-C", str(ours), "partner", "add", str(card), "--fingerprint", told]) == 0
    partner = Directory.load(ours / "partners").partner(SHENZHEN.code)
    assert [known.key.fingerprint for known in partner.keys] == [fingerprint]
    assert partner.name == SHENZHEN.name
    assert partner.mailbox == f"folder:{theirs / 'mailbox'}"
    assert partner.journal == keyring.journal_verifier(theirs) != ""


@pytest.mark.parametrize("told", ["0" * 40, ""])
def test_a_card_whose_fingerprint_was_not_told_is_not_added(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, told: str
) -> None:
    """Another fingerprint, or none and nobody to ask: T130, and no partner."""
    monkeypatch.setattr("sys.stdin", io.StringIO())
    home = tmp_path / "home"
    founding.found(home, HANGZHOU, now())
    assert run(["-C", str(home), "partner", "card"]) == 0
    card = tmp_path / "card"
    card.write_text(capsys.readouterr().out, encoding="utf-8")
    arguments = ["-C", str(home), "partner", "add", str(card)]
    assert run([*arguments, "--fingerprint", told] if told else arguments) == 2
    assert "T130" in capsys.readouterr().err
    assert list((home / "partners").iterdir()) == []
