"""The target's own statements: what is made before the rows come, and what is made behind them. Pure.

`creating` before, `keys`, `finishing` and `objects` behind; each yields statements and losses in the order in which
they are to be run. Same engine on both sides: SQL of the source is taken as it is where it names nothing that is called
otherwise.
"""

from collections.abc import Iterator

from migration.ddl import creating, finishing, keys, objects
from migration.ddl.ground import Ground, Said, Statement
from migration.ddl.script import script

__all__ = ["Ground", "Said", "Statement", "script", "statements"]


def statements(ground: Ground) -> Iterator[Said]:
    """All statements for the plan's tables, act by act, and what can't be said."""
    yield from creating.schemas(ground)
    yield from creating.types(ground)
    yield from creating.sequences(ground)
    yield from creating.tables(ground)
    yield from keys.names(ground)
    yield from keys.keys(ground)
    yield from finishing.indexes(ground)
    yield from finishing.checks(ground)
    yield from keys.foreign_keys(ground)
    yield from finishing.next_numbers(ground)
    yield from finishing.comments(ground)
    yield from objects.views(ground)
    yield from objects.triggers(ground)
    yield from objects.routines(ground)
