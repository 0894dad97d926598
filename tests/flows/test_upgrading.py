"""Homes of the first form of the ledger, as that version left them, are upgraded with everything they kept.

`homes/first-form.tar.xz` holds two homes that the demo of that version wrote for six synthetic people: originals as
plain files, sent packages in `outbox/`, the journal as a chain. Their keys are keys of that demo and of nothing else.
"""

import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

import pytest

from archive import cases, journal
from flows.maintaining import audited
from flows.times import now
from flows.wiring import Office
from formats.digest import sha256
from tests.command_line import outside

HOMES = Path(__file__).parent / "homes/first-form.tar.xz"


@pytest.fixture(params=["hangzhou", "shenzhen"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The sending home, then the receiving one."""
    with tarfile.open(HOMES) as packed:
        packed.extractall(tmp_path, filter="data")
    return tmp_path / str(request.param)


def test_everything_that_was_kept_is_kept(home: Path) -> None:
    """Originals and sent packages are in segments, byte for byte; audit and journal hold; again changes nothing."""
    originals = {path.name: path.read_bytes() for path in home.glob("archive/*/*/*")}
    with closing(sqlite3.connect(home / "ledger.db")) as ledger:
        sent = {digest for (digest,) in ledger.execute("SELECT package_digest FROM messages WHERE direction = 'out'")}
    packages = {path.stem: path.read_bytes() for path in home.glob("outbox/*.pgp") if path.stem in sent}
    assert len(originals) > 2
    assert len(packages) > 2

    assert outside("-C", home, "upgrade").status == 0
    with Office.at(home) as office:
        assert audited(office, now(), deep=True).problems == ()
        assert {digest: office.store.read(digest) for digest in originals | packages} == originals | packages
        registered = {row.digest: row for row in cases.originals(office.ledger)}
        assert {row.kind for row in registered.values()} > {"package-sent"}
        assert {registered[digest].kind for digest in packages} == {"package-sent"}
        end = journal.verify(office.ledger)
    assert not {path.stem for path in home.glob("outbox/*")} & packages.keys()
    assert {path.name for path in home.glob("archive/plain-adopted/**/*") if path.is_file()} == originals.keys()

    assert outside("-C", home, "upgrade").status == 0
    with Office.at(home) as office:
        assert journal.entries(office.ledger, first=end.count + 1) == ()


def test_the_escrow_that_it_made_is_to_be_taken_away(home: Path) -> None:
    """The first upgrade makes an escrow key, and says on stderr and to scripts what must leave the machine."""
    answer = outside("-C", home, "upgrade", "--json")
    assert answer.document["take_away"] == ["keys/escrow-secret.asc", "keys/escrow-passphrase"]
    assert "keys/escrow-secret.asc and keys/escrow-passphrase off this machine" in answer.err
    for name in answer.document["take_away"]:
        (home / name).unlink()
    again = outside("-C", home, "upgrade", "--json")
    assert (again.document["take_away"], again.err) == ([], "")


def test_an_older_home_is_refused_until_it_is_upgraded(home: Path) -> None:
    """No command works on the older ledger: S410, and nothing of the home is changed."""
    before = {path: sha256(path.read_bytes()) for path in home.rglob("*") if path.is_file() and path.suffix != ".db"}
    answer = outside("-C", home, "archive", "audit", "--json")
    assert (answer.status, answer.code) == (2, "S410")
    after = {path: sha256(path.read_bytes()) for path in before}
    assert after == before


def test_a_sent_package_that_was_changed_is_named_and_stays(home: Path) -> None:
    """A502: what was kept would not be what was sent, and the file is not removed as if it were."""
    with closing(sqlite3.connect(home / "ledger.db")) as ledger:
        sent = {digest for (digest,) in ledger.execute("SELECT package_digest FROM messages WHERE direction = 'out'")}
    package = next(path for path in sorted(home.glob("outbox/*.pgp")) if path.stem in sent)
    whole = package.read_bytes()
    package.chmod(0o600)
    package.write_bytes(whole[:-1])
    answer = outside("-C", home, "upgrade")
    assert answer.status != 0
    assert "A502" in answer.err
    assert package.stem in answer.err
    assert package.read_bytes() == whole[:-1]
    package.write_bytes(whole)
    assert outside("-C", home, "upgrade").status == 0
