"""The evidence bundle without OpenPGP: its file, its manifest, and the proofs from an original to the journal's head."""

import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive import checkpoints, gone, journal, registry
from archive.bundle import checking, container, parts, proofs, readme
from archive.bundle.checking import Check
from archive.bundle.parts import Bundle, DocumentNote, KeyNote, Manifest, RegisteredNote
from archive.checkpoints import Checkpoint, JournalKey
from archive.journal import Entry
from archive.ledger import Ledger
from archive.originals import Kept
from archive.tables import originals
from archive.upkeep_tables import gone as gone_table
from formats import merkle
from formats.digest import sha256
from formats.errors import IntegrityError
from tests.parts import need

AT = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
NOW = "2026-11-22T08:00:00Z"
OFFICE, PARTNER = "33010001", "44030001"
CASE = "33010001-2026-000001"
KEY = JournalKey.generate(f"jiexu/{OFFICE}/journal")

names = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9_-]{0,20}(/[a-z0-9]{1,8}(\.[a-z]{1,4})?){0,2}\Z")
some_parts = st.dictionaries(names, st.binary(max_size=1200), max_size=5)


def document(number: int) -> bytes:
    """A document of the case."""
    return f"document {number}".encode()


def noise(ledger: Ledger, count: int) -> None:
    """Other entries of the journal."""
    what = {"cases": 1, "first": CASE, "last": CASE}
    journal.record(ledger, [Entry(NOW, "withdrawn", what, "noise", "noise", "staff-1")] * count)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A ledger in which two batches of originals of several cases were registered, with other entries around."""
    with Ledger.create(f"sqlite:///{tmp_path / 'ledger.db'}") as made:
        for batch in range(2):
            noise(made, 3)
            values = []
            for number in range(7):
                kept = Kept(sha256(document(number)), len(document(number)), "delivery-sent")
                case = CASE if number == 3 else f"{CASE[:-1]}{number + 2}"
                values.append(registry.original_values(kept, "out", PARTNER, case, f"m-{batch}-{number}", NOW))
            with made.writing() as connection:
                registry.register(connection, values, "why", "staff-1", NOW)
        noise(made, 2)
        yield made


def bundle_of(notes: tuple[RegisteredNote, ...], head: str, data: bytes = document(3)) -> Bundle:
    """A bundle with these originals, whose bytes are all `data`."""
    named = tuple(replace(note, part=f"documents/{number}.xml") for number, note in enumerate(notes, start=1))
    found = {parts.README: readme.TEXT, parts.VERIFIER: f"{KEY.verifier}\n".encode(), parts.CHECKPOINT: head.encode()}
    found |= {note.part: data for note in named}
    found = {parts.SUMS: parts.sums(found), **found}
    documents = tuple(DocumentNote("delivery", note.part, "", note.part) for note in named)
    listed = tuple(parts.note(name, data) for name, data in found.items())
    manifest = Manifest(parts.FORMAT, OFFICE, PARTNER, "out", CASE, NOW, (), documents, named, listed)
    return Bundle(manifest, {parts.MANIFEST: parts.render(manifest), parts.SIGNATURE: b"signature", **found})


@pytest.fixture
def good(ledger: Ledger) -> Bundle:
    """A bundle of the case, whose originals are in both batches."""
    head = journal.checkpoint(ledger, KEY, AT)
    return bundle_of(proofs.prove(ledger, "out", PARTNER, CASE, checkpoints.parse(head).size), head)


def head_of(bundle: Bundle) -> Checkpoint:
    """The signed head in a bundle."""
    return checking.open_head(bundle)


def codes(checks: Iterator[Check]) -> set[str]:
    """The codes of the checks that do not hold."""
    return {check.code for check in checks} - {""}


def flaws(bundle: Bundle) -> set[str]:
    """What the checks of parts, originals and proofs find."""
    head = head_of(bundle)
    found = codes(checking.check_parts(bundle, 1)) | codes(checking.check_originals(bundle, 5))
    return found | codes(checking.check_proofs(bundle, head, 6))


def with_original(bundle: Bundle, **changes: object) -> Bundle:
    """The bundle with another line or proof for its first original, the manifest made anew."""
    first, *rest = bundle.manifest.originals
    manifest = replace(bundle.manifest, originals=(replace(first, **changes), *rest))  # type: ignore[arg-type]
    return Bundle(manifest, {**bundle.parts, parts.MANIFEST: parts.render(manifest)})


def opened(data: bytes) -> dict[str, bytes] | str:
    """The parts of a file, or the code with which it is refused."""
    try:
        return container.unpack(data)
    except IntegrityError as error:
        return error.code


@given(some_parts)
def test_parts_come_out_as_they_went_in(some: dict[str, bytes]) -> None:
    """A file gives back its parts in their order, and the same parts give the same bytes."""
    packed = container.pack(some)
    assert list(container.unpack(packed).items()) == list(some.items())
    assert container.pack(dict(some)) == packed


@given(some_parts)
def test_another_program_reads_the_file(some: dict[str, bytes]) -> None:
    """Python's tarfile sees the same names and bytes, regular files of nobody at the time 0."""
    with tarfile.open(fileobj=io.BytesIO(container.pack(some)), mode="r:") as found:
        members = found.getmembers()
        assert {item.name: found.extractfile(item).read() for item in members} == some  # type: ignore[union-attr]
        assert all((item.isreg(), item.mode, item.uid, item.mtime) == (True, 0o400, 0, 0) for item in members)


