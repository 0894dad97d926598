"""The readme object: how to read all others without this program, and the public keys, beside them in the same root."""

from collections.abc import Mapping
from datetime import datetime
from importlib.resources import files
from typing import Final

from sqlalchemy import select

from archive import journal
from archive.journal import Entry
from archive.ocfl import objects
from archive.ocfl.inventory import digest
from archive.ocfl.objects import Stored
from archive.segments.context import Context
from archive.segments.files import held
from archive.segments.layout import readme_id
from archive.tables import journal as lines
from archive.tables import utc_text
from formats.errors import UsageError

_TEXTS: Final = {"README.txt": "README.txt", "recover.py": "recover.py.txt"}
_WHY: Final = "the archive must be readable without this program (art. 10)"


def texts() -> dict[str, bytes]:
    """README.txt and recover.py as they go into the object."""
    folder = files("archive.segments") / "readme_files"
    return {name: (folder / source).read_bytes() for name, source in _TEXTS.items()}


def write_readme(context: Context, documents: Mapping[str, bytes], at: datetime) -> int:
    """Bring the readme object up to date and enter that in the journal; returns its version.

    `documents` are public keys by file name; they go to the folder `keys`. Where nothing has changed, no version is
    made. Raises UnreachableError S416, S409; IntegrityError A506 (the object is damaged); UsageError S408 for a
    document that holds a secret key.
    """
    wanted = {**texts(), **{f"keys/{name}": data for name, data in documents.items()}}
    secret = next((name for name, data in documents.items() if b"PRIVATE KEY BLOCK" in data), None)
    if secret:
        raise UsageError("S408", f"{secret} is a secret key")
    with held(context.layout.seal_lock):
        stored = _stored(context, wanted, at)
        if _noted(context) != stored.inventory_sha512:
            what: dict[str, str | int] = {"version": stored.version, "inventory": stored.inventory_sha512}
            entry = Entry(utc_text(at), "readme-written", what, _WHY, "an OCFL object beside the segments", context.who)
            journal.record(context.ledger, [entry])
    return stored.version


def _stored(context: Context, wanted: Mapping[str, bytes], at: datetime) -> Stored:
    """The object, with these files at its head."""
    layout, object_id = context.layout, readme_id(context.layout.office)
    root, user = layout.objects, layout.office
    root.create()
    if not root.object_path(object_id).exists():
        return objects.write(root, layout.stage, object_id, wanted, message="written", user=user, at=at)
    objects.settle(root, layout.stage, object_id)
    there = objects.stored(root, object_id).digests
    changed = {name: data for name, data in wanted.items() if there.get(name) != digest(data)}
    surplus = there.keys() - wanted.keys()
    if not changed and not surplus:
        return objects.stored(root, object_id)
    message = "brought up to date"
    return objects.add_version(root, layout.stage, object_id, changed, surplus, message=message, user=user, at=at)


def _noted(context: Context) -> str:
    """The inventory's digest in the newest entry about the readme object; empty if there is none."""
    wanted = select(lines.c.n).where(lines.c.kind == "readme-written").order_by(lines.c.n.desc()).limit(1)
    with context.ledger.reading() as connection:
        n = connection.execute(wanted).scalar()
    return str(journal.entries(context.ledger, first=n)[0].what["inventory"]) if n else ""
