"""Keys that a database orders by a language's rules: other than by bytes, and other than its neighbour does."""

import pytest

from flows import relocation
from flows.wiring import Office
from migration import environment
from migration.freeze import Frozen
from migration.mapping import Mapping
from migration.verifying import verify
from tests.migration.acceptance import writing
from tests.migration.acceptance.pipeline import migrate
from tests.migration.acceptance.places import ENGINES, Places

# By UCA: a < À < b < B < ß < z < Z < あ < 丁 < 张 < 𠮷; by bytes capitals come first, and Z before a.
KEYS = ("a", "À", "b", "B", "ß", "z", "Z", "あ", "丁", "张", "𠮷", "a-b", "ab", "A b", "10", "9", "é", "e", "_", "～")
UNICODE = "varchar(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_uca1400_as_cs"


@pytest.mark.parametrize("engine", ENGINES)
def test_a_key_in_the_order_of_unicode(engine: str, office: Office, places: Places) -> None:
    """Two thousand texts in a key that MariaDB orders by UCA 14: frozen in the order of bytes, copied, and equal."""
    source, target = places.fresh("mariadb"), places.fresh(engine)
    writing.run(source, f"CREATE TABLE a (k {UNICODE} PRIMARY KEY, n int)")
    texts = [f"{key}{number or ''}" for number in range(100) for key in KEYS]
    writing.fill(source, "a", [(key, at) for at, key in enumerate(texts)])
    by_unicode = [row[0] for row in writing.rows(source, "(SELECT k FROM a ORDER BY k) x")]
    by_bytes = sorted(texts, key=str.encode)
    assert sorted(by_unicode) == sorted(texts)
    assert by_unicode != by_bytes
    done = migrate(office, places.run(), source, target)
    frozen = Frozen.open(done.folder.freeze)
    lines = b"".join(piece for chunk in frozen.chunks(1) for piece in frozen.data(chunk)).decode().splitlines()
    assert [line.split('"')[1] for line in lines] == by_bytes
    assert sorted(row[0] for row in writing.rows(target, "a")) == sorted(texts)


def test_a_target_whose_key_is_put_in_the_order_of_unicode(office: Office, places: Places) -> None:
    """A key whose collation was changed in the target is read in the order of bytes all the same, and stays equal."""
    source, target = places.fresh("sqlite"), places.fresh("mariadb")
    writing.run(source, "CREATE TABLE a (k varchar(40) NOT NULL PRIMARY KEY, n integer)")
    writing.fill(source, "a", [(f"{key}{number}", number) for number in range(50) for key in KEYS])
    done = migrate(office, places.run(), source, target)
    writing.run(target, f"ALTER TABLE a MODIFY k {UNICODE} NOT NULL")
    where, frozen = environment.target(relocation.address(target)), Frozen.open(done.folder.freeze)
    assert verify(frozen, done.plan, Mapping(), where, done.folder.path).equal
    writing.run(target, "UPDATE a SET n = -1 WHERE k = '张7'")
    found = verify(frozen, done.plan, Mapping(), where, done.folder.path)
    assert [table.differences for table in found.tables] == [1]
