"""The README says what the code does."""

import re
from importlib import resources

from archive.case import diagram
from archive.journal import EVENTS


def _readme() -> str:
    return resources.files("archive").joinpath("README.md").read_text(encoding="utf-8")


def test_diagram_is_the_one_of_the_table() -> None:
    """The case-state diagram is generated from the table."""
    found = re.search(r"```mermaid\n(.*?)```", _readme(), re.DOTALL)
    assert found is not None
    assert found.group(1) == diagram()


def test_every_maintenance_event_is_listed_with_its_fields() -> None:
    """The list of maintenance events is complete, and names the fields of each."""
    rows = re.findall(r"^\| `([a-z-]+)` \| ([^|]*) \|", _readme(), re.MULTILINE)
    assert {kind: tuple(re.findall(r"`([a-z0-9_]+)`", fields)) for kind, fields in rows} == dict(EVENTS)
