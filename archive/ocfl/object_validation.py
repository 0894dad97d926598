"""Judge an object by OCFL 1.1 (https://ocfl.io/1.1/spec/validation-codes.html). Bad data are flaws, never errors.

No path of an inventory is ever opened: only what lies in the object is read, and held against what is said of it.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from archive.ocfl.blocks import Inventory
from archive.ocfl.digest_blocks import LENGTHS
from archive.ocfl.findings import Findings, Flaw
from archive.ocfl.inventory import sidecar_digest
from archive.ocfl.json_text import MOST_BYTES, NotJsonError, load
from archive.ocfl.prior import check_specs, compare
from archive.ocfl.reading import HASHES, Digester, Listing, content_files, file_digests, listing, read_file
from archive.ocfl.rules import SPECS, read
from archive.ocfl.version_blocks import number

_REGISTERED = (
    "0001-digest-algorithms",
    "0002-flat-direct-storage-layout",
    "0003-hash-and-id-n-tuple-storage-layout",
    "0004-hashed-n-tuple-storage-layout",
    "0005-mutable-head",
    "0006-flat-omit-prefix-storage-layout",
    "0007-n-tuple-omit-prefix-storage-layout",
    "0008-schema-registry",
    "0009-digest-algorithms",
    "0010-differential-n-tuple-omit-prefix-storage-layout",
    "0011-direct-clean-path-layout",
    "initial",
)
_DECLARATION = "0=ocfl_object_"


def validate_object(path: Path, *, contents: bool = True, digester: Digester = file_digests) -> tuple[Flaw, ...]:
    """Every flaw of the object in this folder, subjects relative to it; none means valid without a warning.

    With `contents=False` no content file is read: they must be there, and who reads them anyway compares the digests
    of `StorageRoot.contents`. `digester` reads a content file; it raises OSError for one that cannot be read.
    """
    return _Object(path, contents, digester).flaws()


def check_extensions(place: Path, subject: str, findings: Findings, warning: str) -> None:
    """A folder `extensions`: E067 for what is no folder in it, `warning` (W013, W016) for an unregistered name."""
    found = listing(place, subject, findings)
    for file in found.files:
        findings.add("E067", f"{subject}/{file}", "no folder of an extension")
    for folder in found.folders:
        if folder not in _REGISTERED:
            findings.add(warning, f"{subject}/{folder}", "not the name of a registered extension")


class _Object:
    """One object under judgement."""

    def __init__(self, path: Path, contents: bool, digester: Digester) -> None:
        self._path = path
        self._contents = contents
        self._digester = digester
        self._findings = Findings()

    def flaws(self) -> tuple[Flaw, ...]:
        """1 the declaration, 2 the newest inventory, 3 what lies in the folder, 4 the versions, 5 the files."""
        top = listing(self._path, "", self._findings)
        spec = self._declaration(top)
        if "inventory.json" not in top.files:
            self._findings.add("E063", "inventory.json", "there is no inventory")
            return self._findings.flaws
        data, newest = self._inventory("", top)
        if newest is None:
            return self._findings.flaws
        if spec and newest.spec and newest.spec != spec:
            self._findings.add("E038", "inventory.json", "of another version of the standard than the declaration")
        self._top(top, newest)
        inventories = {"": newest}
        found: set[str] = set()
        for name in self._version_folders(top, newest):
            inventories |= self._version(name, data, newest, found)
        for name, earlier in inventories.items():
            if name and name != newest.head:
                compare(newest, earlier, name, self._findings)
        check_specs({name or newest.head: each for name, each in inventories.items()}, self._findings)
        self._files(inventories, found)
        return self._findings.flaws

    def _declaration(self, top: Listing) -> str:
        """E003, E006, E007."""
        declarations = [name for name in top.files if name.startswith("0=")]
        if len(declarations) != 1:
            self._findings.add("E003", "", f"there are {len(declarations)} declarations")
            return ""
        (name,) = declarations
        spec = name.removeprefix(_DECLARATION)
        if not name.startswith(_DECLARATION) or spec not in SPECS:
            self._findings.add("E006", name, "not the declaration of an object of OCFL 1.0 or 1.1")
            return ""
        if self._bytes(name, "E007", len(name)) != f"ocfl_object_{spec}\n".encode():
            self._findings.add("E007", name, "the declaration does not say what its name says")
        return spec

    def _bytes(self, name: str, code: str, most: int = MOST_BYTES) -> bytes | None:
        """The bytes of a small file of the object; a flaw of this code if it cannot be read."""
        try:
            return read_file(self._path / name, most)
        except OSError as error:
            self._findings.add(code, name, f"cannot be read: {error.strerror}")
            return None

    def _inventory(self, folder: str, found: Listing) -> tuple[bytes, Inventory | None]:
        """An inventory with its sidecar: E033, E034, E058, E060, E061, and all the rules for it by itself."""
        name = f"{folder}/inventory.json".lstrip("/")
        data = self._bytes(name, "E034")
        if data is None:
            return b"", None
        try:
            inventory = read(load(data), name, self._findings)
        except NotJsonError as error:
            self._findings.add("E033", name, str(error))
            return data, None
        if inventory.algorithm:
            self._sidecar(f"{name}.{inventory.algorithm}", data, inventory.algorithm, found)
        return data, inventory

    def _sidecar(self, name: str, inventory: bytes, algorithm: str, found: Listing) -> None:
        if name.rpartition("/")[2] not in found.files:
            self._findings.add("E058", name, "there is no digest beside the inventory")
            return
        said = self._bytes(name, "E058", 4096)
        if said is None:
            return
        digest = sidecar_digest(said)
        if digest is None:
            self._findings.add("E061", name, "not of the form: DIGEST inventory.json")
        elif digest != HASHES[algorithm](inventory).hexdigest():
            self._findings.add("E060", name, "not the digest of the inventory")

    def _top(self, top: Listing, newest: Inventory) -> None:
        """E001, E067, W013: nothing in the object's folder that does not belong there."""
        known = {"inventory.json", f"inventory.json.{newest.algorithm or 'sha512'}"}
        for name in top.files:
            if name not in known and not name.startswith("0="):
                self._findings.add("E001", name, "a file that does not belong in an object's folder")
        for name in (*top.folders, *top.others):
            if name not in {"logs", "extensions"} and not number(name):
                self._findings.add("E001", name, "does not belong in an object's folder")
        if "extensions" in top.folders:
            check_extensions(self._path / "extensions", "extensions", self._findings, "W013")

    def _version_folders(self, top: Listing, newest: Inventory) -> Iterator[str]:
        """E010, E046: the versions that are both told and there."""
        for name in newest.versions:
            if name in top.folders:
                yield name
            else:
                self._findings.add("E010", name, "the folder of a version is missing")
        for name in top.folders:
            if number(name) and name not in newest.versions:
                self._findings.add("E046", name, "a folder of a version that the inventory does not know")
                self._findings.add("E001", name, "does not belong in an object's folder")

    def _version(self, name: str, root_data: bytes, newest: Inventory, found: set[str]) -> dict[str, Inventory]:
        """E015, E064, W002, W003, W010; adds the content files that are there to `found`."""
        inside = listing(self._path / name, name, self._findings)
        inventories: dict[str, Inventory] = {}
        data, inventory = self._inventory(name, inside) if "inventory.json" in inside.files else (None, None)
        if data is None:
            self._findings.add("W010", name, "the version has no inventory of its own")
        elif inventory is not None:
            inventories[name] = inventory
        if name == newest.head and data is not None and data != root_data:
            self._findings.add("E064", f"{name}/inventory.json", "not the same as the root inventory")
        algorithm = (inventory or newest).algorithm or "sha512"
        for file in inside.files:
            if file not in {"inventory.json", f"inventory.json.{algorithm}"}:
                self._findings.add("E015", f"{name}/{file}", "a file that does not belong in a version's folder")
        for folder in inside.folders:
            if folder != newest.content_folder:
                self._findings.add("W002", f"{name}/{folder}", "a folder that is not the version's content")
        if newest.content_folder in inside.folders:
            subject = f"{name}/{newest.content_folder}"
            files = set(content_files(self._path / subject, subject, self._findings))
            if not files:
                self._findings.add("W003", subject, "a folder of content without files")
            found |= files
        return inventories

    def _files(self, inventories: Mapping[str, Inventory], found: set[str]) -> None:
        """E023, E092, E093: the content files beside every inventory that must know them."""
        for name, inventory in inventories.items():
            subject = f"{name}/inventory.json".lstrip("/")
            last = number(name) if name else None
            told = inventory.contents
            for file in sorted(found - told.keys()):
                if last is None or number(file.partition("/")[0]) <= last:
                    self._findings.add("E023", file, f"is not in the manifest of {subject}")
            for file in sorted(told.keys() - found):
                self._findings.add("E092", file, f"is in the manifest of {subject}, but not there")
            for block in inventory.fixity.values():
                for file in sorted({path for paths in block.values() for path in paths} - found):
                    self._findings.add("E093", file, f"is in the fixity block of {subject}, but not there")
        if self._contents:
            for file, wanted in sorted(_wanted(inventories, found).items()):
                self._digests(file, wanted)

    def _digests(self, file: str, wanted: Mapping[tuple[str, str], set[str]]) -> None:
        try:
            are = self._digester(self._path / file, {algorithm for algorithm, _code in wanted})
        except OSError as error:
            self._findings.add("E092", file, f"cannot be read: {error.strerror}")
            return
        for (algorithm, code), digests in sorted(wanted.items()):
            if digests != {are[algorithm]}:
                self._findings.add(code, file, f"has not the {algorithm} that the inventory says")


def _wanted(inventories: Mapping[str, Inventory], found: set[str]) -> dict[str, dict[tuple[str, str], set[str]]]:
    """Content path to the digests that any inventory gives it, by algorithm and the code of the rule."""
    wanted: dict[str, dict[tuple[str, str], set[str]]] = {}
    for inventory in inventories.values():
        blocks = [(inventory.algorithm, "E092", inventory.manifest)] if inventory.algorithm in LENGTHS else []
        blocks += [(name, "E093", block) for name, block in inventory.fixity.items() if name in HASHES]
        for algorithm, code, block in blocks:
            for digest, paths in block.items():
                for path in found.intersection(paths):
                    wanted.setdefault(path, {}).setdefault((algorithm, code), set()).add(digest.lower())
    return wanted
