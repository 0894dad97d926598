"""The OCFL objects on the disk, file by file, against the inventories whose digests the journal has (A506).

An object is anchored by the SHA-512 of its inventory in the journal: the inventory names every file of content with its
SHA-512, and what else belongs to an object follows from it. So each file is held against exact bytes or an exact digest
and named itself when it is another. The rules of OCFL are judged last, over what is left.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from archive.audit.report import Problem
from archive.ocfl.validation import validate_object

_DECLARATION = "0=ocfl_object_1.1"
_LARGE = 1 << 26  # bytes; an inventory or a sidecar is never this large


@dataclass(slots=True)
class Object:
    """What belongs to an object: problems found, every path that is accounted for, the SHA-512 of each content file.

    Paths are relative to the archive's folder.
    """

    problems: list[Problem] = field(default_factory=list)
    accounted: set[str] = field(default_factory=set)
    content: dict[str, str] = field(default_factory=dict)


def check(archive: Path, folder: Path, version: int, inventories: Mapping[int, str]) -> Object:
    """Hold the object in `folder` against the SHA-512 of its inventories, by version; `version` is the newest.

    Of content only the presence is looked at. Unreadable files are problems, never errors.
    """
    found = Object()
    base = folder.relative_to(archive).as_posix()
    _exactly(found, archive, f"{base}/{_DECLARATION}", {b"ocfl_object_1.1\n"})
    head: Mapping[str, Any] | None = None
    for number in range(1, version + 1):
        places = [f"{base}/v{number}/"] + ([f"{base}/"] if number == version else [])
        inventory = _inventory(found, archive, places, inventories.get(number))
        head = inventory if number == version else head
    for digest, paths in (head or {}).get("manifest", {}).items():
        found.content |= {f"{base}/{path}": digest for path in paths}
    found.accounted |= set(found.content)
    found.problems += [Problem("A506", path, path) for path in found.content if not _is_file(archive / path)]
    if not found.problems:
        flaws = [flaw for flaw in validate_object(folder, contents=False) if flaw.code.startswith("E")]
        paths = sorted({f"{base}/{flaw.subject}".rstrip("/.") for flaw in flaws})
        found.problems += [Problem("A506", path, path) for path in paths]
    return found


def content_problems(archive: Path, content: Mapping[str, str]) -> Iterator[Problem]:
    """Files whose SHA-512 is not what it must be, by path."""
    for path, digest in content.items():
        if digest_of(archive / path) != digest:
            yield Problem("A506", path, path)


def versions(folder: Path) -> int:
    """How many versions an object has by its folders, for one of which nothing else tells."""
    try:
        names = [path.name for path in folder.iterdir()]
    except OSError:
        return 0
    return max((int(name[1:]) for name in names if name[:1] == "v" and name[1:].isdecimal()), default=0)


def digest_of(path: Path) -> str | None:
    """The SHA-512 of a file, None where it cannot be read as one."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            return hashlib.file_digest(file, "sha512").hexdigest()
    except OSError:
        return None


def exactly(archive: Path, path: str, wanted: set[bytes]) -> Iterator[Problem]:
    """A problem when the file is none of these."""
    if _read(archive / path) not in wanted:
        yield Problem("A506", path, path)


def _exactly(found: Object, archive: Path, path: str, wanted: set[bytes]) -> None:
    found.accounted.add(path)
    found.problems += exactly(archive, path, wanted)


def _inventory(found: Object, archive: Path, places: list[str], digest: str | None) -> Mapping[str, Any] | None:
    """Check a version's inventory and its sidecar wherever they stand; the inventory, from a place where it is right.

    A version whose digest nothing tells must agree with its own sidecar.
    """
    good = None
    for place in places:
        data = _read(archive / f"{place}inventory.json")
        sidecar = f"{place}inventory.json.sha512"
        wanted = digest or (_read(archive / sidecar) or b"").split(b" ")[0].decode("ascii", "replace")
        found.accounted.add(f"{place}inventory.json")
        if data is None or hashlib.sha512(data).hexdigest() != wanted:
            found.problems.append(Problem("A506", f"{place}inventory.json", f"{place}inventory.json"))
        else:
            good = data
        _exactly(found, archive, sidecar, {f"{wanted} inventory.json\n".encode()})
    try:
        return json.loads(good) if good else None
    except ValueError:
        return None


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _read(path: Path) -> bytes | None:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            return file.read(_LARGE)
    except OSError:
        return None
