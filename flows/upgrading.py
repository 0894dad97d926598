"""Upgrading a home: its ledger, its keys, and the originals and sent packages that an earlier version kept as files."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from archive import registry
from archive.ledger import Ledger
from archive.segments import adoption
from flows import describing, new_keys
from flows.wiring import SERVICE, Office
from formats.digest import sha256
from formats.errors import IntegrityError

_BATCH = 100  # packages kept at once


def upgrade(office: Office, at: datetime) -> str:
    """Bring a home to this program's version and return that; what is there already is left as it is.

    It may be killed and called again. Raises UsageError S402, S408, S410; IntegrityError A502, A504; UnreachableError
    S409, S416.
    """
    version = Ledger.upgrade(office.settings.ledger_url)
    new_keys.make_missing(office.settings.home, office.code, office.settings.passphrase(), at)
    registry.prove_earlier(office.ledger, SERVICE, at)
    office.store.recover(at)
    adoption.adopt(office.archive, office.store, office.ledger, at)
    _keep_packages(office, at)
    describing.describe(office, at)
    return version


def _keep_packages(office: Office, at: datetime) -> None:
    """Earlier packages lay in `outbox/`; posting reads them from the archive now. Each file goes once it is kept.

    What no message was sent in stays where it is: an interrupted pass left it, and nobody ever had it. Raises
    IntegrityError A502 naming a package whose file is not the one that was sent; it is left where it is.
    """
    found = {file.stem: file for file in office.settings.stored("outbox").glob("*.pgp")}
    files = [found[digest] for digest in sorted(registry.packages_sent(office.ledger, sorted(found)))]
    for start in range(0, len(files), _BATCH):
        batch = files[start : start + _BATCH]
        packages = [file.read_bytes() for file in batch]
        for file, data in zip(batch, packages, strict=True):
            if sha256(data) != file.stem:
                raise IntegrityError("A502", file.stem)
        kept = office.store.keep([("package-sent", data) for data in packages], at)
        registry.register_packages(office.ledger, kept, SERVICE, at)
        _remove(batch)


def _remove(files: Iterable[Path]) -> None:
    for file in files:
        file.unlink()
