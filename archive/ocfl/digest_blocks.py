"""The blocks of an inventory that say which files have which digest: manifest and fixity (OCFL 1.1, 3.5.2, 3.5.4)."""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Final

from archive.ocfl.blocks import Digests
from archive.ocfl.findings import Findings
from archive.ocfl.paths import conflicts, ends_wrongly, has_bad_element

LENGTHS: Final = {"sha512": 128, "sha256": 64}
"""Digest algorithms for content, and how many hex digits each has (3.4)."""
_HEX = re.compile(r"[0-9A-Fa-f]+")
_CODES = {"sha512": "E031", "sha256": "E030"}


def manifest_block(value: Mapping[str, object], algorithm: str, subject: str, findings: Findings) -> Digests:
    """The manifest of an inventory: E041, E106, E092, E096, E099-E101, and E030/E031 for a digest that is none."""
    if "manifest" not in value:
        findings.add("E041", subject, "there is no manifest")
        return {}
    if not isinstance(value["manifest"], dict):
        findings.add("E106", subject, "the manifest is not a JSON object")
        return {}
    block = digests(value["manifest"], "E092", subject, findings)
    _once(block, "E096", "the manifest", subject, findings)
    if algorithm and any(len(digest) != LENGTHS[algorithm] or not _HEX.fullmatch(digest) for digest in block):
        findings.add(_CODES[algorithm], subject, f"the manifest has a digest that is not {algorithm} in hex")
    every = [path for paths in block.values() for path in paths]
    _content_paths(every, subject, findings)
    for path in conflicts(every):
        findings.add("E101", subject, f"a content path stands twice or is the folder of another: {path[:80]}")
    return block


def fixity_block(value: Mapping[str, object], subject: str, findings: Findings) -> dict[str, Digests]:
    """The fixity block by algorithm: E111, E057, E097, E099, E100. Algorithms nobody knows stay in (E028)."""
    found = value.get("fixity", {})
    if not isinstance(found, dict):
        findings.add("E111", subject, "the fixity block is not a JSON object")
        return {}
    blocks: dict[str, Digests] = {}
    for algorithm, inner in found.items():
        if not isinstance(inner, dict):
            findings.add("E057", subject, "a part of the fixity block is not a JSON object")
            continue
        blocks[algorithm] = digests(inner, "E057", subject, findings)
        _once(blocks[algorithm], "E097", "the fixity block", subject, findings)
        _content_paths([path for paths in blocks[algorithm].values() for path in paths], subject, findings)
    return blocks


def digests(block: Mapping[str, object], code: str, subject: str, findings: Findings) -> Digests:
    """Digest to paths; what is not an array of texts is a flaw of this code and left out."""
    sound: dict[str, tuple[str, ...]] = {}
    for digest, paths in block.items():
        if isinstance(paths, list) and paths and all(isinstance(path, str) for path in paths):
            sound[digest] = tuple(paths)
        else:
            findings.add(code, subject, "the value of a digest is not an array of paths")
    return sound


def _once(block: Digests, code: str, where: str, subject: str, findings: Findings) -> None:
    twice = [digest for digest, count in Counter(digest.lower() for digest in block).items() if count > 1]
    if twice:
        findings.add(code, subject, f"{where} has a digest twice, in capital and in small letters")


def _content_paths(paths: list[str], subject: str, findings: Findings) -> None:
    for path in paths:
        if ends_wrongly(path):
            findings.add("E100", subject, f"a content path begins or ends with a slash: {path[:80]}")
        if has_bad_element(path):
            findings.add("E099", subject, f"a content path has an empty or dotted element: {path[:80]}")
