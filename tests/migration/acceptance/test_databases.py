"""Real databases from each environment to each other one and back: rows by plain SELECTs, catalogs, differences named.

What a difference is stands here as an exact list, so that a change of the rules shows.
"""

import itertools
import re
from collections import Counter

import pytest

from flows.wiring import Office
from tests.migration.acceptance import originals, plainly
from tests.migration.acceptance.catalogs import differences, shape
from tests.migration.acceptance.pipeline import Done, migrate
from tests.migration.acceptance.places import ENGINES, Places

# Numbers that SQLite gives to new rows of a table whose key is one integer.
_NUMBERED = {
    "identity: False -> True": 10,
    **{
        f"+ sequence {following} by 1 of {name}": 1
        for following, name in (
            *((19, "Playlist.PlaylistId"), (2241, "InvoiceLine.InvoiceLineId"), (26, "Genre.GenreId")),
            *((276, "Artist.ArtistId"), (348, "Album.AlbumId"), (3504, "Track.TrackId"), (413, "Invoice.InvoiceId")),
            *((6, "MediaType.MediaTypeId"), (60, "Customer.CustomerId"), (9, "Employee.EmployeeId")),
        )
    },
}
# The words that SQLite's own file has for types: what a column holds is the same by any of them.
_WORDS = {
    "name of a foreign key": 7,  # keys without a name get one where every key has one: of seven tables
    "native: datetime -> timestamp": 3,
    "native: numeric(10,2) -> decimal(10,2)": 3,
    **{
        f"native: nvarchar({length}) -> varchar({length})": columns
        for length, columns in (
            *((10, 3), (120, 4), (160, 1), (20, 3), (200, 1), (220, 1), (24, 4), (30, 1), (40, 10), (60, 2), (70, 3)),
            (80, 1),
        )
    },
}


def unnamed_keys(done: Done, tables: int) -> list[tuple[str, str, str]]:
    """The losses of a plan in which the primary keys of so many tables lose their names."""
    places = sorted(f"{table.source} (primary key)" for table in done.plan.tables if table.key)
    assert tables in (0, len(places))
    return [("D626", place, "declared") for place in places[:tables]]


def _snake(text: str) -> str:
    """The names of the PostgreSQL file: `playlist.playlist_id` for `Playlist.PlaylistId`."""
    return re.sub(r"(?<=[a-z])([A-Z])", r"_\1", text).lower() if "sequence" in text else text


BACK: dict[tuple[str, str], dict[str, int]] = {
    ("sqlite", "postgresql"): _WORDS,
    ("sqlite", "mariadb"): {**_WORDS, "name of a primary key": 11},
    ("postgresql", "sqlite"): {
        **{_snake(line): count for line, count in _NUMBERED.items()},
        "native: integer -> bigint": 24,
        "precision: 10 -> 19": 24,
    },
    ("postgresql", "mariadb"): {},
    ("mariadb", "sqlite"): {
        **_NUMBERED,
        "native: datetime -> datetime(6)": 3,
        "native: int(11) -> bigint(20)": 24,
    },
    ("mariadb", "postgresql"): {"native: datetime -> datetime(6)": 3},
}


@pytest.mark.parametrize(("first", "second"), list(itertools.permutations(ENGINES, 2)))
def test_the_music_shop_goes_over_and_back(first: str, second: str, places: Places, office: Office) -> None:
    """All 15,607 rows and all that SQLAlchemy sees are the same there and after the way back; what is lost is told.

    That is one thing: SQLite's primary keys have names, and MariaDB calls all of them PRIMARY.
    """
    source, there, back = originals.chinook(places, first), places.fresh(second), places.fresh(first)
    over = migrate(office, places.run(), source, there)
    again = migrate(office, places.run(), there, back)
    rows = plainly.held(source)
    assert sum(map(Counter.total, rows.values())) == over.report.rows == again.report.rows == 15_607
    assert plainly.held(there) == rows
    assert plainly.held(back) == rows
    assert shape(source) == shape(there) == shape(back)
    unnamed = unnamed_keys(over, 11 if (first, second) == ("sqlite", "mariadb") else 0)
    assert (over.losses, over.carried, again.losses, again.carried) == (unnamed, {}, [], {})
    assert differences(source, back) == BACK[first, second]


_SEQUENCES = {
    f"+ sequence {following} by 1 of {name}": 1
    for following, name in (
        *((10, "employees.employee_id"), (11078, "orders.order_id"), (30, "suppliers.supplier_id")),
        *((5, "region.region_id"), (52, "us_states.state_id"), (7, "shippers.shipper_id")),
        *((78, "products.product_id"), (9, "categories.category_id")),
    )
}
_THROUGH_SQLITE = {
    **_SEQUENCES,
    "identity: False -> True": 8,
    "native: integer -> bigint": 1,
    "native: real -> double precision": 4,
    "native: smallint -> bigint": 21,
    "precision: 10 -> 19": 1,
    "precision: 5 -> 19": 21,
}
# MariaDB makes an index for every foreign key that has none.
_THROUGH_MARIADB = {
    f"+ index of public.{index}": 1
    for index in (
        *("customer_customer_demo (customer_type_id)", "employee_territories (territory_id)", "employees (reports_to)"),
        *("order_details (product_id)", "orders (customer_id)", "orders (employee_id)", "orders (ship_via)"),
        *("products (category_id)", "products (supplier_id)", "territories (region_id)"),
    )
}
WAYS: dict[tuple[str, ...], tuple[list[dict[str, int]], dict[str, int]]] = {
    ("sqlite",): (
        [{"bytea -> blob: widened": 2}, {"blob -> bytea: widened": 2}],
        _THROUGH_SQLITE,
    ),
    ("mariadb",): (
        [
            {"bytea -> longblob: widened": 2, "text -> longtext: widened": 4},
            {"longblob -> bytea: widened": 2},
        ],
        {**_THROUGH_MARIADB, "name of a primary key": 14},
    ),
    ("sqlite", "mariadb"): (
        [
            {"bytea -> blob: widened": 2},
            {"blob -> longblob: widened": 2, "text -> longtext: widened": 4},
            {"longblob -> bytea: widened": 2},
        ],
        {**_THROUGH_SQLITE, **_THROUGH_MARIADB, "name of a primary key": 14},
    ),
    ("mariadb", "sqlite"): (
        [
            {"bytea -> longblob: widened": 2, "text -> longtext: widened": 4},
            {"longblob -> blob: widened": 2},
            {"blob -> bytea: widened": 2},
        ],
        {**_THROUGH_SQLITE, **_THROUGH_MARIADB, "name of a primary key": 14},
    ),
}


@pytest.mark.parametrize("way", sorted(WAYS), ids="-".join)
def test_the_food_trader_goes_round(way: tuple[str, ...], places: Places, office: Office) -> None:
    """From PostgreSQL through one or two others and back: 3,362 rows and the same shape in each, pictures too."""
    source = before = originals.northwind(places)
    rows, seen, carried = plainly.held(source), shape(source), []
    for engine in (*way, "postgresql"):
        there = places.fresh(engine)
        done = migrate(office, places.run(), before, there)
        assert (done.losses, done.report.rows) == (unnamed_keys(done, 14 if engine == "mariadb" else 0), 3_362)
        assert plainly.held(there) == rows
        assert shape(there) == seen
        carried.append(done.carried)
        before = there
    assert (carried, differences(source, there)) == WAYS[way]
