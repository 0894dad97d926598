"""A process that claims work from a ledger, for tests that need a real one: `python -m tests.archive.claimer URL MODE`.

`drain`: claim and record batches until nothing is left, then print the cases it recorded. `hold`: claim everything,
say so, and wait to be killed. It waits for a line on its standard input before it begins.
"""

import sys
import time

from archive import outgoing
from archive.claims import Owner
from archive.ledger import Ledger
from tests.archive.stories import NOW, SERVICE, document_of, package_of


def main() -> None:
    """Do what the arguments say."""
    _, url, mode = sys.argv
    with Ledger.open(url) as ledger:
        owner = Owner.this_process()
        print("ready", flush=True)
        sys.stdin.readline()
        if mode == "hold":
            work = outgoing.claim(ledger, owner, 1000, NOW)
            print(len(work), flush=True)
            time.sleep(60)
        while work := outgoing.claim(ledger, owner, 7, NOW):
            packages = [package_of(item, document_of(item)) for item in work]
            print("\n".join(outgoing.record_sealed(ledger, owner, packages, [], SERVICE, NOW)), flush=True)


if __name__ == "__main__":
    main()
