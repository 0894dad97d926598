"""What an inventory says, as values (OCFL 1.1, 3.5)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Digests = Mapping[str, tuple[str, ...]]
"""Digest in hex, as it is written, to paths."""


@dataclass(frozen=True, slots=True)
class User:
    """Who made a version: a name, and a URI of the person or the part (3.5.3.1)."""

    name: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    """A version block: `created` after RFC 3339; `state` says which logical paths have which digest."""

    created: str
    state: Digests
    message: str | None = None
    user: User | None = None

    @property
    def files(self) -> dict[str, str]:
        """Logical path to digest."""
        return {path: digest for digest, paths in self.state.items() for path in paths}


@dataclass(frozen=True, slots=True)
class Inventory:
    """An inventory. Read from somebody else's bytes it may lack what the flaws beside it name: then a field is empty.

    `spec` is the version of the standard, `content_folder` the name of the folder of content in every version folder,
    `versions` are by the folder's name, `manifest` and `fixity[algorithm]` say which content paths have which digest.
    """

    object_id: str = ""
    spec: str = ""
    algorithm: str = ""
    head: str = ""
    versions: Mapping[str, Version] = field(default_factory=dict)
    manifest: Digests = field(default_factory=dict)
    content_folder: str = "content"
    fixity: Mapping[str, Digests] = field(default_factory=dict)

    @property
    def state(self) -> dict[str, str]:
        """Logical path to digest, at the head."""
        return self.versions[self.head].files if self.head in self.versions else {}

    @property
    def contents(self) -> dict[str, str]:
        """Content path to digest, of all versions."""
        return {path: digest for digest, paths in self.manifest.items() for path in paths}
