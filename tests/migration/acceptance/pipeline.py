"""The real pipeline, from the survey to the proof, and what it said on the way."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from flows import relocation
from flows.relocation import RelocationReport
from flows.wiring import Office
from migration import stages
from migration.plan import Plan
from migration.run import Folder


@dataclass(frozen=True, slots=True)
class Done:
    """A migration that is done: its folder, its plan, what it came to."""

    folder: Folder
    plan: Plan
    report: RelocationReport

    @property
    def losses(self) -> list[tuple[str, str, str]]:
        """What the plan said would not carry over as it is: code, place, how it is carried."""
        return [(loss.code, loss.place, str(loss.carry)) for loss in self.plan.losses]

    @property
    def carried(self) -> dict[str, int]:
        """The types that are not the same in the target, how their values get over, and how many columns of each."""
        columns = [column for table in self.plan.tables for column in table.columns]
        found = Counter(f"{one.source_native} -> {one.native}: {one.carry}" for one in columns if one.carry != "exact")
        return dict(sorted(found.items()))


def migrate(office: Office, folder: Path, source: str, target: str, mapping: str = "") -> Done:
    """Survey, plan, freeze, copy, compare and prove; the target is proved equal."""
    begun = relocation.begin(folder, source, target, "u1")
    if mapping:
        file = folder.parent / f"{folder.name}.toml"
        file.write_text(mapping, encoding="utf-8")
        relocation.survey(begun)
        relocation.plan(begun, file)
    report = relocation.relocate(office, begun, keep=False)
    assert (report.verdict, report.differences) == ("equal", 0)
    assert report.root == report.target_root
    return Done(begun, stages.planned(begun), report)
