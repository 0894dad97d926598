"""A process with workers that say who they are and then sleep, for the test that kills it."""

import os
import sys
import time

from migration.copying.crew import in_order


def work(job: int) -> int:
    """The first job says which process it is, the others sleep."""
    if job:
        time.sleep(60)
    return os.getpid()


def main() -> None:
    """Say the first worker's number."""
    for pid in in_order(work, range(4), 2):
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
