"""The exchange with offices that have GnuPG instead of this program, and documents that xmllint reads."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from archive import cases
from flows.times import now
from flows.wiring import Office
from formats import xml
from formats.digest import sha256
from formats.messages import Delivery, Receipt
from tests import builders as a
from tests import exchange as ex
from tests import parts
from tests.office import Pair, copied, exchange, fill, found_pair, open_approved, some_people, states
from transfer.keys import load_public
from transfer.mailbox import Parcel
from transfer.partners import Card, Directory

PEOPLE = some_people(4)
ELSEWHERE = "51010001"  # an office that has nothing but gpg


@dataclass(frozen=True)
class Gpg:
    """GnuPG with a home of its own. `secret`: the file with the passphrase of the secret keys, if they have one."""

    program: str
    home: Path

    def run(self, *arguments: str, data: bytes = b"", secret: Path | None = None) -> subprocess.CompletedProcess[bytes]:
        """One command; it must succeed."""
        options = ["--homedir", str(self.home), "--batch", "--yes", "--no-tty", "--pinentry-mode", "loopback"]
        options += ["--passphrase-file", str(secret)] if secret else ["--passphrase", ""]
        done = subprocess.run(
            [self.program, *options, "--status-fd", "2", "--trust-model", "always", *arguments],
            input=data,
            capture_output=True,
            check=False,
            timeout=60,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )
        assert done.returncode == 0, done.stderr.decode()
        return done

    def decrypt(self, file: Path, secret: Path | None = None) -> tuple[bytes, set[str]]:
        """The document in a package, and the names of gpg's status lines."""
        done = self.run("--decrypt", str(file), secret=secret)
        lines = done.stderr.decode().splitlines()
        return done.stdout, {line.split()[1] for line in lines if line.startswith("[GNUPG:]")}

    def package(self, signer: str, recipient: str, delivery: Delivery, secret: Path | None = None) -> Parcel:
        """A delivery signed and encrypted by gpg; both keys are named by their fingerprints."""
        names = ("--local-user", signer, "--recipient", recipient)
        done = self.run(*names, "--sign", "--encrypt", data=xml.encode(delivery), secret=secret)
        return Parcel(str(ex.named(delivery)), done.stdout)


GOOD = {"GOODSIG", "VALIDSIG", "DECRYPTION_OKAY", "GOODMDC"}


@pytest.fixture(scope="module")
def gpg() -> Iterator[Gpg]:
    """GnuPG without keys. Its home has a short path, because it puts sockets there."""
    program = parts.need("gpg")
    home = Path(tempfile.mkdtemp(prefix="jx"))
    try:
        yield Gpg(program, home)
    finally:
        subprocess.run([parts.need("gpgconf"), "--homedir", str(home), "--kill", "all"], check=False)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def exchanged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two offices after an exchange of four cases."""
    folder = tmp_path_factory.mktemp("exchanged")
    pair = found_pair(folder)
    fill(pair.sender, PEOPLE)
    open_approved(pair, [person for person, _ in PEOPLE])
    exchange(pair)
    return folder


@pytest.fixture
def pair(exchanged: Path, tmp_path: Path) -> Pair:
    """Two offices after an exchange of four cases."""
    return copied(exchanged, tmp_path)


@pytest.fixture(scope="module")
def keys(gpg: Gpg, exchanged: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Both offices' secret keys, as they lie in their homes, are in gpg's home: agency code -> fingerprint."""
    pair, found = copied(exchanged, tmp_path_factory.mktemp("keys")), {}
    for home in (pair.sender, pair.receiver):
        gpg.run("--import", str(home / "keys/office.asc"), secret=home / "keys/passphrase")
        with Office.at(home) as office:
            found[office.code] = office.key.fingerprint
    return found


def test_gpg_reads_what_left(gpg: Gpg, pair: Pair, keys: dict[str, str], tmp_path: Path) -> None:
    """With the receiver's key gpg shows every package well signed, and its document is the original, byte for byte."""
    assert len(keys) == 2
    with Office.at(pair.sender) as office:
        kept = {row.digest for row in cases.originals(office.ledger) if row.kind == "delivery-sent"}
        packages = [row.digest for row in cases.originals(office.ledger) if row.kind == "package-sent"]
        assert len(kept) == len(packages) == len(PEOPLE)
        for digest in packages:
            file = tmp_path / f"{digest}.pgp"
            file.write_bytes(office.store.read(digest))
            document, statuses = gpg.decrypt(file, pair.receiver / "keys/passphrase")
            assert statuses >= GOOD
            kept.remove(sha256(document))
        assert kept == set()


