"""Which state a freeze keeps, and how its tables were read: the file `snapshot.json`. Pure."""

from dataclasses import dataclass
from typing import Final

from formats.errors import IntegrityError
from migration import canon, json_values
from migration.engine import Identity, Reading

FILE: Final = "snapshot.json"
FORMAT: Final = "urn:jiexu:migration:freeze-snapshot:1"


@dataclass(frozen=True, slots=True)
class FrozenTable:
    """One table of a freeze: its number (from 1), how it is read, and how many rows make a chunk."""

    number: int
    reading: Reading
    chunk_rows: int


@dataclass(frozen=True, slots=True)
class State:
    """One state of a source: what it says it is, when it was taken, how it refused a write, its tables by number.

    `identity.at` is the environment's own time, `at` (UTC text) that of the machine that froze it. `alone`: the
    environment can't share a snapshot, so one process read all. `catalog` is the SHA-256 of `catalog.json`,
    `canon` the version of the rules of canonical bytes.
    """

    canon: str
    identity: Identity
    at: str
    refused: str
    alone: bool
    catalog: str
    tables: tuple[FrozenTable, ...]


def encode(state: State) -> bytes:
    """The file's bytes."""
    return json_values.encode(FORMAT, state)


def decode(data: bytes) -> State:
    """The state in a file's bytes. Raises IntegrityError D652, also for another version of canonical bytes."""
    try:
        state = json_values.decode(FORMAT, State, data)
    except ValueError as error:
        raise IntegrityError("D652", f"{FILE}: {error}") from None
    if state.canon != canon.VERSION:
        raise IntegrityError("D652", f"{FILE}: canonical bytes of version {state.canon}")
    return state
