"""The console script. It imports nothing of ours before it runs: every process of a crew imports it once more."""

import importlib


def main() -> None:
    """The command line (`flows.cli`)."""
    importlib.import_module("flows.cli").main()
