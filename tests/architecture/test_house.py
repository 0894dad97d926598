"""The house rules that no linter knows: sizes, purity, names, and what the distribution holds."""

import ast
import pickle
import statistics
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

from migration.engines.mariadb import MariadbTarget
from migration.engines.postgresql import PostgresqlTarget
from migration.engines.sqlite import SqliteTarget
from tests.parts import ROOT

PACKAGES = ("formats", "transfer", "archive", "migration", "flows")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)

# Pure modules: bytes and a given time in, value or error out.
PURE = [
    *sorted((ROOT / "formats").rglob("*.py")),
    *(ROOT / name for name in ("archive/case.py", "transfer/receipts.py", "transfer/naming.py", "transfer/framing.py")),
]
IMPURE_CALLS = {"open", "print", "input", "now", "today", "utcnow", "uuid4", "getenv", "time", "monotonic", "sleep"}


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    yield from (node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, FUNCTION))


def _code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its docstring."""
    first = node.body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    return lines - ((first.end_lineno or 0) - first.lineno + 1 if documented else 0)


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_no_module_outgrows_its_budget(path: Path) -> None:
    """No module is longer than 400 lines."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_modules_are_short() -> None:
    """The median module has at most 120 lines."""
    assert statistics.median(len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES) <= 120


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_no_function_outgrows_its_budget(path: Path) -> None:
    """No function has more than 60 lines of code."""
    assert [(node.name, _code_lines(node)) for node in _functions(path) if _code_lines(node) > 60] == []


def test_functions_are_short() -> None:
    """Of all functions 95 % have at most 30 lines of code."""
    sizes = sorted(_code_lines(node) for path in MODULES for node in _functions(path))
    assert sizes[int(len(sizes) * 0.95)] <= 30


@pytest.mark.parametrize("path", PURE, ids=_name)
def test_pure_modules_do_nothing(path: Path) -> None:
    """A pure module calls no clock, no chance, no file and no terminal."""
    calls = [node.func for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    names = {
        call.id if isinstance(call, ast.Name) else call.attr
        for call in calls
        if isinstance(call, (ast.Name, ast.Attribute))
    }
    assert names & IMPURE_CALLS == set()


def test_the_five_packages_are_ours_alone() -> None:
    """No other installed distribution has a package with one of our five names."""
    owners = metadata.packages_distributions()
    assert {name: set(owners.get(name, ["jiexu"])) for name in PACKAGES} == {name: {"jiexu"} for name in PACKAGES}


def test_no_flow_file_is_named_like_a_package() -> None:
    """Prefect puts a flow file's folder first on the path, where its name would hide a package of ours."""
    assert {path.stem for path in (ROOT / "flows").rglob("*.py")} & {*PACKAGES, "tests"} == set()


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("test_*.py")), ids=_name)
def test_every_test_says_what_it_proves(path: Path) -> None:
    """Every test function has a docstring."""
    assert [
        node.name for node in _functions(path) if node.name.startswith("test_") and not ast.get_docstring(node)
    ] == []


def test_nothing_names_a_place_outside_the_project() -> None:
    """Code and documents of the project speak of the project alone."""
    texts = [path for path in ROOT.glob("*") if path.suffix in {".md", ".toml", ".yaml"}] + MODULES
    texts += [ROOT / "Makefile", ROOT / "constraints.txt", *ROOT.glob("*/README.md")]
    outside = ("../shared", "/work/", "files.pythonhosted", "--index-url", "--find-links")
    assert [(_name(path), word) for path in texts for word in outside if word in path.read_text(encoding="utf-8")] == []


# Who makes packages, and why nothing leaves by them that was not approved.
SEALERS = {
    "flows/answering.py": "receipts: they carry no record",
    "flows/commands/package.py": "by hand: only what was sent before",
    "flows/conformance/packages.py": "invented people, with keys made for them",
    "flows/key_rehearsal.py": "probes of keys: a digest and fingerprints",
    "flows/resealing.py": "the kept document of a message that waits",
    "flows/sealing.py": "cases that `outgoing.claim` gives out: approved ones, within the day's caps",
    "flows/writing.py": "messages of a person about a case: they carry no record",
}


def test_only_these_seal() -> None:
    """No module seals a package but those that are known to do it for an approved case, or without a record."""
    callers = {
        _name(path)
        for path in MODULES
        if path.is_relative_to(ROOT / "flows") and "bench" not in path.parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "envelope.seal"
    }
    assert callers == SEALERS.keys()


def test_processes_that_only_read_or_load_start_without_sqlalchemy() -> None:
    """They and the targets that they are given come without it: it takes as long as all the rest, in each of them."""
    targets = pickle.dumps(
        [
            SqliteTarget("sqlite:////data/new.db"),
            PostgresqlTarget("postgresql://u:secret@host/new"),
            MariadbTarget("mariadb://u:secret@host/new"),
        ]
    )
    code = (
        "import pickle, sys, migration.copying.early, migration.freeze.readers\n"
        "targets = pickle.load(sys.stdin.buffer)\n"
        "print(*map(repr, targets), targets[1].server)\n"
        "sys.exit('sqlalchemy' in sys.modules)"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, input=targets, capture_output=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"secret" not in done.stdout
