"""Write `manifest.sha256` anew: the digests of what is the same in every conformance kit.

Run as `python -m tests.vectors.build` after a change that is meant; `tests/flows/test_conformance.py` compares.
"""

from datetime import date
from pathlib import Path

from flows.conformance import kit, stories
from formats.digest import sha256

MANIFEST = Path(__file__).with_name("manifest.sha256")
ON = date(2026, 11, 23)


def manifest() -> str:
    """A line a file, as `sha256sum` writes them, by path."""
    files = kit.documents(kit.vectors(ON), stories.stories())
    return "".join(f"{sha256(files[path])}  {path}\n" for path in sorted(files))


if __name__ == "__main__":
    MANIFEST.write_text(manifest(), encoding="utf-8")
