"""The keys for keeping: who opens what, what a change of key leaves behind, and what a half-made home gets."""

import os
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from archive import checkpoints
from flows import founding, keyring, new_keys, settings
from flows.founding import Plan
from flows.keyring import ArchiveWrap
from flows.settings import Settings
from flows.times import now
from formats.errors import IntegrityError, UsageError
from tests.transfer.gnupg import gnupg
from transfer.envelope import generate_key, load_public, load_secret
from transfer.wrapping import wrap

CODE = "33010001"
TEXT = b"5e" * 32 + b"\n"


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A founded office whose passphrase lies in its home."""
    monkeypatch.delenv("JIEXU_PASSPHRASE", raising=False)
    return founding.found(tmp_path / "home", Plan(CODE, "杭州"), now())


def change(office: Settings) -> str:
    """Begin and end a change of the archive key; the fingerprint of the new one."""
    new_keys.begin_change(office.home, CODE, office.passphrase(), now())
    new_keys.end_change(office.home)
    return keyring.recipients(office.home)[0].fingerprint


def escrow_wrap(office: Settings) -> ArchiveWrap:
    """What somebody has who has the escrow's secrets and nothing else."""
    secret, words = office.path(keyring.ESCROW_SECRET), office.path(keyring.ESCROW_PASSPHRASE)
    return ArchiveWrap.with_key(secret.read_text("ascii"), words.read_text("ascii").strip())


def test_the_office_and_the_escrow_each_open_what_is_wrapped(office: Settings) -> None:
    """Either key alone gives the text back; who has only the escrow key wraps nothing (S408)."""
    message = ArchiveWrap.of(office).wrap(TEXT)
    assert ArchiveWrap.of(office).unwrap(message) == TEXT
    assert escrow_wrap(office).unwrap(message) == TEXT
    with pytest.raises(UsageError, match="S408"):
        escrow_wrap(office).wrap(TEXT)


def test_the_office_s_own_key_opens_nothing_that_is_kept(office: Settings) -> None:
    """Keeping has keys of its own: the key of the exchange is A509, so is what is for strangers or no message at all."""
    message = ArchiveWrap.of(office).wrap(TEXT)
    own = ArchiveWrap.with_key(office.path("keys/office.asc").read_text("ascii"), office.passphrase())
    stranger = load_secret(generate_key("stranger <s@x>", "x", now()), "x").public
    changed = bytearray(message)
    changed[-5] ^= 1
    for opener, what in (
        (own, message),
        (ArchiveWrap.of(office), wrap(TEXT, [stranger], now())),
        (ArchiveWrap.of(office), b"noise"),
        (ArchiveWrap.of(office), bytes(changed)),
    ):
        with pytest.raises(IntegrityError, match="A509"):
            opener.unwrap(what)


def test_gpg_opens_it_with_the_escrow_s_files_alone(office: Settings) -> None:
    """The escrow's key file and its passphrase file are all that `gpg --decrypt` needs, years later."""
    message = ArchiveWrap.of(office).wrap(TEXT)
    words = office.path(keyring.ESCROW_PASSPHRASE).read_text("ascii").strip()
    with gnupg(now() + timedelta(days=3650)) as gpg:
        gpg.run("--import", data=office.path(keyring.ESCROW_SECRET).read_bytes(), passphrase=words)
        assert gpg.decrypt(message, words)[0] == TEXT


def test_after_changes_of_key_everything_opens(office: Settings) -> None:
    """A wrap made before the change opens what was wrapped before and after it, without a restart; so do new ones."""
    before = ArchiveWrap.of(office)
    messages = [before.wrap(TEXT)]
    fingerprints = [keyring.recipients(office.home)[0].fingerprint]
    for _ in range(2):
        fingerprints.append(change(office))
        messages.append(before.wrap(TEXT))
    assert len(set(fingerprints)) == 3
    assert [path.name for path in keyring.archive_keys(office.home)] == [
        "archive.asc",
        "archive-2.asc",
        "archive-1.asc",
    ]
    for opener in (before, ArchiveWrap.of(office), escrow_wrap(office)):
        assert [opener.unwrap(message) for message in messages] == [TEXT] * 3
    newest = ArchiveWrap.with_key(office.path(keyring.ARCHIVE).read_text("ascii"), office.passphrase())
    assert newest.unwrap(messages[2]) == TEXT
    with pytest.raises(IntegrityError, match="A509"):
        newest.unwrap(messages[1])


