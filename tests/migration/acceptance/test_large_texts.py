"""Documents of a megabyte full of quotes, as systems keep them in a column of text."""

import json

import pytest

from flows.wiring import Office
from tests.migration.acceptance import plainly, writing
from tests.migration.acceptance.pipeline import migrate
from tests.migration.acceptance.places import ENGINES, Places


@pytest.mark.timeout(100)
@pytest.mark.parametrize("engine", ENGINES)
def test_large_documents_take_no_minutes(engine: str, places: Places, office: Office) -> None:
    """Four documents with 200,000 quotes each go over and back in seconds: MariaDB's own REPLACE takes minutes."""
    source, there, back = places.fresh("sqlite"), places.fresh(engine), places.fresh("sqlite")
    writing.run(source, "CREATE TABLE document (id integer PRIMARY KEY, body text)")
    body = json.dumps([{"姓名": n} for n in range(100_000)], ensure_ascii=False)
    writing.fill(source, "document", [(n, f"{n}{body}") for n in range(4)])
    migrate(office, places.run(), source, there)
    migrate(office, places.run(), there, back)
    assert plainly.held(source) == plainly.held(there) == plainly.held(back)
