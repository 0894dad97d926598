"""One copy in a process of its own, for the tests that kill it: `python -m … FILE` with a pickled workshop and plan."""

import pickle
import sys
from pathlib import Path

from migration.freeze import Frozen


def main() -> None:
    """Copy until done."""
    workshop, plan, workers = pickle.loads(Path(sys.argv[1]).read_bytes())
    workshop.copy(Frozen.open(workshop.folder / "freeze"), plan, workers)


if __name__ == "__main__":
    main()
