"""Nothing of a person in what a migration prints, logs, names or proves; only in the freeze and the operator's lists."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from flows.relocation import PROOF
from tests.command_line import Answer, Call, outside
from tests.flows.conftest import call
from tests.flows.homes_of_migration import office_in
from tests.migration.acceptance import writing
from tests.migration.acceptance.places import ENGINES, Places
from tests.prefect_server import PrefectServer

__all__ = ["call"]

NAME, NUMBER, NOTE, CODE = "欧阳泄露", "330101199001019999", "secret-remark-4711", "K-7719-X"
SECRETS = sorted(
    {form for text in (NAME, NUMBER, NOTE, CODE) for form in (text.encode(), json.dumps(text)[1:-1].encode())}
    | {NAME.encode("gb18030"), NAME.encode("utf-8").hex().encode()}
)
# What may hold rows: the freeze, and lists that only the operator may read.
LISTS = {"alterations.csv", "differences.csv", "oddities.csv", "faults.csv", "unlisted.csv"}

PEOPLE = (
    "CREATE TABLE person (code varchar(20) PRIMARY KEY, name varchar(40), number varchar(18), born date, kind varchar(3))",
    "CREATE TABLE remark (text varchar(60), kind varchar(3))",
    f"INSERT INTO person VALUES ('{CODE}', '{NAME}', '{NUMBER}', '1990-01-01', '1'), ('b', 'b', NULL, NULL, '2')",
    f"INSERT INTO remark VALUES ('{NOTE}', '1'), ('{NOTE}', '1'), (NULL, '2')",
)
KINDS = '[[convert]]\nname = "kinds"\ncolumn = "{}person.kind"\nvalues = { "1" = "110", "2" = "210" }\n'


def dumped(home: Path) -> bytes:
    """Everything in an office's ledger, the journal too."""
    with closing(sqlite3.connect(home / "ledger.db")) as ledger:
        return "\n".join(ledger.iterdump()).encode()


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """All files of a folder with their names, but the freezes and the operator's lists, which nobody else may read."""
    for path in folder.rglob("*"):
        yield f"name {path}", str(path).encode()
        if path.is_file() and "freeze" not in path.parts:
            if path.name in LISTS:
                assert path.stat().st_mode & 0o077 == 0
            else:
                yield str(path), path.read_bytes()


def found(places: dict[str, bytes]) -> list[tuple[str, bytes]]:
    """Where which secret stands."""
    return [(name, secret) for name, data in places.items() for secret in SECRETS if secret in data]


@pytest.mark.parametrize(("engine", "target"), [("postgresql", "sqlite"), ("mariadb", "postgresql")])
def test_a_whole_migration_names_nobody(
    engine: str, target: str, places: Places, server: PrefectServer, call: Call
) -> None:
    """On Prefect's server with all its logs: survey, plan, run, status, a verify that finds differences, the proof.

    Left out are both databases, the freeze, the originals of the archive, and the lists of mode 0600.
    """
    home, run = office_in(places.folder / "offices"), places.run()
    source, there = places.fresh(engine), places.fresh(target)
    writing.run(source, *PEOPLE)
    mapping = places.folder / "site.toml"
    mapping.write_text(KINDS.replace("{}", "public." if engine == "postgresql" else ""), encoding="utf-8")
    environ = {**server.environ, "PREFECT_LOGGING_LEVEL": "DEBUG", "PREFECT_LOGGING_TO_API_ENABLED": "true"}
    words = ["--source", source, "--target", there, "--proof", run, "--by", "u1"]
    said: list[Answer] = []
    for more in ([], ["--json"]):
        said.append(call("-C", home, "migrate", "survey", *words[:2], *words[4:], *more))
        said.append(call("-C", home, "migrate", "plan", *words, "--mapping", mapping, *more))
    said.append(outside("-C", home, "migrate", "run", *words, "--engine", "server", environ=environ))
    said += [call("-C", home, "migrate", "status", run, *more) for more in ([], ["--json"])]
    said.append(call("-C", home, "migrate", "verify", run / PROOF, "--json"))
    said.append(call("-C", home, "migrate", "kept", "--json"))
    assert [(answer.status, answer.err) for answer in said if answer.status] == []
    writing.run(there, f"UPDATE person SET name = '{NAME}{NAME}' WHERE code = 'b'")
    differs = call("-C", home, "migrate", "verify", run / PROOF)
    assert differs.status == 4
    kept = {
        **dict(files(run)),
        **dict(files(server.folder)),
        **{f"line {n}": (one.out + one.err).encode() for n, one in enumerate([*said, differs])},
        "ledger": dumped(home),
        "names": repr([*home.rglob("*")]).encode(),
    }
    assert any(name.endswith("proof.html") for name in kept)
    assert any(name.endswith("recheck/differences.csv") for name in kept)
    assert found(kept) == []
    assert found(dict(_lists(run))) != []


def _lists(run: Path) -> Iterator[tuple[str, bytes]]:
    return ((str(path), path.read_bytes()) for path in run.rglob("*.csv"))


# Mappings that cannot go well, each by another refusal of the target: too short, not a number, not a date, twice.
WRONG = {
    "too short": '[columns]\n"{}person.name" = "varchar(2)"\n',
    "not a number": '[columns]\n"{}person.number" = "{int}"\n"{}remark.text" = "{int}"\n',
    "not a date": '[columns]\n"{}person.name" = "date"\n',
    "no answer": '[[convert]]\nname = "k"\ncolumn = "{}person.name"\nvalues = { "b" = "c" }\n',
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("engine", ENGINES)
def test_a_migration_that_fails_names_nobody(engine: str, wrong: str, places: Places, home: Path, call: Call) -> None:
    """What the target says of a value that it refuses is not passed on: only table, column and reason are."""
    source, there, run = places.fresh("sqlite"), places.fresh(engine), places.run()
    writing.run(source, *PEOPLE)
    mapping = places.folder / "site.toml"
    mapping.write_text(WRONG[wrong].replace("{}", "").replace("{int}", "integer"), encoding="utf-8")
    words = ["--source", source, "--target", there, "--proof", run, "--by", "u1", "--no-keep"]
    failed = [
        call("-C", home, "migrate", "run", *words, "--mapping", mapping, "--engine", "direct", *more)
        for more in ([], ["--json"])
    ]
    if engine != "sqlite" or wrong == "no answer":
        assert {answer.status for answer in failed} == {4}
    status = call("-C", home, "migrate", "status", run)
    printed = {f"line {n}": (one.out + one.err).encode() for n, one in enumerate([*failed, status])}
    assert found({**printed, **dict(files(run)), "ledger": dumped(home)}) == []
