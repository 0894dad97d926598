"""Nothing personal leaves the records, the originals and the packages (guarantee 8): a search with invented people."""

import json
import sqlite3
import subprocess
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from flows.wiring import Office
from formats.codes import insurance_kinds
from formats.record import Record
from tests.archive.backup.test_backing import damage
from tests.command_line import Answer, Call, Place, outside
from tests.flows.test_backup_commands import key_of
from tests.office import configure, fill, found_pair, open_approved, some_people
from tests.prefect_server import BIN, PrefectServer

RECORDS = {"records.db", "records.db-wal", "records.db-shm"}


def _secrets(records: Sequence[tuple[str, Record]]) -> list[bytes]:
    """Names and numbers as they are, as JSON escapes them, and as the system's older encoding has them."""
    people = [record.person for _, record in records]
    texts = [text for person in people for text in (person.name, person.social_security_number)]
    return sorted(
        {form for text in texts for form in (text.encode(), json.dumps(text)[1:-1].encode(), text.encode("gb18030"))}
    )


def _all_bytes(folder: Path, leave_out: set[str]) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and not leave_out & set(path.parts))
    return {f"{path}": str(path).encode() + path.read_bytes() for path in files}


def test_names_and_numbers_of_people_stay_in_records_and_originals(tmp_path: Path, server: PrefectServer) -> None:
    """After a whole exchange on Prefect, with a person that fails, no name or number of a person is found in ledgers,
    journals, the Prefect server's files and database, file names or anything printed.
    """
    pair = found_pair(tmp_path)
    people = some_people(4)
    number, broken = people[0]
    people[0] = (number, Record(**{**_fields(broken), "person": broken.person._replace(birth_date="1901-01-01")}))
    fill(pair.sender, people)
    open_approved(pair, [number for number, _ in people])
    environ = {**server.environ, "PREFECT_LOGGING_LEVEL": "DEBUG", "PREFECT_LOGGING_TO_API_ENABLED": "true"}
    printed = b""
    for home, command in ((pair.sender, "send"), (pair.receiver, "receive"), (pair.receiver, "acknowledge")):
        arguments = [BIN / "jiexu", "-C", home, command]
        done = subprocess.run(arguments, env=environ, capture_output=True, check=False, timeout=240)
        printed += done.stdout + done.stderr
    assert b"held" in printed
    places = _all_bytes(tmp_path, leave_out=RECORDS)
    places |= _all_bytes(server.folder, leave_out=set())
    places["printed"] = printed
    for home in (pair.sender, pair.receiver):
        with sqlite3.connect(home / "ledger.db") as ledger:
            places[f"{home.name} ledger"] = "\n".join(ledger.iterdump()).encode()
    found = [(place, secret) for place, data in places.items() for secret in _secrets(people) if secret in data]
    assert found == []


def _everybody(home: Path) -> list[tuple[str, Record]]:
    """All people in an office's records database, with everything that is known of them."""
    with Office.at(home) as office:
        kinds = tuple(insurance_kinds())
        return [(number, office.records.read(number, kinds)) for number in office.records.persons()]


def _ledger(home: Path) -> dict[str, bytes]:
    """The rows of each table of an office's ledger as text."""
    with closing(sqlite3.connect(home / "ledger.db")) as ledger:
        tables = [name for (name,) in ledger.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: repr(ledger.execute(f'SELECT * FROM "{name}"').fetchall()).encode() for name in tables}


