"""Judge a storage root: its declaration, its layout, and that it holds objects at their places and nothing else."""

import re
from collections.abc import Iterator
from pathlib import Path

from archive.ocfl.findings import Findings, Flaw
from archive.ocfl.json_text import MOST_BYTES, NotJsonError, load
from archive.ocfl.object_validation import check_extensions, validate_object
from archive.ocfl.reading import Digester, Listing, file_digests, listing, read_file
from archive.ocfl.storage import CONFIG, DECLARATION, LAYOUT, place

_TUPLE = re.compile(r"[0-9a-f]{3}")


def validate_root(
    path: Path, *, objects: bool = True, contents: bool = True, digester: Digester = file_digests
) -> tuple[Flaw, ...]:
    """Every flaw of the root and, with `objects`, of each object, subjects relative to the root.

    Stricter than the standard in two things: the layout is ours and there is no other extension, and a file that the
    standard has a validator ignore (E087) is named as E072, because nothing in an archive is unaccounted for.
    """
    findings = Findings()
    top = listing(path, "", findings)
    _declaration(path, top, findings)
    _layout(path, top, findings)
    for name in top.files:
        if name not in {DECLARATION[0], "ocfl_layout.json"} and not name.startswith("0=ocfl_"):
            findings.add("E072", name, "a file that is not part of an object")
    if "extensions" in top.folders:
        check_extensions(path / "extensions", "extensions", findings, "W016")
        _only(path / "extensions", "extensions", {LAYOUT}, findings)
        _only(path / "extensions" / LAYOUT, f"extensions/{LAYOUT}", {"config.json"}, findings)
    for found in _objects(path, top, findings):
        _placed(path / found, found, findings)
        if objects:
            for flaw in validate_object(path / found, contents=contents, digester=digester):
                findings.add(flaw.code, f"{found}/{flaw.subject}".rstrip("/"), flaw.text)
    return findings.flaws


def _declaration(path: Path, top: Listing, findings: Findings) -> None:
    """E069, E076, E077, E080."""
    name, text = DECLARATION
    declarations = [file for file in top.files if file.startswith("0=")]
    if not declarations:
        findings.add("E069", "", "there is no declaration")
    if len(declarations) > 1:
        findings.add("E076", "", f"there are {len(declarations)} declarations")
    for file in declarations:
        if file != name:
            findings.add("E077", file, "not the declaration of a root of OCFL 1.1")
        elif _bytes(path / name, len(text)) != text:
            findings.add("E080", name, "the declaration does not say what its name says")


def _layout(path: Path, top: Listing, findings: Findings) -> None:
    """E070, E071: the layout is extension 0003 as this package writes it."""
    if "ocfl_layout.json" not in top.files:
        findings.add("E071", "ocfl_layout.json", "the layout is not told")
        return
    layout = _json(path / "ocfl_layout.json")
    if not isinstance(layout, dict) or not all(
        isinstance(layout.get(key), str) for key in ("extension", "description")
    ):
        findings.add("E070", "ocfl_layout.json", "there is no extension or no description")
        return
    if layout["extension"] != LAYOUT:
        findings.add("E071", "ocfl_layout.json", "another layout than that of this archive")
    if _json(path / "extensions" / LAYOUT / "config.json") != CONFIG:
        findings.add("E071", f"extensions/{LAYOUT}/config.json", "another configuration than that of this archive")


def _objects(path: Path, top: Listing, findings: Findings) -> Iterator[str]:
    """Folders of objects, relative to the root; E073, E084, E088 for what leads to none."""
    waiting = [name for name in reversed(top.folders) if name != "extensions"]
    while waiting:
        subject = waiting.pop()
        found = listing(path / subject, subject, findings)
        deep = subject.count("/")
        if deep == 3 or any(name.startswith("0=") for name in found.files):
            yield subject
            continue
        if not _TUPLE.fullmatch(subject.rpartition("/")[2]):
            findings.add("E088", subject, "a folder that does not lead to an object")
        if not (found.files or found.folders or found.others):
            findings.add("E073", subject, "an empty folder")
        for name in found.files:
            findings.add("E084", f"{subject}/{name}", "a file outside of every object")
        waiting += [f"{subject}/{name}" for name in reversed(found.folders)]


def _placed(folder: Path, subject: str, findings: Findings) -> None:
    """E083: the object lies where its id says. What is wrong with the inventory itself, its own rules tell."""
    inventory = _json(folder / "inventory.json")
    identifier = inventory.get("id") if isinstance(inventory, dict) else None
    if isinstance(identifier, str) and place(identifier) != subject:
        findings.add("E083", subject, "does not lie where its id says")


def _only(folder: Path, subject: str, names: set[str], findings: Findings) -> None:
    found = listing(folder, subject, findings)
    for name in sorted({*found.files, *found.folders} - names):
        findings.add("E072", f"{subject}/{name}", "does not belong there")


def _bytes(file: Path, most: int) -> bytes | None:
    try:
        return read_file(file, most)
    except OSError:
        return None


def _json(file: Path) -> object:
    """The value in a file; None if there is none that can be read."""
    data = _bytes(file, MOST_BYTES)
    if data is None:
        return None
    try:
        return load(data)
    except NotJsonError:
        return None
