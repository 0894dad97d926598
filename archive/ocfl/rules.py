"""The rules for one inventory by itself (OCFL 1.1, 3.5): read what can be read, name what is wrong."""

import re
from collections.abc import Mapping
from typing import Final

from archive.ocfl.blocks import Inventory, Version
from archive.ocfl.digest_blocks import LENGTHS, fixity_block, manifest_block
from archive.ocfl.findings import Findings
from archive.ocfl.version_blocks import version_blocks

TYPE: Final = "https://ocfl.io/{}/spec/#inventory"
SPECS: Final = ("1.0", "1.1")  # oldest first
_KEYS = {"id", "type", "digestAlgorithm", "head", "contentDirectory", "manifest", "versions", "fixity"}
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")


def read(value: object, subject: str, findings: Findings) -> Inventory:
    """The inventory in a JSON value, as far as it can be understood; `subject` is where flaws are told to be."""
    if not isinstance(value, dict):
        findings.add("E033", subject, "the inventory is not a JSON object")
        return Inventory()
    if unknown := sorted(set(value) - _KEYS):
        findings.add("E102", subject, f"{len(unknown)} keys that the standard does not know")
    algorithm = _algorithm(value, subject, findings)
    versions = version_blocks(value, subject, findings)
    content = _content_folder(value, subject, findings)
    manifest = manifest_block(value, algorithm, subject, findings)
    inventory = Inventory(
        object_id=_identifier(value, subject, findings),
        spec=_spec(value, subject, findings),
        algorithm=algorithm,
        head=_head(value, versions, subject, findings),
        versions=versions,
        manifest=manifest,
        content_folder=content,
        fixity=fixity_block(value, subject, findings),
    )
    _together(inventory, subject, findings)
    return inventory


def _identifier(value: Mapping[str, object], subject: str, findings: Findings) -> str:
    """E036, E037, W005."""
    identifier = value.get("id")
    if identifier is None or identifier == "":
        findings.add("E036", subject, "there is no id")
        return ""
    if not isinstance(identifier, str):
        findings.add("E037", subject, "the id is not a text")
        return ""
    if not _URI.fullmatch(identifier):
        findings.add("W005", subject, "the id is not a URI")
    return identifier


def _spec(value: Mapping[str, object], subject: str, findings: Findings) -> str:
    """E036, E038."""
    if "type" not in value:
        findings.add("E036", subject, "there is no type")
        return ""
    for spec in SPECS:
        if value["type"] == TYPE.format(spec):
            return spec
    findings.add("E038", subject, "the type is not that of an inventory of OCFL 1.0 or 1.1")
    return ""


def _algorithm(value: Mapping[str, object], subject: str, findings: Findings) -> str:
    """E036, E025, W004."""
    algorithm = value.get("digestAlgorithm")
    if algorithm is None:
        findings.add("E036", subject, "there is no digestAlgorithm")
        return ""
    if not isinstance(algorithm, str) or algorithm not in LENGTHS:
        findings.add("E025", subject, "the digestAlgorithm is neither sha512 nor sha256")
        return ""
    if algorithm != "sha512":
        findings.add("W004", subject, "the digestAlgorithm is not sha512")
    return algorithm


def _content_folder(value: Mapping[str, object], subject: str, findings: Findings) -> str:
    """E017, E018, E108."""
    folder = value.get("contentDirectory", "content")
    if not isinstance(folder, str) or folder == "" or "\0" in folder:
        findings.add("E108", subject, "the contentDirectory is no folder's name")
    elif "/" in folder:
        findings.add("E017", subject, "the contentDirectory holds a slash")
    elif folder in {".", ".."}:
        findings.add("E018", subject, "the contentDirectory is . or ..")
    else:
        return folder
    return "content"


def _head(value: Mapping[str, object], versions: Mapping[str, Version], subject: str, findings: Findings) -> str:
    """E036, E040."""
    head = value.get("head")
    if head is None:
        findings.add("E036", subject, "there is no head")
        return ""
    if not isinstance(head, str) or (versions and head != [*versions][-1]):
        findings.add("E040", subject, "the head is not the highest version")
    return head if isinstance(head, str) else ""


def _together(inventory: Inventory, subject: str, findings: Findings) -> None:
    """What the blocks say of each other: E050, E107, E042, E057."""
    used: set[str] = set()
    for name, version in inventory.versions.items():
        used |= version.state.keys()
        if version.state.keys() - inventory.manifest.keys():
            findings.add("E050", subject, f"the state of {name} has digests that are not in the manifest")
    if unused := len(inventory.manifest.keys() - used):
        findings.add("E107", subject, f"{unused} digests of the manifest are in no version's state")
    contents = inventory.contents
    for path in contents:
        parts = path.split("/", 2)
        if parts[0] not in inventory.versions or len(parts) < 3:
            findings.add("E042", subject, f"a content path is not in the folder of a version: {path[:80]}")
        elif parts[1] != inventory.content_folder:
            findings.add("E015", subject, f"a content path is not in the folder of content: {path[:80]}")
    for algorithm, block in inventory.fixity.items():
        if any(path not in contents for paths in block.values() for path in paths):
            findings.add("E057", subject, f"the fixity block has paths under {algorithm} that are not in the manifest")
