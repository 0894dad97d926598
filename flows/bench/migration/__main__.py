"""One stage in a process of its own: `python -m flows.bench.migration STAGE FOLDER WORKERS` (`work`)."""

import sys

from flows.bench.migration.work import main

if __name__ == "__main__":
    main(*sys.argv[1:])
