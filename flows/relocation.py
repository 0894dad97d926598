"""A migration as an office does it: its stages in order, each in the journal, the proof signed, the freeze kept.

`migration` does the work; here are the office's key, its journal and its archive. Whatever interrupts it, the same call
on the same folder goes on.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from archive import freezes, journal
from archive.journal import Entry
from flows import crews, proof_page
from flows import cut_over as night
from flows.reports import Report
from flows.steps import Run, Steps, at_once, quiet
from flows.times import now, utc_text
from flows.wiring import Office
from formats.digest import sha256
from migration import carrying, copying, environment, stages
from migration import freeze as freezing
from migration import proof as proofs
from migration import run as runs
from migration.catalog import Catalog
from migration.copying import Advance, CopyReport
from migration.environment import Address
from migration.freeze import Frozen
from migration.plan import Plan
from migration.proof import Proof
from migration.proving import Both, Signer
from migration.run import Folder
from transfer import detached

PROOF: Final = "proof.json"
SIGNATURE: Final = "proof.json.sig"
PAGE: Final = "proof.html"


@dataclass(frozen=True, slots=True)
class RelocationReport(Report):
    """What a migration came to: its run, tables, rows, cells altered, differences, roots, the verdict, the proof.

    `kept` is how many originals the freeze is in the archive, 0 when it was not kept there.
    """

    run: str
    folder: str
    tables: int
    rows: int
    altered: int
    differences: int
    root: str
    target_root: str
    verdict: str
    proof: str
    kept: int
    seconds: float


def address(text: str) -> Address:
    """The environment that a text names, with this process's variables. Raises UsageError D601."""
    return environment.address(text, os.environ)


def begin(folder: Path, source: str, target: str, by: str) -> Folder:
    """The folder of a migration; a wrong address is found before it is made. Raises D601, D602, D607, D609."""
    environment.source(address(source))
    if target:
        environment.target(address(target))
    return runs.begin(folder, source, target, by, utc_text(now()))


def relocate(
    office: Office, folder: Folder, *, workers: int = 1, keep: bool = True, run: Run = at_once, steps: Steps = quiet
) -> RelocationReport:
    """Survey, plan, freeze and copy side by side, keep the freeze in the archive, compare, prove; or go on with it.

    The copy is brought to its end, and keys and indexes are made, when the whole freeze is kept.

    Raises what the stages raise; RefusedError D605 before anything is frozen or written to the target.
    """
    run("survey", lambda: survey(folder, steps=steps))
    plan(folder).stand()
    target, copied = environment.target(address(folder.asked().target)), Told(steps, "copied")
    with carrying.beside(folder, target, now(), copied.more) as chunk:
        run("freeze", lambda: freeze(office, folder, workers=workers, steps=steps, chunk=chunk))
        kept = run("keep", lambda: keep_freeze(office, folder)) if keep else 0
    carrying.settle(folder, target)
    copy(office, folder, workers=workers, run=run, steps=steps, told=copied)
    return report(folder, prove(office, folder, workers=workers, run=run, steps=steps), kept)


def survey(folder: Folder, *, anew: bool = False, steps: Steps = quiet) -> Catalog:
    """The catalog of the folder's source; `anew` as `stages.survey`.

    Raises UnreachableError S409; UsageError D601, D602.
    """
    source = environment.source(address(folder.asked().source))
    return stages.survey(folder, source, anew=anew, seen=lambda _: steps("surveyed", 1))


def rows(folder: Folder) -> int:
    """How many rows the folder's source has, by the survey. Raises UsageError D604."""
    return sum(table.rows for table in stages.catalog(folder).tables)


def plan(folder: Folder, mapping: Path | None = None) -> Plan:
    """The plan of the folder, made with a mapping file when one is given. Raises UsageError D603, D604, D607."""
    if mapping:
        stages.take_mapping(folder, mapping)
    return stages.plan(folder, address(folder.asked().target).engine)


def freeze(
    office: Office,
    folder: Folder,
    *,
    workers: int = 1,
    steps: Steps = quiet,
    chunk: Callable[[], object] = lambda: None,
) -> Frozen:
    """The freeze of the folder's source, said in the journal when it is new; `chunk` is called behind each chunk."""
    asked, fresh = folder.asked(), not stages.sealed(folder)
    source = environment.source(address(asked.source))

    def safe(one: freezing.Progress) -> None:
        """A chunk is safe."""
        chunk()
        steps("frozen", one.rows)

    frozen = stages.frozen(folder, source, now(), workers=workers, progress=safe)
    if fresh:
        rows = sum(part.rows for part in frozen.sealed.tables)
        size = sum(part.bytes for part in frozen.sealed.tables)
        what: dict[str, str | int] = {
            "freeze": frozen.digest,
            "tables": len(frozen.tables),
            "rows": rows,
            "bytes": size,
            "root": frozen.root,
        }
        enter(office, "frozen", what, "the source of a migration is kept", "read in one state, written once", asked.by)
    return frozen


