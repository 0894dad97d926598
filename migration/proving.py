"""From what was compared to the proof: the figures of all stages in one value."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from migration import canon, plan_file
from migration.catalog import Catalog
from migration.copying.altering import Alterations
from migration.copying.listing import Listed
from migration.freeze import Frozen
from migration.plan import Carry, Plan
from migration.proof import Changes, Drift, Listing, NotCarried, Place, Proof, TableProof, Use
from migration.run import Asked
from migration.verifying import Drift as Drifted
from migration.verifying import Lack, Verdict

_LEFT: Final = "D625"
_LACK: Final = "D666"
_CHANGED: Final = "D665"


@dataclass(frozen=True, slots=True)
class Signer:
    """Who proves: the office (agency code), the software's version, when (UTC text)."""

    office: str
    software: str
    at: str


@dataclass(frozen=True, slots=True)
class Compared:
    """What the last stage found: rows, the target's structure, whether the source is still as frozen."""

    verdict: Verdict
    structure: tuple[Lack, ...]
    drift: Drifted


@dataclass(frozen=True, slots=True)
class Both:
    """What may be shown of the two addresses, and the target's catalog."""

    source: str
    target: str
    catalog: Catalog


def prove(
    asked: Asked, signer: Signer, both: Both, plan: Plan, frozen: Frozen, altered: Alterations, found: Compared
) -> Proof:
    """The proof of a migration. Its steps of cut-over and way back are the caller's to add."""
    verdict = found.verdict
    return Proof(
        run=asked.run,
        office=signer.office,
        by=asked.by,
        began=asked.began,
        ended=signer.at,
        software=signer.software,
        source=_place(frozen.catalog, both.source),
        target=_place(both.catalog, both.target),
        snapshot=frozen.identity,
        plan=plan_file.digest(plan),
        catalog=plan.catalog,
        mapping=plan.mapping,
        canon=canon.VERSION,
        freeze=frozen.digest,
        freeze_root=frozen.root,
        root=verdict.root,
        target_root=verdict.found_root,
        rows=sum(table.rows for table in verdict.tables),
        bytes=sum(part.bytes for part in frozen.sealed.tables),
        tables=tuple(_tables(plan, altered, verdict)),
        uses=tuple(_uses(plan, frozen, altered)),
        losses=(*_losses(plan, frozen), *_drifted(found.drift, both.source)),
        structure=tuple(NotCarried(_LACK, one.place, one.detail, 0) for one in found.structure),
        alterations=_listing(altered.listed),
        differences=_listing(verdict.differences),
        drift=Drift.SAME if found.drift.same else Drift.CHANGED,
        changes=Changes(found.drift.gone, found.drift.numbered, *found.drift.rows),
        phases=asked.phases,
        cut_over=(),
        way_back=(),
    )


def _place(catalog: Catalog, shown: str) -> Place:
    return Place(catalog.engine, catalog.version, catalog.name, shown)


def _listing(listed: Listed) -> Listing:
    return Listing(listed.file, listed.lines, listed.sha256)


def _tables(plan: Plan, altered: Alterations, verdict: Verdict) -> Iterator[TableProof]:
    for one in verdict.tables:
        yield TableProof(
            number=one.number,
            source=one.source,
            target=one.target,
            key=plan.table(one.number).key,
            rows=one.rows,
            target_rows=one.found_rows,
            chunks=one.chunks,
            equal_chunks=one.equal_chunks,
            altered=altered.cells(one.number),
            differences=one.differences,
            spelled=one.spelled,
            root=one.root,
            target_root=one.found_root,
        )


def _uses(plan: Plan, frozen: Frozen, altered: Alterations) -> Iterator[Use]:
    """Rules of types, used on every cell of their columns, and rules of values, used on the cells that they altered."""
    for table in plan.tables:
        for column in table.columns:
            if column.carry is Carry.DECLARED:
                detail = f"{column.source_native} as {column.native}"
                yield Use(column.rule, f"{table.source}.{column.source}", detail, frozen.rows(table.number))
    for use in altered.uses:
        yield Use(use.rule, use.place, "values altered, each in the list of alterations", use.cells)


def _drifted(drift: Drifted, source: str) -> Iterator[NotCarried]:
    if not drift.same:
        yield NotCarried(_CHANGED, source, "what changed is in drift.csv", 0)


def _losses(plan: Plan, frozen: Frozen) -> Iterator[NotCarried]:
    """The plan's losses; a table that is left out with its rows, which the freeze has nevertheless."""
    numbers = {str(name): number for number, name in frozen.tables.items()}
    carried = {str(table.source) for table in plan.tables}
    for loss in plan.losses:
        left = loss.code == _LEFT and loss.place in numbers and loss.place not in carried
        yield NotCarried(loss.code, loss.place, loss.detail, frozen.rows(numbers[loss.place]) if left else 0)
