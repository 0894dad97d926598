"""`jiexu archive backup`, `prune`, `snapshots`, `restore`, `drill`: copies, and life after a loss (arts. 9(3), 25)."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from itertools import count
from pathlib import Path

import click

from archive.backup import place as places
from archive.backup import restoring, snapshot
from archive.backup.restoring import Opened
from archive.checkpoints import sign_text
from archive.segments.keys import KeyWrap
from flows import backup_places, backups, drill_page, keyring, terminal
from flows.commands.common import Place, by_or, json_option, pass_place
from flows.private import write_private
from flows.reports import plain
from flows.settings import FILE
from flows.times import now
from flows.wiring import SERVICE, Office
from formats.errors import IntegrityError, UsageError
from formats.reasons import reason

_path = click.Path(path_type=Path)

from_option = click.option("--from", "address", default="", metavar="PLACE", help="Where the backup is.")
host_key_option = click.option("--host-key", default="", help="The SSH server's key, pinned: 'ssh-ed25519 AAAA...'.")
ssh_key_option = click.option("--ssh-key", type=_path, help="The key file with which to log in at an SSH server.")
snapshot_option = click.option("--snapshot", "name", default="", help="Which snapshot; without it, the newest.")
key_option = click.option("--key", type=_path, help="A secret key, archive or escrow, instead of this home's.")
passphrase_option = click.option("--passphrase-file", type=_path, help="The file with the passphrase of --key.")
verifier_option = click.option(
    "--verifier", default="", help="The journal's public line (keys/journal.vkey); else this home's, else the backup's."
)
who_option = by_or(SERVICE)


@click.command()
@click.option("--to", "address", default="", metavar="PLACE", help="A folder, sftp://user@host/folder, fsspec's URL.")
@host_key_option
@click.option("--minutes", type=click.IntRange(0), default=5, show_default=True, help="Time to read older files again.")
@click.option("--verify-all", is_flag=True, help="Read every file at the place again, however long it takes.")
@who_option
@json_option
@pass_place
def backup(place: Place, address: str, host_key: str, minutes: int, verify_all: bool, by: str, as_json: bool) -> int:
    """Bring everything to another place and read it back; only what is new is written.

    Ends with 4 when something here is damaged and could not be copied.
    """
    budget = None if verify_all else timedelta(minutes=minutes)
    with place.office() as office, _at(place, address, host_key) as (there, named):
        backup_places.refuse_inside(named, place.home)
        backup_places.sweep(there)
        with terminal.progress(not as_json) as bar:
            steps = bar("copied", None, ["copied"])
            made = backups.back_up(office, there, named, now(), budget=budget, who=by, steps=steps)
        language = office.settings.language

    def people() -> None:
        """Print for people."""
        click.echo(f"snapshot {made.snapshot}: {made.files} files, {made.bytes} bytes")
        click.echo(f"written {made.written} files, {made.written_bytes} bytes; read back {made.verified}")
        for name in made.healed:
            click.echo(f"damaged there, written anew: {name}")
        for code, path in made.damaged:
            click.echo(f"{code} {path} {reason(code).what[language]}")

    terminal.emit(as_json, plain(made), people)
    return 4 if made.damaged else 0


@click.command()
@click.option("--at", "address", default="", metavar="PLACE", help="Where the backups are; else as the setting says.")
@click.option("--keep", type=click.IntRange(1), required=True, metavar="N", help="How many of the newest stay.")
@host_key_option
@who_option
@json_option
@pass_place
def prune(place: Place, address: str, keep: int, host_key: str, by: str, as_json: bool) -> int:
    """Take old snapshots away, and the files that none of the others names; one that stays is read back whole before.

    What was destroyed lawfully is gone from a place when no snapshot there is older than that.
    """
    with (
        place.office() as office,
        _at(place, address, host_key) as (there, named),
        terminal.progress(not as_json) as bar,
    ):
        steps = bar("read back", None, ["read"])
        done = backups.prune(office, there, named, now(), keep=keep, who=by, steps=steps)

    def people() -> None:
        """Print for people."""
        click.echo(f"removed {len(done.removed)} snapshots, {done.files} files, {done.bytes} bytes")
        click.echo(f"kept {len(done.kept)}; {done.read_back} was read back whole")

    terminal.emit(as_json, plain(done), people)
    return 0


@click.command()
@from_option
@host_key_option
@ssh_key_option
@verifier_option
@json_option
@pass_place
def snapshots(place: Place, address: str, host_key: str, ssh_key: Path | None, verifier: str, as_json: bool) -> int:
    """List the snapshots at a place, and whether their signed lists hold; ends with 4 when one does not."""
    known = verifier or _own_verifier(place.home)
    with _at(place, address, host_key, ssh_key) as (there, _):
        rows = [_described(there, name, known) for name in snapshot.listed(there)]
    lines = [(row["snapshot"], row["files"], row["bytes"], row["list"]) for row in rows]
    headings = ("snapshot", "files", "bytes", "list")
    terminal.emit(as_json, {"snapshots": rows}, lambda: terminal.table(headings, lines))
    return 4 if any(row["list"] not in ("holds", "not compared") for row in rows) else 0


def _described(there: places.Place, name: str, verifier: str) -> dict[str, str | int]:
    try:
        note = snapshot.read_note(there, name)
        found = snapshot.opened(note, name, verifier) if verifier else snapshot.unproved(note, name)
    except IntegrityError as error:
        return {"snapshot": name, "at": "", "files": 0, "bytes": 0, "list": error.code}
    state = "holds" if verifier else "not compared"
    return {"snapshot": name, "at": found.at, "files": len(found.files), "bytes": found.bytes, "list": state}


@click.command()
@click.argument("home", type=_path, required=False)
@from_option
@snapshot_option
@click.option("--case", help="Only the originals of this case, into the folder of --output.")
@click.option("-o", "--output", type=_path, help="The folder for the originals of --case.")
@click.option("--damaged", is_flag=True, help="Put right in this home what an audit finds damaged, and nothing else.")
@click.option("--ledger", default="", help="The URL of an empty database for the ledger; else a file in the home.")
@key_option
@passphrase_option
@verifier_option
@host_key_option
@ssh_key_option
@who_option
@json_option
@pass_place
def restore(
    place: Place,
    home: Path | None,
    address: str,
    name: str,
    case: str | None,
    output: Path | None,
    damaged: bool,
    ledger: str,
    key: Path | None,
    passphrase_file: Path | None,
    verifier: str,
    host_key: str,
    ssh_key: Path | None,
    by: str,
    as_json: bool,
) -> int:
    """Bring back a whole office into an empty HOME, the originals of one case, or what is damaged in this home.

    A whole office and a case need only the place and one secret key with its passphrase.
    """
    if bool(case) != bool(output) or (damaged and (case or home)):
        raise UsageError("S421", "give HOME, or --case with --output, or --damaged")
    if damaged:
        with place.office() as office, _at(place, address, host_key, ssh_key) as (there, _):
            found = restoring.open_snapshot(there, name, office.wrap, verifier or _own_verifier(place.home))
            return _repaired(office, there, found, by, as_json)
    wrap = _wrap(place, key, passphrase_file)
    with _at(place, address, host_key, ssh_key) as (there, _):
        found = restoring.open_snapshot(there, name, wrap, verifier or _own_verifier(place.home))
        if case and output:
            written = backups.restore_case(there, found, wrap, case, output)
            told = {"snapshot": found.snapshot.id, "files": [str(path) for path in written]}
            terminal.emit(as_json, told, lambda: click.echo("\n".join(told["files"])))
            return 0
        return _whole(there, found, wrap, (home or place.home).absolute(), ledger, as_json)


def _whole(there: places.Place, found: Opened, wrap: KeyWrap, home: Path, ledger: str, as_json: bool) -> int:
    with terminal.progress(not as_json) as bar:
        steps = bar("restored", len(found.snapshot.files), ["restored"])
        back = backups.restore_office(there, found, wrap, home, now(), ledger=ledger, steps=steps)

    def people() -> None:
        """Print for people."""
        click.echo(f"{back.home}: {back.cases} cases, {back.originals} originals from snapshot {back.snapshot}")
        click.echo(f"proved with {back.verifier}")
        if back.own:
            click.echo("that line came from the backup itself: compare it with one kept elsewhere", err=True)
        click.echo("put the office's passphrase in place, and give partners the new keys/ssh.pub", err=True)
        for problem in back.problems:
            click.echo(f"{problem.code} {problem.subject} {reason(problem.code).what['en']}")

    terminal.emit(as_json, plain(back), people)
    return 4 if back.problems else 0


def _repaired(office: Office, there: places.Place, found: Opened, by: str, as_json: bool) -> int:
    report = backups.repair_office(office, there, found, now(), by)
    language = office.settings.language

    def people() -> None:
        """Print for people."""
        click.echo(f"found {len(report.found)} problems, put right {len(report.repaired)}, left {len(report.left)}")
        for item in report.repaired:
            click.echo(f"put right {item.code} {item.subject}")
        for problem in report.left:
            click.echo(f"left {problem.code} {problem.subject} {reason(problem.code).what[language]}")

    terminal.emit(as_json, plain(report), people)
    return 4 if report.left else 0


@click.command("drill")
@from_option
@snapshot_option
@key_option
@passphrase_option
@host_key_option
@click.option("--into", type=_path, help="A folder with room for the whole office; else the system's temporary one.")
@who_option
@json_option
@pass_place
def drill_(
    place: Place,
    address: str,
    name: str,
    key: Path | None,
    passphrase_file: Path | None,
    host_key: str,
    into: Path | None,
    by: str,
    as_json: bool,
) -> int:
    """Restore elsewhere, compare every original and row with this office, and sign a report (art. 25)."""
    with place.office() as office, _at(place, address, host_key) as (there, named):
        wrap = _wrap(place, key, passphrase_file)
        found = restoring.open_snapshot(there, name, wrap, _own_verifier(place.home))
        with terminal.progress(not as_json) as bar:
            steps = bar("compared", None, ["compared"])
            done = backups.drill_office(office, there, found, wrap, named, now(), into=into, who=by, steps=steps)
        files = signed_report(office, done)

    def people() -> None:
        """Print for people."""
        click.echo(f"compared {done.compared.originals} originals and {done.compared.rows} rows")
        for problem in done.problems:
            click.echo(f"{problem.code} {problem.subject} {reason(problem.code).what[office.settings.language]}")
        click.echo("\n".join(files))

    terminal.emit(as_json, {**plain(done), "files": files}, people)
    return 4 if done.problems else 0


def signed_report(office: Office, done: backups.Drilled) -> list[str]:
    """Write the report three times into `drills/`: as JSON, signed, and as a page; gives the files."""
    folder = office.settings.path("drills")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        stem = _taken(folder, done.ended.replace("-", "").replace(":", ""))
    except OSError as error:
        raise UsageError("S417", f"{folder}: {error.strerror}") from None
    text = drill_page.text(done)
    parts = {
        f"{stem}.json": text.encode(),
        f"{stem}.note": sign_text(text, office.journal_key).encode(),
        f"{stem}.html": drill_page.page(done, f"{stem}.note", office.settings.language),
    }
    for part, data in parts.items():
        write_private(folder / part, data)
    return [str(folder / part) for part in parts]


def _taken(folder: Path, time: str) -> str:
    """A name for a report that no other has, taken at once: the time, and a number when it is taken. Raises OSError."""
    for number in count(1):
        stem = time if number == 1 else f"{time}-{number}"
        with suppress(FileExistsError):
            (folder / f"{stem}.json").touch(mode=0o600, exist_ok=False)
            break
    return stem


@contextmanager
def _at(place: Place, address: str, host_key: str, ssh_key: Path | None = None) -> Iterator[tuple[places.Place, str]]:
    """The place at an address, and its name for the journal; what is not said is as this home's settings have it."""
    timeout = 30.0
    if (place.home / FILE).exists():
        with place.office() as office:
            own = office.settings
        address, host_key = address or own.archive.backup, host_key or own.archive.backup_host_key
        ssh_key, timeout = ssh_key or own.path(own.mailbox.ssh_key), own.mailbox.timeout
    with backup_places.opened(address, host_key, ssh_key or Path("keys/ssh"), timeout) as there:
        yield there, backup_places.named(address)


def _wrap(place: Place, key: Path | None, passphrase_file: Path | None) -> KeyWrap:
    """What opens the backup: one secret key that was given, else the keys of this home."""
    if key is None:
        with place.office() as office:
            return office.wrap
    if passphrase_file is None:
        raise UsageError("S421", "--key needs --passphrase-file")
    return backups.key_at(key, passphrase_file)


def _own_verifier(home: Path) -> str:
    return keyring.journal_verifier(home)
