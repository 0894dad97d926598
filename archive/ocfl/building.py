"""The files of an object or of one version, built and flushed in a work folder before anybody sees them."""

import errno
import os
import stat
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from archive.flushing import flush, make_folder, write_all, write_file
from archive.ocfl.blocks import Inventory, Version
from archive.ocfl.inventory import digest, render, sidecar
from archive.ocfl.paths import conflicts, is_sound
from archive.ocfl.reading import chunks, file_digests, open_file
from archive.ocfl.work import flush_folders


class ReadBack(NamedTuple):
    """A file that was flushed, dropped from memory and read back from the disk, and the SHA-512 (hex) of that."""

    path: Path
    sha512: str


Source = ReadBack | Path | bytes
"""The bytes of a file, or a file of which nobody else holds the right to change it any more."""

_NO_LINK = {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EACCES}


def build_version(
    folder: Path, old: Inventory, add: Mapping[str, Source], kept: Mapping[str, str], about: Version
) -> Inventory:
    """Make the folder of the version after `old`, all in it flushed, and return the inventory that it holds.

    Its state is `kept` (logical path to digest) and `add`; `about` says when, why and by whom. Digests are those of
    what can be read back. Bytes that the object has already are not kept twice. Raises OSError.
    """
    head = f"v{len(old.versions) + 1}"
    digests = dict(kept)
    manifest = dict(old.manifest)
    folder.mkdir(mode=0o700)
    for logical, source in add.items():
        target = folder / "content" / logical
        make_folder(target.parent)
        digests[logical] = sha512 = _put(source, target)
        if sha512 in manifest:
            target.unlink()
            _remove_empty(target.parent, folder)
        else:
            manifest[sha512] = (f"{head}/content/{logical}",)
    version = replace(about, state=_state(digests))
    inventory = replace(old, head=head, versions={**old.versions, head: version}, manifest=manifest)
    write_inventory(folder, inventory)
    flush_folders(folder)
    return inventory


def check_paths(logical: Mapping[str, Source]) -> None:
    """Raises ValueError for logical paths that no inventory may have."""
    if not all(is_sound(path) for path in logical) or any(True for _ in conflicts([*logical])):
        raise ValueError("logical paths must be relative, without dots, none the folder of another")


def write_inventory(folder: Path, inventory: Inventory) -> str:
    """Write inventory.json with its sidecar, flushed; returns its SHA-512. Raises OSError."""
    data = render(inventory)
    write_file(folder / "inventory.json", data)
    write_file(folder / "inventory.json.sha512", sidecar(data))
    flush(folder)
    return digest(data)


def copy(source: Path, target: Path) -> None:
    """A flushed copy of a plain file, of mode 0400. Raises OSError."""
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, stat.S_IRUSR | stat.S_IWUSR)
    try:
        for part in chunks(source):
            write_all(handle, part)
        os.fchmod(handle, stat.S_IRUSR)
        os.fsync(handle)
    finally:
        os.close(handle)


def link_or_copy(source: Path, target: Path) -> bool:
    """The same plain file under a second name, or a copy where the file system has no such thing. Raises OSError.

    Returns whether it is the same file.
    """
    os.close(open_file(source))  # neither a link nor anything else that is no file
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        copy(source, target)
        return False
    return True


def _put(source: Source, target: Path) -> str:
    """The file in its place, flushed; its SHA-512 as read back from the disk where the bytes were not at hand."""
    if isinstance(source, bytes):
        write_file(target, source)
        return digest(source)
    linked = link_or_copy(source.path if isinstance(source, ReadBack) else source, target)
    target.chmod(stat.S_IRUSR)
    flush(target)
    if linked and isinstance(source, ReadBack):
        # The very file that the caller has read from the disk, under the lock without which nobody changes it: reading
        # it a second time would show nothing that the first did not. A copy is another file and is read.
        return source.sha512
    _forget(target)
    return file_digests(target, ["sha512"])["sha512"]


def _forget(file: Path) -> None:
    """Have the system drop what it holds of a flushed file in memory, so that reading asks the disk."""
    handle = open_file(file)
    try:
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(handle)


def _state(files: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Logical path to digest, turned round as an inventory has it."""
    state: dict[str, tuple[str, ...]] = {}
    for path, sha512 in sorted(files.items()):
        state[sha512] = (*state.get(sha512, ()), path)
    return state


def _remove_empty(folder: Path, top: Path) -> None:
    while folder != top and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
