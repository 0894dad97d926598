"""What happens to a source between its survey and its freeze is never left behind without a word."""

import pytest

from flows import relocation
from flows.times import now
from flows.wiring import Office
from formats.errors import IntegrityError
from migration import environment, stages
from migration.catalog import Catalog, Oddity, Table
from migration.engine import Snapshot, Source
from migration.freeze import Frozen
from migration.proof import Drift
from migration.run import Folder
from migration.verifying.drift import drift
from tests.migration.acceptance import writing
from tests.migration.acceptance.pipeline import migrate
from tests.migration.acceptance.places import ENGINES, Places

MADE = ("CREATE TABLE a (id integer NOT NULL PRIMARY KEY, v varchar(20))", "INSERT INTO a VALUES (1, 'x')")
LATER = {
    "a column": ("ALTER TABLE a ADD COLUMN more varchar(20)", "UPDATE a SET more = 'y'"),
    "a table": ("CREATE TABLE b (id integer NOT NULL PRIMARY KEY)", "INSERT INTO b VALUES (1)"),
    "another type": ("DROP TABLE a", "CREATE TABLE a (id integer NOT NULL PRIMARY KEY, v varchar(30))"),
}


@pytest.mark.parametrize("later", LATER.values(), ids=LATER)
@pytest.mark.parametrize("engine", ENGINES)
def test_tables_that_changed_are_not_frozen(
    engine: str, later: tuple[str, ...], office: Office, places: Places
) -> None:
    """A column or a table that came after the survey stops the freeze (D633); a survey anew has it."""
    source = places.fresh(engine)
    writing.run(source, *MADE)
    folder = relocation.begin(places.run(), source, places.fresh("sqlite"), "u1")
    relocation.survey(folder)
    writing.run(source, *later)
    with pytest.raises(IntegrityError, match="since the survey") as refused:
        relocation.freeze(office, folder)
    assert refused.value.code == "D633"
    relocation.survey(folder, anew=True)
    relocation.freeze(office, folder)


def test_tables_that_came_during_the_survey_are_not_frozen(office: Office, places: Places) -> None:
    """A table that was made behind the survey's back, after its catalog, stops the freeze as a later one does."""
    source = places.fresh("postgresql")
    writing.run(source, *MADE)
    folder = relocation.begin(places.run(), source, places.fresh("sqlite"), "u1")
    read = environment.source(relocation.address(source))
    stages.survey(folder, read, seen=lambda _: writing.run(source, *LATER["a table"]))
    with pytest.raises(IntegrityError, match="since the survey"):
        relocation.freeze(office, folder)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_source_that_was_not_written_is_not_looked_at_again(engine: str, places: Places) -> None:
    """The freeze reads the catalog again just where the state is another than the survey's."""
    source = places.fresh(engine)
    writing.run(source, *MADE)
    folder = relocation.begin(places.run(), source, places.fresh("sqlite"), "u1")
    read = _Counted(environment.source(relocation.address(source)))
    stages.survey(folder, read, seen=lambda _: None)
    relocation.plan(folder)
    known = bool((folder / stages.SURVEYED).read_bytes())
    stages.frozen(folder, read, now(), progress=lambda _: None)
    assert (engine == "mariadb" or known, read.catalogs) == (True, 1 if known else 2)


def test_a_survey_that_was_cut_off_vouches_for_no_older_one(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """A survey anew that ends before its catalog is written leaves the old one, which is compared, and refused."""
    source = places.fresh("sqlite")
    writing.run(source, *MADE)
    folder = relocation.begin(places.run(), source, places.fresh("sqlite"), "u1")
    read = environment.source(relocation.address(source))
    stages.survey(folder, read, seen=lambda _: None)
    writing.run(source, *LATER["a table"])
    whole = Folder.write

    def cut_off(self: Folder, name: str, data: bytes) -> None:
        if name == stages.CATALOG:
            raise OSError("cut off")
        whole(self, name, data)

    with monkeypatch.context() as patched:
        patched.setattr(Folder, "write", cut_off)
        with pytest.raises(OSError, match="cut off"):
            stages.survey(folder, read, anew=True, seen=lambda _: None)
    with pytest.raises(IntegrityError, match="since the survey"):
        stages.frozen(folder, read, now(), progress=lambda _: None)


class _Counted:
    """A source that counts how often its catalog is read."""

    def __init__(self, source: Source) -> None:
        self.catalogs = 0
        self._source = source

    def catalog(self) -> Catalog:
        self.catalogs += 1
        return self._source.catalog()

    def census(self, snapshot: Snapshot, table: Table) -> tuple[Oddity, ...]:
        return self._source.census(snapshot, table)

    def snapshot(self, shared: str = "") -> Snapshot:
        return self._source.snapshot(shared)


def test_rows_that_came_are_frozen(office: Office, places: Places) -> None:
    """Rows that came after the survey are in the target, and the proof says that the source has gone on."""
    source = places.fresh("postgresql")
    writing.run(source, "CREATE TABLE a (id serial PRIMARY KEY, v text)", "INSERT INTO a (v) VALUES ('x')")
    folder = relocation.begin(places.run(), source, places.fresh("postgresql"), "u1")
    relocation.survey(folder)
    writing.run(source, "INSERT INTO a (v) VALUES ('y')")
    report = relocation.relocate(office, folder, keep=False)
    assert (report.verdict, report.rows) == ("equal", 2)
    assert relocation.prove(office, folder).drift is Drift.CHANGED


def test_a_table_that_came_after_the_freeze_is_a_change(office: Office, places: Places) -> None:
    """A source that got another table since is not the one that was frozen, and the table is named."""
    source = places.fresh("postgresql")
    writing.run(source, *MADE)
    done = migrate(office, places.run(), source, places.fresh("sqlite"))
    writing.run(source, *LATER["a table"])
    frozen = Frozen.open(done.folder.freeze)
    found = drift(frozen, done.plan, environment.source(relocation.address(source)), done.folder.path)
    assert (found.same, found.gone) == (False, ("public.b",))
