"""A change of the archive key over a real archive: all is read after it, also when it was cut off in the middle."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from archive import journal
from flows import founding, keyring, new_keys, rekeying
from flows.commands.archive_keys import rekey_archive
from flows.commands.common import Place
from flows.founding import Plan
from flows.keyring import ArchiveWrap
from flows.rekeying import change_archive_key
from flows.times import now
from flows.wiring import Office
from formats.errors import UnreachableError
from transfer.envelope import generate_key, load_secret, public_part

CODE = "33010001"
CONTENTS = [f"original {number}".encode() * 50 for number in range(6)]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An office with two sealed segments and an open one."""
    monkeypatch.delenv("JIEXU_PASSPHRASE", raising=False)
    found = founding.found(tmp_path / "home", Plan(CODE, "杭州"), now()).home
    with Office.at(found) as office:
        for start in (0, 2, 4):
            office.store.keep([("delivery-sent", data) for data in CONTENTS[start : start + 2]], now())
            if start < 4:
                office.store.seal_due(now(), all_of_them=True)
    return found


def digests(home: Path) -> list[str]:
    """Every original of the office, by its digest: the second keeping gives the same ones."""
    with Office.at(home) as office:
        return [kept.digest for kept in office.store.keep([("delivery-sent", data) for data in CONTENTS], now())]


def readable(home: Path) -> bool:
    """Whether every original can be read by an office that starts now."""
    wanted = digests(home)
    with Office.at(home) as office:
        return [office.store.read(digest) for digest in wanted] == CONTENTS


def only_the_new_key_reads(home: Path) -> bool:
    """Whether the newest key files of all segments open without the earlier keys."""
    for path in keyring.archive_keys(home)[1:]:
        path.rename(path.with_suffix(".aside"))
    try:
        return readable(home)
    finally:
        for path in (home / "keys").glob("*.aside"):
            path.rename(path.with_suffix(".asc"))


def events(home: Path) -> list[str]:
    """The journal's entries about keys, with who made them."""
    with Office.at(home) as office:
        entries = journal.entries(office.ledger)
    return [f"{item.kind} {item.who}" for item in entries if item.kind in ("segment-rekeyed", "archive-key-changed")]


def test_rekeying_leaves_everything_readable(home: Path) -> None:
    """Each segment is wrapped once, originals are as they were, the earlier key is kept, the journal says who."""
    tars = {path: path.read_bytes() for path in home.rglob("members.tar")}
    answer = CliRunner().invoke(rekey_archive, ["--by", "staff-9", "--json"], obj=Place(home), standalone_mode=False)
    told = json.loads(answer.stdout)
    assert told["archive_key"] == keyring.recipients(home)[0].fingerprint
    assert told["earlier"] == "keys/archive-1.asc"
    assert told["take_away"] == [keyring.ESCROW_SECRET, keyring.ESCROW_PASSPHRASE]
    assert keyring.ESCROW_SECRET in answer.stderr
    assert len(tars) == 2
    assert {path: path.read_bytes() for path in tars} == tars
    assert events(home) == ["segment-rekeyed staff-9"] * told["segments"] + ["archive-key-changed staff-9"]
    assert told["segments"] == 3
    assert readable(home)
    assert only_the_new_key_reads(home)


def test_a_change_cut_off_goes_on(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk fails before any segment, then after some: all stays readable, and the same new key is used to the end."""

    def failing(*_: object) -> tuple[int, ...]:
        raise UnreachableError("S416", "no space left on device")

    with monkeypatch.context() as patched, Office.at(home) as office:
        patched.setattr(rekeying, "rekey", failing)
        with pytest.raises(UnreachableError):
            change_archive_key(office, "staff-9", now())
    begun = keyring.recipients(home)[0].fingerprint
    assert new_keys.change_begun(home)
    assert readable(home)
    with Office.at(home) as office:
        change = change_archive_key(office, "staff-9", now())
    assert (change.archive_key, change.segments) == (begun, 3)
    assert not new_keys.change_begun(home)
    assert only_the_new_key_reads(home)
    assert [path.name for path in keyring.archive_keys(home)] == ["archive.asc", "archive-1.asc"]


def test_the_escrow_key_is_changed_with_it(home: Path) -> None:
    """With another escrow key every segment opens for the new one, whether or not a change had been begun before."""
    escrow = load_secret(generate_key("superior office <up@jiexu>", "theirs", now()), "theirs")
    with Office.at(home) as office:
        new_keys.begin_change(home, CODE, office.settings.passphrase(), now())
        change = change_archive_key(office, "staff-9", now(), public_part(escrow))
        assert change.escrow_key == escrow.fingerprint == keyring.recipients(home)[1].fingerprint
        assert change.earlier == "keys/archive-2.asc"
        messages = [path.read_bytes() for path in home.rglob("*keys-3.pgp")] + [
            path.read_bytes() for path in home.rglob("*.keys.pgp")
        ]
        again = change_archive_key(office, "staff-9", now(), public_part(escrow))
    assert len(messages) == 3
    theirs = ArchiveWrap(tuple, lambda: (escrow,))
    assert all(len(theirs.unwrap(message)) == 65 for message in messages)
    assert again.archive_key != change.archive_key
    assert readable(home)
