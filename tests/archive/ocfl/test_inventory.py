"""inventory.json: what is written is read again, and nothing else is taken for an inventory."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.ocfl.inventory import Inventory, User, Version, digest, parse, render, sidecar, sidecar_digest
from archive.ocfl.paths import conflicts, is_sound
from formats.errors import IntegrityError

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
PART = TEXT.filter(lambda text: text not in {"", ".", ".."} and not set(text) & {"/", "\0"})
PATHS = st.lists(st.lists(PART, min_size=1, max_size=3).map("/".join), min_size=1, max_size=6, unique=True).filter(
    lambda paths: not any(True for _ in conflicts(paths))
)
USER = st.builds(User, TEXT.filter(bool), st.just("urn:jiexu:user:service"))


@st.composite
def inventories(draw: st.DrawFn) -> Inventory:
    """Inventories with one to four versions, each of which adds, keeps and drops files."""
    manifest: dict[str, tuple[str, ...]] = {}
    versions: dict[str, Version] = {}
    for number in range(1, draw(st.integers(1, 4)) + 1):
        state: dict[str, list[str]] = {}
        for path in draw(PATHS):
            new = digest(f"{number} {path}".encode())
            used = draw(st.sampled_from([*manifest, new]))
            if used not in manifest:
                manifest[used] = (f"v{number}/content/{path}",)
            state.setdefault(used, []).append(path)
        blocks = {used: tuple(sorted(paths)) for used, paths in state.items()}
        versions[f"v{number}"] = Version("2026-03-01T09:30:00Z", blocks, draw(st.none() | TEXT), draw(st.none() | USER))
    head = [*versions][-1]
    return Inventory("urn:jiexu:110105:segment:00000001", "1.1", "sha512", head, versions, manifest)


@given(inventories())
def test_what_is_written_is_read(inventory: Inventory) -> None:
    """The same values, and from them the same bytes."""
    data = render(inventory)
    again = parse(data)
    assert again == inventory
    assert render(again) == data
    assert again.state == {
        path: used for used, paths in inventory.versions[inventory.head].state.items() for path in paths
    }


@given(inventories(), st.data())
def test_an_inventory_cut_off_is_none(inventory: Inventory, data: st.DataObject) -> None:
    """Every beginning of an inventory but the last newline is refused with A506."""
    whole = render(inventory)
    with pytest.raises(IntegrityError) as refused:
        parse(whole[: data.draw(st.integers(0, len(whole) - 2))])
    assert refused.value.code == "A506"


@given(st.binary(max_size=200))
def test_a_sidecar_says_the_digest(data: bytes) -> None:
    """What `sidecar` writes, `sidecar_digest` reads."""
    assert sidecar_digest(sidecar(data)) == digest(data)


@pytest.mark.parametrize(
    "text", [b"", b"inventory.json", b"xyz inventory.json\n", b"ab  other.json\n", b"ab inventory.json\n\n"]
)
def test_other_texts_are_no_sidecar(text: bytes) -> None:
    """Only `DIGEST inventory.json` is."""
    assert sidecar_digest(text) is None


def test_an_inventory_of_another_digest_is_not_ours() -> None:
    """A valid inventory with sha256 cannot be relied on here."""
    value = json.loads(render(Inventory("urn:a:b", "1.1", "sha512", "v1", {"v1": Version("2026-03-01T09:30:00Z", {})})))
    assert parse(json.dumps(value).encode()).head == "v1"
    with pytest.raises(IntegrityError):
        parse(json.dumps({**value, "digestAlgorithm": "sha256"}).encode())


@given(
    st.lists(st.lists(st.sampled_from(["a", "b", "a\x01", "a.b"]), min_size=1, max_size=4).map("/".join), max_size=8)
)
def test_conflicts_are_those_a_slow_search_finds(paths: list[str]) -> None:
    """Twice the same, or one the folder of another: as comparing every pair says."""
    slow = {path for path in paths if paths.count(path) > 1}
    slow |= {path for path in paths for other in paths if other.startswith(path + "/")}
    assert set(conflicts(paths)) == slow


@pytest.mark.parametrize("path", ["", "/a", "a/", "a//b", ".", "a/../b", "a/.", "a\0b", "x" * 5000])
def test_paths_that_leave_or_cannot_be_are_unsound(path: str) -> None:
    """Nothing that could lead out of a folder, and nothing no file system takes."""
    assert not is_sound(path)
