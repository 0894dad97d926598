"""What the inventories of earlier versions and the newest one say of the same things (OCFL 1.1, 3.5, 3.8)."""

from collections.abc import Mapping

from archive.ocfl.blocks import Inventory, Version
from archive.ocfl.findings import Findings
from archive.ocfl.rules import SPECS
from archive.ocfl.version_blocks import number


def compare(newest: Inventory, earlier: Inventory, name: str, findings: Findings) -> None:
    """The inventory in the folder of version `name` beside the newest: E019, E020, E037, E040, E066, E110, W011."""
    subject = f"{name}/inventory.json"
    if earlier.head and earlier.head != name:
        findings.add("E040", subject, "its head is another version than its folder")
    if earlier.object_id != newest.object_id:
        findings.add("E037", subject, "another id than in the root inventory")
        findings.add("E110", subject, "the id changed between versions")
    if earlier.content_folder != newest.content_folder:
        findings.add("E019", subject, "another contentDirectory than in the root inventory")
        findings.add("E020", subject, "the contentDirectory changed between versions")
    for each, block in earlier.versions.items():
        if each not in newest.versions:
            findings.add("E066", subject, f"{each} is not in the root inventory")
            continue
        later = newest.versions[each]
        if not _same_state(newest, later, earlier, block):
            findings.add("E066", subject, f"the state of {each} is another than in the root inventory")
        if (block.created, block.message, block.user) != (later.created, later.message, later.user):
            findings.add("W011", subject, f"{each} is described otherwise than in the root inventory")


def check_specs(inventories: Mapping[str, Inventory], findings: Findings) -> None:
    """The inventories by version folder: none after an older standard than the one before (E103)."""
    so_far = 0
    for name, inventory in sorted(inventories.items(), key=lambda item: number(item[0])):
        if inventory.spec not in SPECS:
            continue
        if SPECS.index(inventory.spec) < so_far:
            findings.add("E103", f"{name}/inventory.json", "after an older standard than the version before")
        so_far = max(so_far, SPECS.index(inventory.spec))


def _same_state(newest: Inventory, later: Version, earlier: Inventory, block: Version) -> bool:
    """By digests; by content paths where the algorithm changed in between, of which the newest may know more."""
    if newest.algorithm == earlier.algorithm:
        return _lower(later.files) == _lower(block.files)
    if later.files.keys() != block.files.keys():
        return False
    return all(
        set(earlier.manifest.get(digest, ())) <= set(newest.manifest.get(later.files[path], ()))
        for path, digest in block.files.items()
    )


def _lower(files: Mapping[str, str]) -> dict[str, str]:
    return {path: digest.lower() for path, digest in files.items()}
