"""Views, triggers and routines: taken by an engine of the same SQL as they are written, else told as lost. Pure."""

import re
from collections.abc import Iterator

from migration import expressions
from migration.catalog import View
from migration.ddl.ground import Ground, Said, Statement, lost
from migration.plan import Act


def views(ground: Ground) -> Iterator[Said]:
    """Views, those first that others name."""
    for view in _in_order(ground.catalog.views):
        obstacle = ground.obstacle(view.query) if ground.kin else "SQL of another environment"
        if obstacle:
            yield lost(str(view.name), f"the view is not carried: it needs {obstacle}")
            continue
        query = expressions.ended(view.query)
        name = ground.dialect.table(view.name)
        whole = re.match(r"create\s", query, re.IGNORECASE)
        yield Statement(Act.CREATE_VIEW, str(view.name), query if whole else f"CREATE VIEW {name} AS {query}")


def triggers(ground: Ground) -> Iterator[Said]:
    """Triggers, made when the rows are proved: none may touch them."""
    carried = {plan.source for plan in ground.tables}
    for trigger in ground.catalog.triggers:
        place = f"{trigger.table}.{trigger.name}"
        obstacle = ground.obstacle(trigger.statement) if ground.kin else "SQL of another environment"
        if trigger.table not in carried and trigger.table not in {view.name for view in ground.catalog.views}:
            obstacle = str(trigger.table)
        if obstacle:
            yield lost(place, f"the trigger is not carried: it needs {obstacle}")
        else:
            yield Statement(Act.CREATE_TRIGGER, place, expressions.ended(trigger.statement))


def routines(ground: Ground) -> Iterator[Said]:
    """Functions and procedures: none is carried."""
    for routine in ground.catalog.routines:
        yield lost(str(routine), "the routine is not carried: make it by hand")


def _in_order(found: tuple[View, ...]) -> Iterator[View]:
    waiting = list(found)
    while waiting:
        names = {view.name.name for view in waiting}
        free = [view for view in waiting if not _named(view, names - {view.name.name})]
        yield from free or waiting  # views that name each other in a circle stand as they are
        waiting = [view for view in waiting if free and view not in free]


def _named(view: View, names: set[str]) -> bool:
    return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", view.query) for name in names)