def test_tar_unpacks_the_file(tmp_path: Path) -> None:
    """GNU tar unpacks it without a word."""
    import subprocess

    (tmp_path / "bundle").write_bytes(container.pack({"README.txt": b"text", "keys/a.asc": b"key"}))
    done = subprocess.run([need("tar"), "xf", "bundle"], cwd=tmp_path, capture_output=True, check=True)
    assert done.stderr == b""
    assert (tmp_path / "keys/a.asc").read_bytes() == b"key"


@settings(max_examples=200)
@given(some_parts, st.data())
def test_a_changed_bit_shows(some: dict[str, bytes], data: st.DataObject) -> None:
    """Whichever bit of a file is flipped: it is refused with A520, or a part is another."""
    packed = bytearray(container.pack(some))
    bit = data.draw(st.integers(0, len(packed) * 8 - 1))
    packed[bit // 8] ^= 1 << bit % 8
    found = opened(bytes(packed))
    assert found == "A520" or (isinstance(found, dict) and found != some)


@given(some_parts, st.integers(0, 5000), st.binary(max_size=600))
def test_a_cut_or_longer_file_is_refused(some: dict[str, bytes], cut: int, more: bytes) -> None:
    """A file that ends too early or too late is A520."""
    packed = container.pack(some)
    for other in (packed[: min(cut, len(packed) - 1)], packed + (more or b"\0")):
        with pytest.raises(IntegrityError, match="A520"):
            container.unpack(other)


@given(st.binary(max_size=2000))
def test_any_bytes_are_refused_with_a_code(data: bytes) -> None:
    """What is no bundle is A520 and nothing else."""
    with pytest.raises(IntegrityError, match="A520"):
        checking.take_apart(data)


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../x", "a/../b", "a//b", ".hidden", "a b", "é", "a/", "x" * 101])
def test_a_name_that_leads_elsewhere_has_no_place(name: str) -> None:
    """No part can be unpacked outside the folder, or over a hidden file."""
    with pytest.raises(ValueError, match="cannot stand"):
        container.pack({name: b""})


def test_a_part_stands_once() -> None:
    """Two members of one name are refused: readers would see one or the other."""
    one, two = container.pack({"a": b"1"})[:1024], container.pack({"a": b"2"})
    with pytest.raises(IntegrityError, match="A520"):
        container.unpack(one + two)


text = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=12)
manifests = st.builds(
    Manifest,
    st.just(parts.FORMAT),
    *[st.from_regex(r"\A[ -~]{0,12}\Z")] * 5,
    st.tuples(st.builds(KeyNote, *[text] * 6)),
    st.tuples(st.builds(DocumentNote, text, st.just("documents/1.xml"), text, text)),
    st.tuples(
        st.builds(
            RegisteredNote,
            *[text] * 3,
            st.integers(),
            *[text] * 5,
            st.integers(),
            st.integers(),
            st.tuples(text, text),
            text,
            st.tuples(text),
        )
    ),
    st.tuples(st.builds(parts.PartNote, text, st.integers(), text)),
)


@given(manifests)
def test_a_manifest_comes_out_as_it_went_in(manifest: Manifest) -> None:
    """Parsing what was rendered gives the same manifest."""
    assert parts.parse(parts.render(manifest)) == manifest


