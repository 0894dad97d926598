"""The stages of one migration, each on what the one before left in the folder (`run`).

A stage that is done already is not done again: its result is read from the folder. One that was interrupted goes on.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from formats.digest import sha256
from formats.errors import IntegrityError, UsageError
from migration import canon, catalog_file, copying, ddl, mapping, plan_file, plan_text, planning, room, surveying
from migration.catalog import Catalog, TableName
from migration.copying import steps
from migration.copying.altering import alterations
from migration.copying.crew import Crew
from migration.engine import Source, Target
from migration.freeze import Frozen, Progress, freeze, seal
from migration.legacy import LegacySource
from migration.mapping import Mapping
from migration.plan import Plan
from migration.proof import Proof
from migration.proving import Both, Compared, Signer, prove
from migration.run import Folder
from migration.verifying import drift, structure, verify

CATALOG: Final = "catalog.json"
SURVEYED: Final = "surveyed.txt"
ODDITIES: Final = "oddities.csv"
FAULTS: Final = "faults.csv"
MAPPING: Final = "mapping.toml"
PLAN: Final = "plan.json"


def survey(
    folder: Folder, source: Source, *, census: bool = True, anew: bool = False, seen: Callable[[TableName], object]
) -> Catalog:
    """The source's catalog, with what is odd about its values; `seen` is told each table.

    `anew`: also when there is one already, as long as nothing was frozen by it: the source may have been corrected.
    Raises UnreachableError S409; UsageError D602.
    """
    if (folder / CATALOG).exists() and (begun(folder) or not anew):
        return catalog(folder)
    with folder.timed("survey"):
        (folder / SURVEYED).unlink(missing_ok=True)  # it must never stand beside the catalog of another state
        before = _state(source)
        found = surveying.survey(source, census=census, seen=seen)
        folder.write(ODDITIES, surveying.oddities(found))
        if isinstance(source, LegacySource):
            folder.write(FAULTS, _faults(source, found))
        folder.write(CATALOG, catalog_file.encode(found))
        folder.write(SURVEYED, before.encode() if before == _state(source) else b"")
    return catalog(folder)


def catalog(folder: Folder) -> Catalog:
    """The catalog of the folder's survey. Raises UsageError D604 when there is none."""
    try:
        return catalog_file.decode((folder / CATALOG).read_bytes())
    except FileNotFoundError:
        raise UsageError("D604", "no survey was made yet") from None


def take_mapping(folder: Folder, file: Path) -> None:
    """Copy a mapping file and the files that it names into the folder; it may change until something is frozen.

    Raises UsageError D603, D607 (something was frozen already, by other decisions), S417.
    """
    try:
        data = file.read_bytes()
        beside = {name: (file.parent / name).read_bytes() for name in mapping.named_files(data.decode())}
    except UnicodeDecodeError:
        raise UsageError("D603", f"{file.name} is not UTF-8") from None
    except OSError as error:
        raise UsageError("S417", f"{error.filename}: {error.strerror}") from None
    held = (folder / MAPPING).read_bytes() if (folder / MAPPING).exists() else b""
    if held != data and begun(folder):
        raise UsageError("D607", "something was frozen there already, by other decisions")
    for name, content in beside.items():
        if "/" in name:
            raise UsageError("D603", f"{name} does not lie beside the mapping file")
        folder.write(name, content)
    folder.write(MAPPING, data)


def decisions(folder: Folder) -> tuple[Mapping, str]:
    """The folder's mapping and the SHA-256 of its file; nothing is decided without one. Raises UsageError D603."""
    path = folder / MAPPING
    if not path.exists():
        return Mapping(), ""
    data = path.read_bytes()
    files = {name: (folder / name).read_text(encoding="utf-8") for name in mapping.named_files(data.decode())}
    return mapping.parse(data.decode(), files), sha256(data)


def planned(folder: Folder) -> Plan:
    """The folder's plan. Raises UsageError D604 when there is none."""
    try:
        return plan_file.decode((folder / PLAN).read_bytes())
    except FileNotFoundError:
        raise UsageError("D604", "no plan was made yet") from None


