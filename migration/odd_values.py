"""What the survey found in values, as losses of a plan: what the target can hold, what the mapping decides. Pure."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from formats.reasons import reason
from migration.catalog import Catalog, Column, Kind, Oddity, Table
from migration.dialects import Dialect, kin
from migration.mapping import Mapping as SiteMapping
from migration.plan import Carry, Loss

# Said by a census (D624): how many digits numbers of any length have, how long the texts of a key are.
_DIGITS: Final = re.compile(r"precision (\d+), scale (\d+)")
_LENGTH: Final = re.compile(r"length (\d+)")

# Told, but nothing is done about it: rows come over as they are.
_TOLD: Final = frozenset({"D619", "D621", "D622", "D627"})


def losses(catalog: Catalog, target: Dialect, site: SiteMapping) -> Iterator[Loss]:
    """What becomes of every oddity, but for those of tables that are left out."""
    for odd in catalog.oddities:
        if str(odd.table) not in site.leave and not _measures(odd):
            carry, what = _fate(catalog, odd, target, site)
            rows = f"{odd.rows} rows" if odd.rows else ""
            yield Loss(odd.code, odd.place, "; ".join(filter(None, (odd.detail, rows, what))), carry)


def measured(catalog: Catalog, table: Table, column: Column) -> Column:
    """The column with the digits that the census counted in its numbers, if it did."""
    if column.kind is not Kind.NUMBER or column.precision is not None:
        return column
    found = _said(catalog, table, column, _DIGITS)
    return replace(column, precision=max(1, int(found[1])), scale=int(found[2])) if found else column


def longest(catalog: Catalog, table: Table, column: Column) -> int | None:
    """How long the longest text of a column of a key is, if the census says so."""
    found = _said(catalog, table, column, _LENGTH)
    return int(found[1]) if found else None


def _measures(odd: Oddity) -> bool:
    return odd.code == "D624" and bool(_DIGITS.search(odd.detail) or _LENGTH.search(odd.detail))


def _said(catalog: Catalog, table: Table, column: Column, form: re.Pattern[str]) -> re.Match[str] | None:
    own = (odd for odd in catalog.oddities if (odd.code, odd.table, odd.column) == ("D624", table.name, column.name))
    return next((found for odd in own if (found := form.search(odd.detail))), None)


def _fate(catalog: Catalog, odd: Oddity, target: Dialect, site: SiteMapping) -> tuple[Carry, str]:
    if odd.code in _TOLD:
        return Carry.EXACT, ""
    if odd.code == "D612":
        return _nul(target, site)
    if odd.code == "D617":
        return _orphans(catalog, odd, site)
    if odd.code in ("D613", "D614", "D615"):
        return _misfit(catalog, odd, target, site)
    if odd.code == "D618" and target.family == "postgresql":
        return Carry.EXACT, ""
    if odd.code == "D620" and target.family == "mariadb":
        return Carry.DECLARED, "-0 becomes 0: the comparison will name these rows"
    if odd.code == "D620" and target.family == "sqlite":
        return _misfit(catalog, odd, target, site)  # a column of reals would be given 0, and its loading refuses that
    return (Carry.REFUSED if reason(odd.code).severity == "error" else Carry.DECLARED), ""


def _misfit(catalog: Catalog, odd: Oddity, target: Dialect, site: SiteMapping) -> tuple[Carry, str]:
    """Values that their own column does not really have a place for."""
    if odd.code == "D613" and "zero-date" in site.values:
        return Carry.DECLARED, f"0000-00-00 becomes {site.values['zero-date']}"
    if odd.place in site.columns:
        return Carry.DECLARED, f"carried into {site.columns[odd.place]}"
    if odd.code == "D614" and target.family == "sqlite":
        return Carry.EXACT, "the target has no limit"
    if odd.code == "D615" and kin(catalog.engine, target.engine) and target.family == "postgresql":
        return Carry.EXACT, ""
    return Carry.REFUSED, "correct them, or say in [columns] what holds them"


def _nul(target: Dialect, site: SiteMapping) -> tuple[Carry, str]:
    if "nul-character" in site.values:
        said = site.values["nul-character"]
        return Carry.DECLARED, "0x00 is removed" if said == "remove" else "0x00 is replaced"
    if target.family in ("sqlite", "mariadb", "oracle"):
        return Carry.EXACT, ""
    return Carry.REFUSED, 'say nul-character = "remove" in [values]'


def _orphans(catalog: Catalog, odd: Oddity, site: SiteMapping) -> tuple[Carry, str]:
    """Rows without the row that they refer to: the foreign keys of that column can't be made in the target."""
    keys = [key for key in catalog.table(odd.table).foreign if _concerned(odd, key.name, key.columns)]
    places = [f"{odd.table}.{key.name or '_'.join(key.columns)}" for key in keys]
    if places and all(place in site.leave for place in places):
        return Carry.DECLARED, "the foreign key is left out"
    return Carry.REFUSED, f"correct the rows, or [leave] {' and '.join(places)}"


def _concerned(odd: Oddity, name: str, columns: tuple[str, ...]) -> bool:
    if not odd.column:
        return True
    return odd.column == name or set(re.split(r",\s*", odd.column)) == set(columns)