@given(manifests, st.data())
def test_a_manifest_has_one_form(manifest: Manifest, data: st.DataObject) -> None:
    """The same manifest written in another way, with a field more, less or of another type, is A520."""
    plain = json.loads(parts.render(manifest))
    name = data.draw(st.sampled_from(sorted(plain)))
    less = {key: value for key, value in plain.items() if key != name}
    for other in (
        json.dumps(plain, ensure_ascii=False, sort_keys=True),
        *(
            json.dumps(item, separators=(",", ":"), sort_keys=True)
            for item in (less, {**plain, "x": ""}, {**plain, name: 1})
        ),
    ):
        with pytest.raises(IntegrityError, match="A520"):
            parts.parse(f"{other}\n".encode())


def test_a_good_bundle_holds(good: Bundle) -> None:
    """Parts, originals and proofs of a case with originals in two batches hold; the case's alone are in it."""
    assert len(good.manifest.originals) == 2
    assert {note.digest for note in good.manifest.originals} == {sha256(document(3))}
    assert flaws(good) == set()
    assert checking.take_apart(container.pack(good.parts)).manifest == good.manifest


def test_no_line_of_another_is_shown(good: Bundle) -> None:
    """A proof shows hashes only: no other case's number or digest is in the manifest."""
    shown = good.parts[parts.MANIFEST].decode()
    assert CASE in shown
    for number in (0, 1, 2, 4, 5, 6):
        assert f"{CASE[:-1]}{number + 2}" not in shown
        assert sha256(document(number)) not in shown


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"digest": "0" * 64}, "A521"),
        ({"size": 1}, "A521"),
        ({"direction": "in"}, "A521"),
        ({"partner": "11010001"}, "A521"),
        ({"case_number": "33010001-2026-000002"}, "A521"),
        ({"message_id": "another"}, "A526"),
        ({"kept_at": "2020-01-01T00:00:00Z"}, "A526"),
        ({"kind": "receipt-sent"}, "A526"),
        ({"index": 4}, "A526"),
        ({"index": -1}, "A526"),
        ({"rows": 8}, "A526"),
        ({"batch": ()}, "A526"),
        ({"batch": ("zz",)}, "A526"),
        ({"proof": ()}, "A526"),
        ({"entry": "{}"}, "A526"),
        ({"entry": "["}, "A526"),
    ],
)
def test_a_forged_line_or_proof_is_found(good: Bundle, changes: dict[str, object], code: str) -> None:
    """Whatever the maker of a bundle changes of an original's line or proofs, and writes a manifest for, shows."""
    found = codes(checking.check_originals(forged := with_original(good, **changes), 5))
    assert code in found | codes(checking.check_proofs(forged, head_of(forged), 6))