def _kept(place: Place, call: Call, elsewhere: Path, out: Path) -> list[Answer]:
    """Everything that keeps, maintains and proves, and what it printed; files go into `out`."""
    home, case = place.home, place.sent
    escrow = key_of(place, "escrow")
    every = [
        call("-C", home, *words)
        for words in (
            ("archive", "seal", "--all"),
            ("archive", "rekey", "--by", "staff-9"),
            ("archive", "backup"),
            ("archive", "snapshots"),
            ("archive", "audit", "--all", "--deep", "--report", out / "audit.html"),
            ("archive", "drill", *escrow),
            ("archive", "restore", "--case", case, "-o", out / "case", *escrow),
            ("archive", "restore", out / "restored", "--from", elsewhere, *escrow),
            ("archive", "bundle", case, "-o", out / f"{case}.evidence"),
            ("archive", "verify", out / f"{case}.evidence"),
            ("archive", "hold", case, "--why", "objection 7", "--by", "staff-9"),
            ("archive", "holds"),
            ("archive", "due"),
            ("archive", "list"),
            ("journal", "export", "-o", out / "journal"),
            ("journal", "prove", "--entry", "2", "-o", out / "proof"),
            ("journal", "witnessed"),
            ("journal", "show"),
            ("journal", "head"),
            ("journal", "check", out / "journal", "--trust"),
        )
    ]
    assert [answer.err for answer in every if answer.status] == []
    damage(next((home / "archive/ocfl").rglob("members.tar")), 700)
    hurt = [
        call("-C", home, *words, *more)
        for words in (("archive", "audit", "--all"), ("archive", "drill"), ("upkeep",))
        for more in ((), ("--json",))
    ]
    assert {answer.status for answer in hurt} == {4}
    nothing_due = call("-C", home, "archive", "destroy", "--order", out / "order")
    return [*every, *hurt, nothing_due, call("-C", home, "archive", "restore", "--damaged")]


def _refused(place: Place, call: Call, people: Sequence[tuple[str, Record]]) -> list[Answer]:
    """Lookups that come to nothing, some of them asking with what they should not ask with."""
    number, record = people[-1]
    start = ("--requester", "P1", "--basis", "identity-card", "--user", "staff-7")
    own = ("--as", "person", "--purpose", "own", *start)
    asked = [
        call("-C", place.home, "lookup", *words, *more)
        for words in (
            (record.person.social_security_number, *own),
            (record.person.name, *own),
            (number, "--as", "employer", "--purpose", "own", *start),
            (number, *own, "--items", record.person.name),
            (number, *own, "--from", record.person.birth_date),
            (number, *own, "--case", "33010001-2026-999999"),
            (number, *own, "--html", "-o", place.home.parent / "no-such-folder" / "form.html"),
        )
        for more in ((), ("--json",))
    ]
    assert 0 not in {answer.status for answer in asked}
    return asked


def test_keeping_and_proving_name_nobody(place: Place, call: Call, server: PrefectServer, tmp_path: Path) -> None:
    """Nothing of a person in any file of office and backup, in any name, report or printed line, nor at Prefect.

    After upkeep, a change of key, backup, drill, restore, audits, damage, repair, exports, lookups that are refused.
    Left out are what bundles and originals hold, but for the names of their files; and of the ledger whom cases are
    of and whom lookups asked for, which is the person number or whatever was typed for it.
    """
    people = _everybody(place.home)
    elsewhere, out = tmp_path / "elsewhere", tmp_path / "out"
    elsewhere.mkdir()
    out.mkdir()
    configure(place.home, backup=str(elsewhere))
    environ = {**server.environ, "PREFECT_LOGGING_LEVEL": "DEBUG", "PREFECT_LOGGING_TO_API_ENABLED": "true"}
    answers = [outside("-C", place.home, "upkeep", environ=environ)]
    answers += _kept(place, call, elsewhere, out)
    answers += _refused(place, call, people)

    evidence = next(out.glob("*.evidence"))
    originals = list((out / "case").iterdir())
    ledgers = {path.name for path in tmp_path.rglob("ledger.db*")}
    read = {path.name for path in (evidence, *originals)}
    places = _all_bytes(tmp_path, leave_out=RECORDS | ledgers | read) | _all_bytes(server.folder, leave_out=set())
    places |= {f"line {n}": (answer.out + answer.err).encode() for n, answer in enumerate(answers)}
    places["names"] = repr([*tmp_path.rglob("*")]).encode()
    for home in (place.home, out / "restored"):
        tables = _ledger(home)
        assert tables["lookups"]
        places |= {f"{home} {name}": data for name, data in tables.items() if name not in ("cases", "lookups")}
    assert len(originals) > 2
    for part in ("drills/", "out/audit.html", "out/journal", "elsewhere/snapshots/", " journal"):
        assert any(part in path for path in places), part
    secrets = [*_secrets(people), *(number.encode() for number, _ in people)]
    assert [(path, secret) for path, data in places.items() for secret in secrets if secret in data] == []


def _fields(record: Record) -> dict[str, object]:
    return {name: getattr(record, name) for name in record.__slots__}
