"""What lies on the disk, looked at without following a link and without waiting for a pipe."""

import hashlib
import os
import stat
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from archive.ocfl.findings import Findings


class Hash(Protocol):
    """What hashlib's objects do."""

    def update(self, data: bytes, /) -> None:
        """Take more bytes in."""

    def hexdigest(self) -> str:
        """The digest of all so far, in small hex."""


HASHES: Mapping[str, Callable[..., Hash]] = {
    "md5": partial(hashlib.md5, usedforsecurity=False),
    "sha1": partial(hashlib.sha1, usedforsecurity=False),
    "sha256": hashlib.sha256,
    "sha512": hashlib.sha512,
    "blake2b-512": hashlib.blake2b,
    "blake2b-160": partial(hashlib.blake2b, digest_size=20),
    "blake2b-256": partial(hashlib.blake2b, digest_size=32),
    "blake2b-384": partial(hashlib.blake2b, digest_size=48),
}
"""Algorithms by their names in the standard (3.4) and in extension 0009."""

Digester = Callable[[Path, Collection[str]], Mapping[str, str]]
"""Path of a file and names of algorithms to digests in small hex; raises OSError."""

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Listing:
    """The names in one folder by what they are; `others` are links, pipes and devices."""

    files: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


def listing(folder: Path, subject: str, findings: Findings) -> Listing:
    """What is in the folder, in order. Links and special files are E090 and E089, an unreadable folder E034."""
    files, folders, others = [], [], []
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
        for entry in found:
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.name)
            elif entry.is_file(follow_symlinks=False):
                files.append(entry.name)
            else:
                others.append(entry.name)
                code, what = ("E090", "a symbolic link") if entry.is_symlink() else ("E089", "no file and no folder")
                findings.add(code, f"{subject}/{entry.name}".lstrip("/"), what)
    except OSError as error:
        findings.add("E034", subject, f"the folder cannot be read: {error.strerror}")
    return Listing(tuple(files), tuple(folders), tuple(others))


def read_file(file: Path, most: int) -> bytes:
    """At most `most` bytes of a plain file and one more, which says that it is longer. Raises OSError."""
    handle = open_file(file)
    try:
        parts, left = [], most + 1
        while left and (part := os.read(handle, min(left, _CHUNK))):
            parts.append(part)
            left -= len(part)
        return b"".join(parts)
    finally:
        os.close(handle)


def file_digests(file: Path, algorithms: Collection[str]) -> dict[str, str]:
    """The digests of a plain file, which is read once. Raises OSError, KeyError for an unknown algorithm."""
    hashes = {name: HASHES[name]() for name in algorithms}
    for part in chunks(file):
        for each in hashes.values():
            each.update(part)
    return {name: each.hexdigest() for name, each in hashes.items()}


def chunks(file: Path) -> Iterator[bytes]:
    """The bytes of a plain file, a MiB at a time. Raises OSError."""
    handle = open_file(file)
    try:
        while part := os.read(handle, _CHUNK):
            yield part
    finally:
        os.close(handle)


def open_file(file: Path) -> int:
    """Open a plain file for reading; neither a link nor anything that could block. Raises OSError."""
    handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(None, "not a plain file")
    return handle


def content_files(folder: Path, subject: str, findings: Findings) -> Iterator[str]:
    """Paths of the plain files below a folder of content, as `subject/...`; E024 for a folder with nothing in it."""
    waiting = [(folder, subject)]
    while waiting:
        place, name = waiting.pop()
        found = listing(place, name, findings)
        if not (found.files or found.folders or found.others):
            findings.add("E024", name, "an empty folder")
        yield from (f"{name}/{file}" for file in found.files)
        waiting += [(place / inner, f"{name}/{inner}") for inner in found.folders]
