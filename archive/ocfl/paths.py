"""Paths in an inventory: elements joined by `/`, relative, unique, none the folder of another (OCFL 1.1, 3.5)."""

from collections import Counter
from collections.abc import Collection, Iterator
from itertools import pairwise

_MOST_CHARACTERS = 4096  # what a file system takes (PATH_MAX)


def ends_wrongly(path: str) -> bool:
    """Whether it begins or ends with a slash (E053, E100)."""
    return path.startswith("/") or path.endswith("/")


def has_bad_element(path: str) -> bool:
    """Whether an element is empty, `.` or `..` (E052, E099), or could not be a file's name anywhere."""
    return len(path) > _MOST_CHARACTERS or "\0" in path or any(part in {"", ".", ".."} for part in path.split("/"))


def is_sound(path: str) -> bool:
    """Whether it is a relative path that stays where it begins."""
    return not has_bad_element(path)


def conflicts(paths: Collection[str]) -> Iterator[str]:
    """Paths that stand twice, and paths that are the folder of another (E095, E101). n log n, whatever is in them."""
    yield from (path for path, count in Counter(paths).items() if count > 1)
    # With the slash as the least sign a folder is followed at once by something that lies in it.
    ordered = sorted(path.replace("/", "\0") for path in set(paths) if "\0" not in path)
    for one, following in pairwise(ordered):
        if following.startswith(one + "\0"):
            yield one.replace("\0", "/")
