"""How the environments differ in what they call things: quoting, schemas, how long a name may be. Pure."""

from dataclasses import dataclass
from typing import Final

from formats.errors import UsageError
from migration.catalog import TableName


@dataclass(frozen=True, slots=True)
class Dialect:
    """One engine as a target.

    `family`: the engine whose SQL it speaks. `schema`: where tables of no schema go; empty where the environment has
    none, then a schema becomes part of the name. `longest`: of a name, counted in `octets` or in characters. `folds`:
    names that differ by case alone are one. `per_table`: names of indexes are the table's own, not the schema's.
    """

    engine: str
    family: str
    schema: str
    has_schemas: bool
    longest: int
    octets: bool = True
    folds: bool = False
    per_table: bool = False

    def quote(self, name: str) -> str:
        """A name as the environment's SQL takes it, whatever is in it."""
        mark = "`" if self.family == "mariadb" else '"'
        return mark + name.replace(mark, mark * 2) + mark

    def names(self, names: tuple[str, ...]) -> str:
        """Names in a list."""
        return ", ".join(map(self.quote, names))

    def table(self, table: TableName) -> str:
        """A table's whole name."""
        return self.names((table.name,)) if not table.schema else f"{self.quote(table.schema)}.{self.quote(table.name)}"

    def text(self, value: str) -> str:
        """A text as a literal."""
        escaped = value.replace("\\", "\\\\") if self.family == "mariadb" else value
        return "'" + escaped.replace("'", "''") + "'"

    def length(self, name: str) -> int:
        """How long a name is, as the environment counts."""
        return len(name.encode()) if self.octets else len(name)


DIALECTS: Final = {
    dialect.engine: dialect
    for dialect in (
        Dialect("postgresql", "postgresql", "public", has_schemas=True, longest=63),
        Dialect("opengauss", "postgresql", "public", has_schemas=True, longest=63),
        Dialect("kingbase", "postgresql", "public", has_schemas=True, longest=63),
        Dialect("mariadb", "mariadb", "", has_schemas=False, longest=64, octets=False, folds=True, per_table=True),
        Dialect("sqlite", "sqlite", "", has_schemas=False, longest=1000, folds=True),
        Dialect("oracle", "oracle", "", has_schemas=False, longest=128),
        Dialect("dameng", "dameng", "", has_schemas=False, longest=128),
    )
}


def dialect(engine: str) -> Dialect:
    """The dialect of this engine as a target. Raises UsageError D609 for one that is never written."""
    if engine not in DIALECTS:
        raise UsageError("D609", f"{engine} is never a target")
    return DIALECTS[engine]


def kin(source: str, target: str) -> bool:
    """Whether two engines speak the same SQL."""
    both = {DIALECTS[engine].family for engine in (source, target) if engine in DIALECTS}
    return source in DIALECTS and target in DIALECTS and len(both) == 1
