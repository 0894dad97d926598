"""A partner's file, `partners/<code>.toml`: what this office knows of it, read and written whole.

What is written here is what counts: nothing that a package or a key says of itself can widen it.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from formats.errors import UsageError
from transfer import toml_text
from transfer.cards import check_lines, grouped, plain
from transfer.keys import load_public
from transfer.partner import FOREVER, Partner, PartnerKey

_COMMENT: Final = """\
# What this office knows of a partner; read anew by every command.
# not_before and not_after bound the time at which a signature by the key counts. revoked = <time> ends the key at
# once, also for what is dated earlier: whoever has a stolen key can date a signature as he likes.
# jiexu partner end and jiexu partner revoke write these lines, and enter it in the journal.
"""


def path_of(folder: Path, code: str) -> Path:
    """Where the partner with this code has its file."""
    return folder / f"{code}.toml"


def load(path: Path) -> Partner:
    """The partner in one file, whose name must be the partner's code. Raises UsageError S401, S408, S417 naming it."""
    try:
        table = toml_text.table(path.read_text(encoding="utf-8"), path.name)
        if toml_text.text(table, "code") != path.stem:
            raise UsageError("S401", "code is not the name of the file")
        partner = Partner(
            code=path.stem,
            name=toml_text.text(table, "name"),
            mailbox=toml_text.text(table, "mailbox"),
            host_key=toml_text.text(table, "host_key"),
            added=toml_text.time(table, "added"),
            keys=tuple(_key(item) for item in toml_text.tables(table, "key")),
            journal=toml_text.text(table, "journal") if "journal" in table else "",
        )
        check_lines(partner)
    except UsageError as error:
        raise UsageError(error.code, f"{path.name}: {error.detail}") from None
    except (OSError, UnicodeDecodeError):
        raise UsageError("S417", path.name) from None
    return partner


def _key(table: Mapping[str, Any]) -> PartnerKey:
    key = load_public(toml_text.text(table, "public_key"))
    if key.fingerprint != plain(toml_text.text(table, "fingerprint")):
        raise UsageError("S401", "a fingerprint is not that of the key beside it")
    return PartnerKey(
        key=key,
        not_before=toml_text.time(table, "not_before") if "not_before" in table else key.created,
        not_after=toml_text.time(table, "not_after") if "not_after" in table else FOREVER,
        revoked=toml_text.time(table, "revoked") if "revoked" in table else None,
    )


def render(partner: Partner) -> str:
    """A partner's file."""
    head = toml_text.lines(
        {"code": partner.code, "name": partner.name, "mailbox": partner.mailbox, "host_key": partner.host_key}
        | ({"journal": partner.journal} if partner.journal else {})
    ) + toml_text.lines({"added": partner.added})
    keys = [
        "\n[[key]]\n"
        + toml_text.lines(
            {"fingerprint": grouped(known.key.fingerprint)}
            | {"not_before": known.not_before}
            | ({} if known.not_after >= FOREVER else {"not_after": known.not_after})
            | ({} if known.revoked is None else {"revoked": known.revoked})
            | {"public_key": known.key.armored}
        )
        for known in partner.keys
    ]
    return _COMMENT + head + "".join(keys)


def write(folder: Path, partner: Partner) -> None:
    """Replace a partner's file as a whole: readers see the old one or the new one. Only this user may read it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = path_of(folder, partner.code)
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(render(partner))
        file.flush()
        os.fsync(descriptor)
    part.replace(path)
    flushed = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(flushed)
    finally:
        os.close(flushed)
