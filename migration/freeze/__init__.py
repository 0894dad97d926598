"""The freeze: a source's rows written once, so that nothing that happens to it later changes what is carried over."""

from migration.freeze.freezing import Progress, freeze
from migration.freeze.frozen import Frozen
from migration.freeze.frozen_source import FrozenSource
from migration.freeze.manifest import Chunk
from migration.freeze.state import FrozenTable

__all__ = ["Chunk", "Frozen", "FrozenSource", "FrozenTable", "Progress", "freeze"]
