"""Where things lie, as problems tell it: paths relative to the archive's folder, with slashes."""

from pathlib import Path
from typing import Final

from archive.ocfl.storage import root_files
from archive.segments.layout import Layout, readme_id

LOCKS: Final = frozenset({"lock", "seal.lock", "backup.lock"})


def name(layout: Layout, path: Path) -> str:
    """A path under the archive's folder as problems tell it."""
    return path.relative_to(layout.root).as_posix()


def readme(layout: Layout) -> Path:
    """The folder of the readme object."""
    return layout.objects.object_path(readme_id(layout.office))


def of_root(layout: Layout) -> dict[str, bytes]:
    """The storage root's own files, by name, and their exact bytes."""
    return {f"{name(layout, layout.objects.path)}/{path}": data for path, data in root_files().items()}


def of_open(layout: Layout, segment: int) -> set[str]:
    """The files of a segment that is not sealed."""
    files = (layout.open_tar(segment), layout.open_keys(segment), layout.next_keys(segment))
    return {name(layout, path) for path in files}
