"""Where the files of an archive lie: see the README of `archive`."""

from dataclasses import dataclass
from pathlib import Path

from archive.ocfl.storage import StorageRoot

TAR = "members.tar"
MANIFEST = "manifest-sha256.txt"
CATALOG = "catalog.bin"


def segment_id(office: str, n: int) -> str:
    """The id of a segment's object."""
    return f"urn:jiexu:{office}:segment:{n:08d}"


def readme_id(office: str) -> str:
    """The id of the object that says how to read all others."""
    return f"urn:jiexu:{office}:readme"


def keys_name(version: int) -> str:
    """The logical path of the wrapped key that came with this version of the object."""
    return f"keys-{version}.pgp"


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of one archive; `root` is its folder, `office` the office's code. Nothing is made or looked at."""

    root: Path
    office: str

    @property
    def objects(self) -> StorageRoot:
        """The OCFL storage root."""
        return StorageRoot(self.root / "ocfl")

    @property
    def stage(self) -> Path:
        """Objects that are being built."""
        return self.root / "stage"

    @property
    def open(self) -> Path:
        """The folder of segments that are not sealed yet."""
        return self.root / "open"

    @property
    def aside(self) -> Path:
        """What no row of the ledger accounts for, and what a repair took away."""
        return self.root / "aside"

    @property
    def adopted(self) -> Path:
        """Plain files of an older home, once they are kept in segments."""
        return self.root / "plain-adopted"

    def adopted_file(self, digest: str) -> Path:
        """Where the plain file of one original of an older home is, once it is kept in a segment."""
        return self.adopted / digest[:2] / digest[2:4] / digest

    @property
    def lock(self) -> Path:
        """The lock of the single writer of the open segment."""
        return self.root / "lock"

    @property
    def seal_lock(self) -> Path:
        """The lock of whoever writes objects; it is taken before `lock`, never after."""
        return self.root / "seal.lock"

    @property
    def backup_lock(self) -> Path:
        """The lock of whoever makes a backup or takes old ones away; it is taken before all others."""
        return self.root / "backup.lock"

    def object_id(self, n: int) -> str:
        """See `segment_id`."""
        return segment_id(self.office, n)

    def object_path(self, n: int) -> Path:
        """The folder of a segment's object, whether it is there or not."""
        return self.objects.object_path(self.object_id(n))

    def open_tar(self, n: int) -> Path:
        """The tar of a segment that is not sealed."""
        return self.open / f"{n:08d}.tar"

    def open_keys(self, n: int) -> Path:
        """The wrapped key of a segment that is not sealed."""
        return self.open / f"{n:08d}.keys.pgp"

    def next_keys(self, n: int) -> Path:
        """The key wrapped anew, until it takes the place of `open_keys`."""
        return self.open / f"{n:08d}.keys.next.pgp"

    def sealed_tar(self, n: int) -> Path:
        """The tar of a sealed segment. No later version of the object ever changes it."""
        return self.object_path(n) / "v1/content" / TAR

    def sealed_keys(self, n: int, version: int) -> Path:
        """The wrapped key that came with this version of the object."""
        return self.object_path(n) / f"v{version}/content" / keys_name(version)

    def tar(self, n: int, state: str) -> Path:
        """The tar of a segment in this state."""
        return self.sealed_tar(n) if state == "sealed" else self.open_tar(n)
