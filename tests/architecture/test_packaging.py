"""What an installed Jiexu is made of."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.parts import ROOT

DATA = (".csv", ".toml", ".xsd", ".xsl", ".css", ".html", ".txt")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source distribution, built offline."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", folder], cwd=ROOT, check=True, capture_output=True
    )
    return folder


def test_the_wheel_holds_the_five_packages_and_their_data(built: Path) -> None:
    """The wheel's top-level names are the five packages, and every module and data file of them is in it."""
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
        (about,) = (wheel.read(name).decode() for name in wheel.namelist() if name.endswith("METADATA"))
    assert {name.split("/")[0] for name in names} == {"formats", "transfer", "archive", "migration", "flows"}
    ours = [
        path for name in ("formats", "transfer", "archive", "migration", "flows") for path in (ROOT / name).rglob("*")
    ]
    wanted = {str(path.relative_to(ROOT)) for path in ours if path.suffix in {".py", *DATA}}
    assert wanted - names == set()
    assert "License-Expression: Apache-2.0" in about


def test_the_source_distribution_holds_the_tests(built: Path) -> None:
    """The source distribution has what a packager needs: the tests, the licence, the change log, no virtual environment."""
    with tarfile.open(next(built.glob("*.tar.gz"))) as source:
        names = {name.partition("/")[2] for name in source.getnames()}
    assert {"LICENSE", "CHANGELOG.md", "README.md", "tests/conftest.py", "formats/schema/record-1.xsd"} <= names
    assert not any(name.startswith((".venv", "demo")) for name in names)