def test_keys_that_cannot_be_had_are_named(office: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing file, a wrong passphrase, noise: S408 with the file's name, and no word of what is in it."""
    message = ArchiveWrap.of(office).wrap(TEXT)
    monkeypatch.setenv("JIEXU_PASSPHRASE", "another")
    with pytest.raises(UsageError, match="S408"):
        ArchiveWrap.of(office).unwrap(message)
    with pytest.raises(UsageError, match="S408"):
        keyring.journal_key(office)
    monkeypatch.delenv("JIEXU_PASSPHRASE")
    for name in (keyring.ARCHIVE, keyring.ESCROW):
        path = office.path(name)
        kept = path.read_bytes()
        path.write_bytes(b"\xff" * 50)
        with pytest.raises(UsageError, match="S408") as caught:
            ArchiveWrap.of(office).wrap(TEXT)
        assert path.name in str(caught.value)
        path.unlink()
        with pytest.raises(UsageError, match="S408"):
            ArchiveWrap.of(office).wrap(TEXT)
        path.write_bytes(kept)
    assert ArchiveWrap.of(office).unwrap(message) == TEXT


def test_the_journal_s_key_signs_what_its_line_opens(office: Settings) -> None:
    """keys/journal.pem and keys/journal.vkey belong together, under the journal's own name."""
    note = checkpoints.sign_text("a report\n", keyring.journal_key(office))
    assert checkpoints.open_text(note, keyring.journal_verifier(office.home)) == "a report\n"
    assert keyring.journal_key(office).name == f"jiexu/{CODE}/journal"
    assert keyring.journal_verifier(office.home.parent) == ""


def test_an_older_home_gets_what_it_lacks(office: Settings) -> None:
    """Made again are the keys that are missing, no others; twice is once; only this user may read them."""
    names = [keyring.ARCHIVE, keyring.ESCROW, keyring.ESCROW_SECRET, keyring.ESCROW_PASSPHRASE]
    names += [keyring.JOURNAL, keyring.JOURNAL_VERIFIER]
    kept = {name: office.path(name).read_bytes() for name in names}
    assert new_keys.make_missing(office.home, CODE, office.passphrase(), now()) == ()
    office.path(keyring.JOURNAL_VERIFIER).unlink()
    assert new_keys.make_missing(office.home, CODE, office.passphrase(), now()) == (keyring.JOURNAL_VERIFIER,)
    assert {name: office.path(name).read_bytes() for name in names} == kept
    for name in names:
        office.path(name).unlink()
    before = os.umask(0)
    try:
        assert set(new_keys.make_missing(office.home, CODE, office.passphrase(), now())) == set(names)
    finally:
        os.umask(before)
    assert {stat.S_IMODE(office.path(name).stat().st_mode) for name in names} == {0o600}
    assert escrow_wrap(office).unwrap(ArchiveWrap.of(office).wrap(TEXT)) == TEXT


@pytest.mark.parametrize("writes", range(4))
def test_a_change_that_was_cut_off_goes_on(office: Settings, monkeypatch: pytest.MonkeyPatch, writes: int) -> None:
    """After any number of the files written: everything opens, and the next call ends the same change, not another."""
    before = ArchiveWrap.of(office).wrap(TEXT)
    write, left = new_keys.replace_whole, [None] * writes

    def until(path: Path, data: bytes) -> None:
        if not left:
            raise OSError(28, "no space left on device")
        left.pop()
        write(path, data)

    with monkeypatch.context() as patched:
        patched.setattr(new_keys, "replace_whole", until)
        if writes < 3:
            with pytest.raises(UsageError, match="S417"):
                new_keys.begin_change(office.home, CODE, office.passphrase(), now())
        else:
            new_keys.begin_change(office.home, CODE, office.passphrase(), now())
    between = ArchiveWrap.of(office).wrap(TEXT)
    assert new_keys.change_begun(office.home) == (writes > 0)
    following = office.path("keys/archive-next.asc")
    begun = following.read_bytes() if following.exists() else b""
    change(office)
    assert not new_keys.change_begun(office.home)
    assert not begun or office.path(keyring.ARCHIVE).read_bytes() == begun
    assert [path.name for path in keyring.archive_keys(office.home)] == ["archive.asc", "archive-1.asc"]
    assert [ArchiveWrap.of(office).unwrap(message) for message in (before, between)] == [TEXT, TEXT]


def test_another_escrow_key_must_be_one(office: Settings) -> None:
    """A key that cannot be encrypted to is S408 and the escrow key stays; a good one takes its place."""
    present = office.path(keyring.ESCROW).read_bytes()
    with pytest.raises(UsageError, match="S408"):
        new_keys.replace_escrow(office.home, "not a key", now())
    assert office.path(keyring.ESCROW).read_bytes() == present
    other = load_secret(generate_key("other <o@x>", "x", now()), "x")
    new_keys.replace_escrow(office.home, other.public.armored, now())
    assert load_public(office.path(keyring.ESCROW).read_text("ascii")).fingerprint == other.fingerprint
    assert settings.load(office.home) == office
