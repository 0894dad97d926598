"""Nothing personal leaves the records, the originals and the packages (guarantee 8): a search with invented people."""

import sqlite3
import subprocess
from pathlib import Path

from formats.record import Record
from tests.office import fill, found_pair, open_approved, some_people
from tests.prefect_server import BIN, PrefectServer


def _secrets(records: list[tuple[str, Record]]) -> list[bytes]:
    texts = [text for _, record in records for text in (record.person.name, record.person.social_security_number)]
    return [text.encode() for text in texts]


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
    places = _all_bytes(tmp_path, leave_out={"records.db", "records.db-wal", "records.db-shm", "archive"})
    places |= _all_bytes(server.folder, leave_out=set())
    places["printed"] = printed
    for home in (pair.sender, pair.receiver):
        with sqlite3.connect(home / "ledger.db") as ledger:
            places[f"{home.name} ledger"] = "\n".join(ledger.iterdump()).encode()
    found = [(place, secret) for place, data in places.items() for secret in _secrets(people) if secret in data]
    assert found == []


def _fields(record: Record) -> dict[str, object]:
    return {name: getattr(record, name) for name in record.__slots__}
