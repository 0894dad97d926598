"""Parts that the tests need and a machine may lack: programs and real files that nobody here wrote.

On a person's machine a test without its part is skipped with a message that says what is missing; in CI, where every
part is promised, the skip is a failure.
"""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).resolve().parent.parent


def need(program: str) -> str:
    """The path of a program; the test is skipped without it, and fails in CI."""
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
    return found or _missing(f"the program {program} is not installed")


def shared_data(name: str) -> Path:
    """The folder (or file) of real test data with this name, which lies beside the project."""
    place = ROOT.parent / "shared" / "data" / name
    return place if place.exists() else _missing(f"the test data {name} are not beside the project")


def _missing(what: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(what, pytrace=False)
    pytest.skip(what)
