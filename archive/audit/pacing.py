"""Reading the segments: which first, how long, what is noted of each."""

import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Row, insert, update

from archive.audit import contents, structure
from archive.audit.contents import Checked, View
from archive.audit.coverage import Age, ages
from archive.audit.facts import Facts
from archive.audit.findings import Rows
from archive.audit.places import name
from archive.audit.report import Problem, Progress, Store
from archive.audit.structure import Structure
from archive.ledger import Ledger
from archive.segments.layout import Layout
from archive.tables import segments, utc_text
from archive.upkeep_tables import checks
from formats.errors import IntegrityError, ServiceError

_LOOKS = 3  # how often before something is said to be wrong
_OF_ROW = ("state", "members", "end", "version", "keys_sha512")


class Reading:
    """One pass over the segments; its counts and problems grow as it runs."""

    def __init__(
        self,
        ledger: Ledger,
        store: Store,
        layout: Layout,
        rows: Rows,
        files: Structure,
        at: datetime,
        sample: int | None,
        patience: float,
        *,
        whole: bool,
    ) -> None:
        """`sample` originals of each segment are decrypted, None for all; `whole`: whether the journal holds.

        `patience`: seconds before what seems wrong is looked at again.
        """
        self.problems: list[Problem] = []
        self.segments = self.members = self.bytes = self.leftover = 0
        self.locked = False  # whether no original could be decrypted, for want of the key
        self._ledger, self._store, self._layout = ledger, store, layout
        self._rows, self._files, self._at, self._sample, self._whole = rows, files, at, sample, whole
        self._patience = patience

    def run(self, began: float, budget: timedelta | None, progress: Progress) -> None:
        """Read the segments, oldest-checked first, the open ones last. Each is noted when it is read.

        When `budget` has passed since `began` (monotonic seconds) no further sealed segment is begun; one is read in
        any case, so that a short budget gets round as well. Raises UnreachableError S409.
        """
        queue = self._queue()
        total, done = sum(age.bytes for age in queue), 0
        until = began + budget.total_seconds() if budget is not None else None

        def tell(segment: int, count: int) -> None:
            nonlocal done
            done += count
            progress(min(done, total), total, segment)

        for age in queue:
            late = until is not None and time.monotonic() > until
            if late and self.segments and age.state == "sealed":
                continue
            found = self._settled(self._rows.said.segments[age.segment], partial(tell, age.segment))
            self._note(age.segment, found)

    def _queue(self) -> list[Age]:
        """The segments that the journal knows, as the ledger has them where it has them."""
        there = {age.segment: age for age in ages(self._ledger)}
        queue = [
            there.get(item.n, Age(item.n, item.state, item.end or 0, ""))._replace(state=item.state)
            for item in self._rows.said.segments.values()
            if item.state != "destroyed"
        ]
        return sorted(queue, key=lambda age: (age.state != "sealed", age.checked, age.segment))

    def _settled(self, item: Facts, tell: Callable[[int], None]) -> Checked:
        """Read a segment; again where something is wrong and the ledger says another thing meanwhile."""
        content = self._files.content.get(item.n, {})
        for look in range(_LOOKS):
            seen = contents.view(self._ledger, item.n)
            if item.state == "sealed":
                found = contents.check_sealed(self._layout, item, seen, content, self._rows.doubts, tell)
            else:
                found = contents.check_open(self._layout, item, seen, self._rows.doubts, tell)
            if not found.problems:
                break
            time.sleep(0 if look else self._patience)
            fresh = structure.now(self._ledger, whole=self._whole).segments.get(item.n)
            if fresh is None or fresh.state == "destroyed":
                return Checked()
            if look and fresh == item and _same(seen.row, contents.view(self._ledger, item.n).row):
                break
            if fresh.version != item.version:
                content = structure.content(self._layout, fresh)
            item = fresh
        found.problems += self._opened(item, seen, found)
        return found

    def _opened(self, item: Facts, seen: View, found: Checked) -> list[Problem]:
        """Originals decrypted: a sample, or all; not those whose bytes or rows are named already.

        A sample that is not to be opened without the key says nothing of the originals. Raises UsageError S408 where
        all are to be decrypted.
        """
        named = {problem.subject for problem in found.problems}
        if item.n in self._rows.unsure or any(subject.endswith(".pgp") for subject in named):
            return []  # without its row or its key there is nothing to read
        digests = [row.digest for row in seen.members if row.entry not in self._rows.doubts.entered]
        if self._sample is not None:
            digests = random.sample(digests, min(self._sample, len(digests)))
        place = name(self._layout, self._layout.tar(item.n, item.state))
        problems: list[Problem] = []
        for digest in digests:
            if digest in named:
                continue
            try:
                self._store.read(digest)
            except IntegrityError as error:
                problems.append(Problem(error.code, place if error.code == "A509" else digest, place))
            except ServiceError as error:
                if error.code == "S408":
                    if self._sample is None:
                        raise
                    self.locked = True
                    break
                problems.append(Problem(error.code, place, place))
            if problems and problems[-1].subject == place:
                break  # the key or the disk, and so it is with the others
        return problems

    def _note(self, segment: int, found: Checked) -> None:
        self.problems += found.problems
        self.segments += 1
        self.members += found.members
        self.bytes += found.bytes
        self.leftover += found.leftover
        values = {
            "at": utc_text(self._at),
            "segment": segment,
            "members": found.members,
            "bytes": found.bytes,
            "problems": len(found.problems),
        }
        with self._ledger.writing() as connection:
            connection.execute(update(segments).where(segments.c.n == segment).values(checked=values["at"]))
            connection.execute(insert(checks), [values])


def _same(one: Row[Any] | None, other: Row[Any] | None) -> bool:
    if one is None or other is None:
        return one is other
    return all(getattr(one, column) == getattr(other, column) for column in _OF_ROW)