def plan(folder: Folder, target: str) -> Plan:
    """The plan from the folder's catalog and mapping to a target of this engine, as three files.

    Raises UsageError D603, D604.
    """
    if (folder / PLAN).exists():
        made = planned(folder)
        asked = target, decisions(folder)[1], catalog_file.digest(catalog(folder))
        if (made.target, made.mapping, made.catalog) == asked:
            return made
    found, digest = decisions(folder)
    made = planning.plan(catalog(folder), target, found, digest)
    folder.write("plan.txt", plan_text.render(made).encode())
    folder.write("plan.sql", ddl.script(made).encode())
    folder.write(PLAN, plan_file.encode(made))
    return made


def frozen(
    folder: Folder, source: Source, at: datetime, *, workers: int = 1, progress: Callable[[Progress], object]
) -> Frozen:
    """The freeze of the source in the folder: made, gone on with, or opened; every table, by the folder's mapping.

    Raises UsageError D604 (no survey yet), IntegrityError D633 (tables changed since the survey), UnreachableError D608
    (no room for what is left of it), and as `freeze.freezing.freeze`.
    """
    held = catalog(folder)
    if not sealed(folder):
        _room(folder, held)
        # A column or a table made since the survey would be left behind, and nothing later looks for it.
        if not _as_surveyed(folder, source) and (changed := held.changed(source.catalog())):
            raise IntegrityError("D633", f"{', '.join(map(str, changed))}: since the survey")
    with folder.timed("freeze"):
        tables = planning.frozen_tables(held, decisions(folder)[0])
        return freeze(source, tables, held, folder.freeze, workers=workers, at=at, progress=progress)


def sealed(folder: Folder) -> bool:
    """Whether the folder's freeze is whole."""
    return (folder.freeze / seal.FILE).exists()


def begun(folder: Folder) -> bool:
    """Whether something was frozen or written by what the folder says, so that it may not change any more."""
    return folder.freeze.exists() or (folder / steps.FILE).exists()


def compare(
    folder: Folder,
    target: Target,
    source: Source,
    *,
    workers: int = 1,
    progress: copying.Progress,
    crew: Crew | None = None,
) -> Compared:
    """The target beside the freeze, rows and structure, and the source beside it once more. Raises as `verify`."""
    frozen_one, made = Frozen.open(folder.freeze), planned(folder)
    mapping_, _ = decisions(folder)
    with folder.timed("verify"):
        verdict = verify(frozen_one, made, mapping_, target, folder.path, workers=workers, progress=progress, crew=crew)
        lacks = structure(made, frozen_one.catalog, target.catalog())
        if verdict.equal and not lacks:
            copying.finish(made, target, folder.path)
    with folder.timed("drift"):
        drifted = drift(frozen_one, made, source, folder.path, workers=workers)
    return Compared(verdict, lacks, drifted)


def proof(folder: Folder, found: Compared, both: Both, signer: Signer) -> Proof:
    """The proof of what was compared. Raises UsageError D603, D604; IntegrityError D651, D652."""
    frozen_one, made = Frozen.open(folder.freeze), planned(folder)
    rules = copying.check_rules(made, decisions(folder)[0])
    altered = alterations(frozen_one, made, rules, folder.path)
    return prove(folder.asked(), signer, both, made, frozen_one, altered, found)


def _state(source: Source) -> str:
    """By what the source's state is known (`engine.Identity`); empty where it can't be."""
    with source.snapshot() as snapshot:
        return snapshot.identity.token


def _as_surveyed(folder: Folder, source: Source) -> bool:
    """Whether nothing was written to the source since its survey. To read the catalog of SQLite looks at every page."""
    file = folder / SURVEYED
    surveyed = file.read_bytes().decode() if file.exists() else ""
    return bool(surveyed) and surveyed == _state(source)


def _room(folder: Folder, held: Catalog) -> None:
    """Raise UnreachableError D608 unless there is room for the freeze as it is estimated, less what is there of it."""
    wanted = planning.freeze_bytes(held.tables)
    there = sum(file.stat().st_size for file in folder.freeze.rglob("*.gz"))
    room.need(folder.path, wanted - there)


def _faults(source: LegacySource, found: Catalog) -> bytes:
    """Every cell of legacy files that can't be read, by its place: code, table, column, file and record, why."""
    with source.snapshot() as snapshot:
        lines = (
            canon.line((fault.code, str(table.name), fault.column, fault.place, fault.why))
            for table in found.tables
            for fault in source.faults(snapshot, table)
        )
        return b"code,table,column,place,why\n" + b"".join(lines)