def test_xmllint_accepts_what_left(pair: Pair, tmp_path: Path) -> None:
    """Every document that was sent follows the schema, by a program that is not ours."""
    xmllint = parts.need("xmllint")
    schema = parts.ROOT / "formats/schema/message-1.xsd"
    files = []
    for home, kind in ((pair.sender, "delivery-sent"), (pair.receiver, "receipt-sent")):
        with Office.at(home) as office:
            for row in cases.originals(office.ledger):
                if row.kind == kind:
                    files.append(tmp_path / f"{row.digest}.xml")
                    files[-1].write_bytes(office.store.read(row.digest))
    assert len(files) == 2 * len(PEOPLE)
    done = subprocess.run(
        [xmllint, "--noout", "--nonet", "--schema", str(schema), *map(str, files)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr.count(" validates")) == (0, len(files))


def test_what_gpg_makes_with_an_office_s_key_is_taken_in(gpg: Gpg, pair: Pair, keys: dict[str, str]) -> None:
    """A package made by gpg with the sender's key is accepted and answered like one of ours."""
    delivery = ex.a_new_delivery(1)
    secret = pair.sender / "keys/passphrase"
    ex.deliver(pair.receiver, gpg.package(keys[a.SENDER], keys[a.RECEIVER], delivery, secret))
    receipt, statuses = answer(gpg, pair, delivery, secret)
    assert (receipt.outcome, receipt.findings) == ("accepted", ())
    assert statuses >= GOOD


def answer(gpg: Gpg, pair: Pair, delivery: Delivery, secret: Path | None) -> tuple[Receipt, set[str]]:
    """Receive a delivery and read, with gpg, the receipt that lies in its sender's mailbox then."""
    header = delivery.header
    report = ex.receive(pair.receiver).opened
    assert [judged.case for judged in report.accepted] == [header.case]
    assert states(pair.receiver)[header.case] == "accepted"
    ex.acknowledge(pair.receiver)
    (file,) = (pair.sender.parent / "exchange" / header.sender).iterdir()
    document, statuses = gpg.decrypt(file, secret)
    file.unlink()
    receipt = xml.decode(document)
    assert isinstance(receipt, Receipt)
    assert (receipt.header.answers, receipt.digest) == (header.message_id, sha256(xml.encode(delivery)))
    return receipt, statuses


def test_a_partner_who_has_only_gpg(gpg: Gpg, pair: Pair, keys: dict[str, str]) -> None:
    """An RSA-3072 key made by gpg and added as a partner's: its package is accepted, and gpg reads the receipt."""
    gpg.run("--quick-generate-key", f"{ELSEWHERE}@example", "rsa3072", "sign,cert", "never")
    listed = gpg.run("--with-colons", "--list-keys", f"{ELSEWHERE}@example").stdout.decode().splitlines()
    fingerprint = next(line.split(":")[9] for line in listed if line.startswith("fpr"))
    gpg.run("--quick-add-key", fingerprint, "rsa3072", "encr", "never")
    public = gpg.run("--armor", "--export", fingerprint).stdout.decode()
    mailbox = pair.sender.parent / "exchange" / ELSEWHERE
    mailbox.mkdir()
    card = Card(ELSEWHERE, "gpg", f"folder:{mailbox}", "", public, load_public(public).fingerprint)
    Directory.add(pair.receiver / "partners", card, now())

    delivery = ex.with_header(ex.a_new_delivery(2), sender=ELSEWHERE, case=f"{ELSEWHERE}-2026-000001")
    ex.deliver(pair.receiver, gpg.package(fingerprint, keys[a.RECEIVER], delivery))
    receipt, statuses = answer(gpg, pair, delivery, None)
    assert (receipt.outcome, receipt.findings) == ("accepted", ())
    assert statuses >= GOOD
