"""inventory.json as bytes and back, and its sidecar (OCFL 1.1, 3.5 and 3.6)."""

import hashlib
import json
import re

from archive.ocfl.blocks import Digests, Inventory, User, Version
from archive.ocfl.findings import Findings
from archive.ocfl.json_text import NotJsonError, load
from archive.ocfl.rules import TYPE, read
from formats.errors import IntegrityError

__all__ = ["SPEC", "Digests", "Inventory", "User", "Version", "digest", "parse", "render", "sidecar", "sidecar_digest"]

SPEC = "1.1"
_SIDECAR = re.compile(rb"([0-9A-Fa-f]+)[ \t]+inventory\.json\n?")


def digest(data: bytes) -> str:
    """SHA-512 (FIPS 180-4) in lower-case hex, 128 characters."""
    return hashlib.sha512(data).hexdigest()


def render(inventory: Inventory) -> bytes:
    """The bytes of inventory.json: keys in order, two spaces deep, UTF-8, one newline at the end."""
    value: dict[str, object] = {
        "id": inventory.object_id,
        "type": TYPE.format(inventory.spec),
        "digestAlgorithm": inventory.algorithm,
        "head": inventory.head,
        "manifest": _lists(inventory.manifest),
        "versions": {name: _version_value(version) for name, version in inventory.versions.items()},
    }
    if inventory.content_folder != "content":
        value["contentDirectory"] = inventory.content_folder
    if inventory.fixity:
        value["fixity"] = {algorithm: _lists(block) for algorithm, block in inventory.fixity.items()}
    return (json.dumps(value, ensure_ascii=False, sort_keys=True, indent=2) + "\n").encode("utf-8")


def parse(data: bytes) -> Inventory:
    """A sound inventory with sha512. Raises IntegrityError A506, whose detail names the first rule that is broken."""
    findings = Findings()
    try:
        inventory = read(load(data), "inventory.json", findings)
    except NotJsonError as error:
        raise IntegrityError("A506", f"inventory.json: E033 {error}") from None
    if broken := next((flaw for flaw in findings.flaws if flaw.is_error), None):
        raise IntegrityError("A506", f"inventory.json: {broken.code}")
    if inventory.algorithm != "sha512":
        raise IntegrityError("A506", "inventory.json: not sha512")
    return inventory


def sidecar(inventory: bytes) -> bytes:
    """The bytes of inventory.json.sha512."""
    return f"{digest(inventory)} inventory.json\n".encode("ascii")


def sidecar_digest(data: bytes) -> str | None:
    """The digest in a sidecar, in small letters; None if it is not of the form `DIGEST inventory.json` (E061)."""
    match = _SIDECAR.fullmatch(data)
    return match[1].decode("ascii").lower() if match else None


def _lists(block: Digests) -> dict[str, list[str]]:
    return {digest: sorted(paths) for digest, paths in block.items()}


def _version_value(version: Version) -> dict[str, object]:
    value: dict[str, object] = {"created": version.created, "state": _lists(version.state)}
    if version.message is not None:
        value["message"] = version.message
    if version.user is not None:
        address = {"address": version.user.address} if version.user.address else {}
        value["user"] = {"name": version.user.name, **address}
    return value
