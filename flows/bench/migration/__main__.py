"""One stage in a process of its own: `python -m flows.bench.migration STAGE FOLDER WORKERS` (`work`).

Like the console script it imports nothing before it runs: every process of a crew imports it once more.
"""

import importlib
import sys

if __name__ == "__main__":
    importlib.import_module("flows.bench.migration.work").main(*sys.argv[1:])
