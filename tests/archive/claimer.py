"""A process that claims work from a ledger, for tests that need a real one: `python -m tests.archive.claimer URL MODE`.

`drain`: claim and record batches until nothing is left, then print the cases it recorded. `hold`: claim everything,
say so, and wait to be killed. `capped`: as `drain`, with no more than fifty a day and thirty to a partner. It waits for a line on its standard input before it begins.
"""

import sys
import time

from archive import outgoing
from archive.claims import Owner
from archive.egress import Caps
from archive.ledger import Ledger
from tests.archive.stories import NOW, SERVICE, document_of, package_of


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    """Do what the arguments say."""
    _, url, mode = sys.argv
    with Ledger.open(url) as ledger:
        owner = Owner.this_process()
        _say("ready")
        sys.stdin.readline()
        if mode == "hold":
            work = outgoing.claim(ledger, owner, 1000, NOW)
            _say(str(len(work)))
            time.sleep(60)
        caps = Caps(50, 30) if mode == "capped" else None
        while work := outgoing.claim(ledger, owner, 7, NOW, caps=caps):
            packages = [package_of(item, document_of(item)) for item in work]
            _say("\n".join(outgoing.record_sealed(ledger, owner, packages, [], SERVICE, NOW)))


if __name__ == "__main__":
    main()