def copy(
    office: Office,
    folder: Folder,
    *,
    workers: int = 1,
    run: Run = at_once,
    steps: Steps = quiet,
    told: "Told | None" = None,
) -> CopyReport:
    """The freeze into the target, by the plan; `told` has told of what was loaded before."""
    asked, frozen, (mapping, _) = folder.asked(), Frozen.open(folder.freeze), stages.decisions(folder)
    target = environment.target(address(asked.target))
    with folder.held(), folder.timed("copy"):
        found = copying.copy(
            frozen,
            stages.planned(folder),
            mapping,
            target,
            folder.path,
            asked.run,
            at=now(),
            workers=workers,
            progress=told or Told(steps, "copied"),
            crew=crews.of(run, "copy"),
        )
    altered = found.alterations.listed.lines
    tables = len(found.tables)
    what: dict[str, str | int] = {
        "run": asked.run,
        "freeze": frozen.digest,
        "tables": tables,
        "rows": found.rows,
        "altered": altered,
    }
    enter(office, "copied", what, "a migration", "loaded from the freeze", asked.by)
    return found


def prove(office: Office, folder: Folder, *, workers: int = 1, run: Run = at_once, steps: Steps = quiet) -> Proof:
    """Compare the target whole with the freeze, look whether the source is still the same, and sign what was found."""
    asked = folder.asked()
    places = address(asked.source), address(asked.target)
    source, target = environment.source(places[0]), environment.target(places[1])
    with folder.held():
        found = stages.compare(
            folder, target, source, workers=workers, progress=Told(steps, "compared"), crew=crews.of(run, "verify")
        )
    at = now()
    both = Both(places[0].shown, places[1].shown, target.catalog())
    proof = stages.proof(folder, found, both, Signer(office.code, version("jiexu"), utc_text(at)))
    cut_over, way_back = night.steps(proof, office.settings.language)
    return _signed(office, folder, replace(proof, cut_over=cut_over, way_back=way_back), at)


def _signed(office: Office, folder: Folder, proof: Proof, at: datetime) -> Proof:
    data = proofs.encode(proof)
    folder.write(PROOF, data)
    folder.write(SIGNATURE, detached.sign(data, office.key, at))
    folder.write(PAGE, proof_page.page(proof, office.key.fingerprint, office.settings.language))
    what: dict[str, str | int] = {
        "run": proof.run,
        "proof": sha256(data),
        "rows": proof.rows,
        "differences": proof.differences.lines,
        "root": proof.target_root,
    }
    enter(office, "proved", what, "a migration", "every chunk of the target read again and compared", proof.by)
    return proof


def keep_freeze(office: Office, folder: Folder) -> int:
    """Keep the freeze among the office's originals; returns how many they are. What is kept already is compared."""
    frozen = Frozen.open(folder.freeze)
    names = sorted(str(path.relative_to(folder.freeze)) for path in folder.freeze.rglob("*") if path.is_file())
    return freezes.keep(office.store, frozen.digest, folder.freeze, names, folder.asked().by, now()).originals


def report(folder: Folder, proof: Proof, kept: int) -> RelocationReport:
    """What to tell of a proved migration."""
    return RelocationReport(
        run=proof.run,
        folder=str(folder.path),
        tables=len(proof.tables),
        rows=proof.rows,
        altered=proof.alterations.lines,
        differences=proof.differences.lines,
        root=proof.root,
        target_root=proof.target_root,
        verdict=proof.verdict,
        proof=sha256(proofs.encode(proof)),
        kept=kept,
        seconds=sum(phase.milliseconds for phase in proof.phases) / 1000,
    )


class Told:
    """Progress as steps: how many rows beyond those that were told already."""

    def __init__(self, steps: Steps, name: str) -> None:
        self._steps, self._name, self._rows = steps, name, 0

    def __call__(self, advance: Advance) -> None:
        """So many rows are done in all."""
        if advance.rows > self._rows:
            self.more(advance.rows - self._rows)

    def more(self, rows: int) -> None:
        """So many rows more are done."""
        self._rows += rows
        self._steps(self._name, rows)


def enter(office: Office, kind: str, what: Mapping[str, str | int], why: str, how: str, who: str) -> None:
    """Enter an act of a migration in the office's journal (art. 12). Raises UnreachableError S409."""
    with office.ledger.writing() as connection:
        journal.append(connection, Entry(utc_text(now()), kind, what, why, how, who))