def test_an_entry_that_was_never_written_is_found(good: Bundle) -> None:
    """A forged entry whose root covers a forged line is not under the signed head."""
    first = good.manifest.originals[0]
    line = registry.original_line(
        {name: getattr(first, name) for name in registry.FIELDS} | {"digest": sha256(b"forged"), "size": 6}
    )
    entry = json.loads(first.entry)
    entry["what"] = {"originals": 1, "root": merkle.root_of([line]).hex()}
    text = json.dumps(entry, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    forged = with_original(good, digest=sha256(b"forged"), size=6, index=0, rows=1, batch=(), entry=text)
    assert codes(checking.check_proofs(forged, head_of(forged), 6)) == {"A526"}


def test_an_entry_of_another_kind_registers_nothing(ledger: Ledger, good: Bundle) -> None:
    """A root that stands in an entry of another kind proves nothing, even when that entry is in the journal."""
    first = good.manifest.originals[0]
    line = registry.original_line({name: getattr(first, name) for name in registry.FIELDS})
    what = {"segment": 1, "first": 0, "members": 1, "bytes": 1, "root": merkle.root_of([line]).hex()}
    journal.record(ledger, [Entry(NOW, "kept", what, "why", "how", "staff-1")])
    entry = journal.entries(ledger, last=1)[0]
    from archive import entries

    forged = with_original(good, index=0, rows=1, batch=(), entry=entries.line_of(entry).decode())
    assert codes(checking.check_proofs(forged, head_of(forged), 6)) == {"A526"}


@pytest.mark.parametrize(
    "name", [parts.README, parts.SUMS, parts.VERIFIER, parts.CHECKPOINT, parts.SIGNATURE, "documents/1.xml"]
)
def test_a_part_that_is_gone_is_found(good: Bundle, name: str) -> None:
    """Each part that must be there is missed by its name."""
    left = Bundle(good.manifest, {part: data for part, data in good.parts.items() if part != name})
    checks = list(checking.check_parts(left, 1))
    assert Check(1, name, "A520", "it is missing") in checks


def test_a_part_that_nobody_named_is_found(good: Bundle) -> None:
    """A part more than the manifest names is A520 with its name."""
    more = Bundle(good.manifest, {**good.parts, "keys/more.asc": b"key"})
    assert Check(1, "keys/more.asc", "A520", "the manifest does not name it") in list(checking.check_parts(more, 1))


def test_swapped_parts_are_found(good: Bundle) -> None:
    """Two parts with each other's bytes are both named."""
    swapped = {**good.parts, parts.README: good.parts[parts.SUMS], parts.SUMS: good.parts[parts.README]}
    found = {check.part for check in checking.check_parts(Bundle(good.manifest, swapped), 1) if check.code == "A520"}
    assert found == {parts.README, parts.SUMS}


def test_the_head_is_that_offices(good: Bundle) -> None:
    """A head signed by another key, of another office's journal, or changed, is A527."""
    other = JournalKey.generate(KEY.name)
    strange = JournalKey.generate("jiexu/44030001/journal")
    head = head_of(good)
    theirs = checkpoints.sign(Checkpoint(strange.name, head.size, head.root), strange)
    for changed in (
        {parts.VERIFIER: f"{other.verifier}\n".encode()},
        {parts.CHECKPOINT: checkpoints.sign(head, other).encode()},
        {parts.VERIFIER: f"{strange.verifier}\n".encode(), parts.CHECKPOINT: theirs.encode()},
        {parts.CHECKPOINT: good.parts[parts.CHECKPOINT].replace(f"\n{head.size}\n".encode(), b"\n3\n")},
        {parts.CHECKPOINT: b"\xff"},
        {parts.VERIFIER: b""},
    ):
        with pytest.raises(IntegrityError, match="A527"):
            checking.open_head(Bundle(good.manifest, {**good.parts, **changed}))


def test_without_a_head_nothing_is_proved(good: Bundle) -> None:
    """When the head's signature does not hold, every proof fails with it."""
    assert [check.code for check in checking.check_proofs(good, None, 6)] == ["A526", "A526"]


def test_what_a_destruction_left_still_proves_the_rest(ledger: Ledger) -> None:
    """Rows of a batch that went lawfully leave their leaves; the batch's root still proves those that stayed."""
    with ledger.writing() as connection:
        rows = connection.execute(originals.select().order_by(originals.c.id)).all()
        for place in (0, 2, 6):
            row = rows[place]
            leaf = merkle.leaf_hash(registry.original_line({name: getattr(row, name) for name in registry.FIELDS}))
            values = {"entry": row.entry, "place": place, "leaf": leaf.hex(), "order_digest": "0" * 64}
            connection.execute(gone_table.insert().values(values))
            connection.execute(originals.delete().where(originals.c.id == row.id))
    head = journal.checkpoint(ledger, KEY, AT)
    notes = proofs.prove(ledger, "out", PARTNER, CASE, checkpoints.parse(head).size)
    assert [note.index for note in notes] == [3, 3]
    assert flaws(bundle_of(notes, head)) == set()


def test_what_came_after_the_head_is_left_out(ledger: Ledger) -> None:
    """Only what the signed head covers is in the bundle."""
    assert len(proofs.prove(ledger, "out", PARTNER, CASE, 4)) == 1
    assert proofs.prove(ledger, "out", PARTNER, CASE, 3) == ()


@given(st.lists(st.booleans(), max_size=30))
def test_leaves_stand_where_they_stood(stayed: list[bool]) -> None:
    """Rows that stay and leaves of those that went come out in the order of all; places say where the stayers are."""
    everything = [merkle.leaf_hash(bytes([place])) for place in range(len(stayed))]
    present = [leaf for leaf, stays in zip(everything, stayed, strict=True) if stays]
    left = {place: everything[place] for place, stays in enumerate(stayed) if not stays}
    assert gone.leaves(present, left) == everything
    assert gone.places(len(present), left) == [place for place, stays in enumerate(stayed) if stays]
