"""Files in the archive's folder that nothing accounts for (A503)."""

import os
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from archive.audit.places import LOCKS, name
from archive.audit.report import Problem
from archive.segments.layout import Layout

_FRESH = timedelta(days=1)  # what is being built or about to be removed is younger


def strays(layout: Layout, accounted: Collection[str], passing: Collection[str], at: datetime) -> Iterator[Problem]:
    """Every file, link or device that is not `accounted` for (paths under the archive's folder).

    What lies in `stage/`, and the paths in `passing`, are known as long as they are younger than a day.
    """
    fresh = (at - _FRESH).timestamp()
    aside = {name(layout, layout.aside), name(layout, layout.adopted)}
    brief = {name(layout, layout.stage), *passing}
    for path in _files(layout.root):
        told = name(layout, path)
        if told in accounted or told in LOCKS or _under(told, aside):
            continue
        if not (_under(told, brief) and _is_younger(path, fresh)):
            yield Problem("A503", told, told)


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        linked = [folder for folder in folders if (Path(place) / folder).is_symlink()]
        yield from (Path(place) / file for file in sorted([*names, *linked]))


def _under(told: str, places: Collection[str]) -> bool:
    """Whether this is one of the places, or lies in one."""
    parts = told.split("/")
    return any("/".join(parts[:count]) in places for count in range(1, len(parts) + 1))


def _is_younger(path: Path, than: float) -> bool:
    try:
        return path.lstat().st_mtime > than
    except OSError:
        return True  # it is gone
