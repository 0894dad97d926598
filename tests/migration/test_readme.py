"""The README says what the code does."""

import re
from collections import Counter
from importlib import resources

import pytest

from flows.rechecking import RECHECK
from flows.relocation import PAGE, PROOF, SIGNATURE
from formats import charsets
from formats.reasons import reasons
from migration import environment, mapping, run, stages
from migration.copying import altering, steps
from migration.freeze import frozen, manifest, seal, state
from migration.rehearsal.rules import RULES
from migration.verifying.drift import FILE as DRIFT
from migration.verifying.verify import FILE as DIFFERENCES
from tests.parts import ROOT

README = resources.files("migration").joinpath("README.md").read_text(encoding="utf-8")
TABLES = [
    [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in table.splitlines()]
    for table in re.findall(r"(?:^\|.*\|$\n?)+", README, re.MULTILINE)
]
ENGINES = ("sqlite", "postgresql", "mariadb", "generic")


def _named(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def _table(*heading: str) -> list[list[str]]:
    """The rows of the one table that begins so, without heading and rule."""
    (found,) = [table for table in TABLES if tuple(table[0][: len(heading)]) == heading]
    return found[2:]


def _section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def _listed() -> Counter[str]:
    """Every module that a table of modules names, by its path below `migration/`."""
    found = Counter(name for row in _table("module", "what it holds") for name in _named(row[0]))
    for heading, _, *rows in TABLES:
        for place, folder in enumerate(heading):
            if folder == "in `engines/…/`":
                found.update(
                    f"engines/{engine}/{_named(row[0])[0]}"
                    for row in rows
                    for engine in ENGINES
                    if row[heading.index(engine)]
                )
            elif folder.startswith("in `"):
                found.update(_named(folder)[0] + name for row in rows for name in _named(row[place]))
    return found


def test_every_module_is_listed_once() -> None:
    """The tables name every module of the package, by its folder, and no other."""
    package = ROOT / "migration"
    modules = [path.relative_to(package).as_posix() for path in package.rglob("*.py") if path.name != "__init__.py"]
    assert _listed() == Counter(modules)


def test_every_address_is_of_the_engine_that_the_readme_says() -> None:
    """The table of environments has every kind of address, its engine, and whether it can be a target."""
    rows = _table("address", "engine")
    words = set()
    for address, engine, kind, *_ in rows:
        (text,) = _named(address)
        word, _, rest = text.partition(":")
        found = environment.address(f"{word}:{rest}".replace("…", "user@host/name"), {})
        words.add(word)
        assert found.engine == (_named(engine) or [word])[0]
        assert kind == ("source" if found.is_file else "source, target")
    assert words == {*environment._DATABASES, *environment._FILES}


def test_what_was_never_run_is_said() -> None:
    """Environments that no test reaches are marked so in the table, and named once more among the limits."""
    rows = {name: row[-1] for row in _table("address", "engine") for name in [_named(row[0])[0].split(":")[0]]}
    marked = {name for name, tried in rows.items() if tried.startswith("**")}
    assert marked == {"mysql", "oracle", "dm", "opengauss", "kingbase"}
    assert "Not run against a server: MySQL, Oracle, openGauss, KingbaseES, Dameng." in _section("Limits")


def test_the_files_of_both_folders_are_listed() -> None:
    """The tables of the folders name the files that the code writes."""
    of_run, of_freeze = (table[2:] for table in TABLES if table[0] == ["file", "what"])
    written = {run._FILE, stages.MAPPING, stages.CATALOG, stages.ODDITIES, stages.FAULTS, stages.PLAN}
    written |= {stages.SURVEYED}
    written |= {"plan.txt", "plan.sql", "freeze/", steps.FILE, altering.FILE, altering._BESIDE, altering.UNLISTED}
    written |= {DIFFERENCES, DRIFT, PROOF, SIGNATURE, PAGE, f"{RECHECK}/"}
    assert {name for row in of_run for name in _named(row[0])} == written
    kept = {frozen.README, frozen.CATALOG, state.FILE, manifest.file_of(1, 1), manifest.FILE, frozen.SUMS, seal.FILE}
    assert {name for row in of_freeze for name in _named(row[0])} == kept


def test_every_section_of_the_mapping_file_is_listed() -> None:
    """Sections and the names of [values] are those that a mapping file may have."""
    rows = _table("section", "what")
    assert {name.strip("[]") for row in rows for name in _named(row[0])} == mapping._SECTIONS
    (values,) = [row[1] for row in rows if "[values]" in row[0]]
    assert set(_named(values)) == mapping._VALUES


def test_every_rule_of_de_identification_is_listed() -> None:
    """The rules are those of a rules file, in their order."""
    assert tuple(_named(row[0])[0] for row in _table("rule", "what it does")) == RULES


def test_every_encoding_is_listed() -> None:
    """The encodings of legacy files are those that can be declared."""
    found = re.search(r"never guessed:\n(.*?)\. A byte", _section("Legacy files"), re.DOTALL)
    assert found is not None
    assert set(_named(found[1])) == set(charsets._CODECS)


def test_every_code_is_listed_once() -> None:
    """The codes are those of the table of reasons for a migration."""
    listed = [code for row in _table("of", "codes") for code in row[1].split()]
    assert listed == sorted(code for code, one in reasons().items() if one.step == "migration")


@pytest.mark.parametrize("named", [cell for row in _table("trap", "test") for cell in _named(row[1])])
def test_every_trap_has_its_test(named: str) -> None:
    """The test that a trap names is in that file."""
    path, _, name = named.partition("::")
    assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8")


def test_every_code_and_module_of_the_text_exists() -> None:
    """Codes that the text names are reasons; files with a folder before them are of the project."""
    assert set(re.findall(r"\b[ADST]\d{3}\b", README)) <= set(reasons())
    places = {name for name in re.findall(r"`([a-z_/]+/[a-z_]+\.(?:py|csv))`", README) if not name.startswith("data/")}
    assert {name for name in places if not ((ROOT / name).exists() or (ROOT / "migration" / name).exists())} == set()
