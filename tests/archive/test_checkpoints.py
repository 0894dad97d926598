"""Signed heads: C2SP's forms, and every note that must not be believed."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import example, given, settings
from hypothesis import strategies as st

from archive import checkpoints
from archive.checkpoints import Checkpoint, JournalKey
from formats.errors import IntegrityError, UsageError
from formats.merkle import EMPTY_ROOT, Frontier, leaf_hash

NAME = "jiexu/33010001/journal"
KEY = JournalKey.generate(NAME)
HEAD = Checkpoint(NAME, 1042, "0b" * 32)

# The example of the specification's reference implementation (golang.org/x/mod/sumdb/note).
THEIR_VERIFIER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
THEIR_SECRET = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
THEIR_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
THEIR_NOTE = (
    f"{THEIR_TEXT}\n— PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
# The example of the tlog-checkpoint specification.
THEIR_CHECKPOINT = """\
example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
"""


def test_the_example_of_the_reference_implementation() -> None:
    """Their key's id is the one of the specification, their note opens, and their key makes the same note here."""
    assert checkpoints.name_of(THEIR_VERIFIER) == "PeterNeumann"
    assert checkpoints.open_text(THEIR_NOTE, THEIR_VERIFIER) == THEIR_TEXT
    seed = base64.b64decode(THEIR_SECRET)[1:]
    key = JournalKey("PeterNeumann", Ed25519PrivateKey.from_private_bytes(seed))
    assert key.verifier == THEIR_VERIFIER
    assert checkpoints.sign_text(THEIR_TEXT, key) == THEIR_NOTE


def test_the_example_of_the_checkpoint_specification() -> None:
    """The text is read as it is meant; with extension lines too."""
    head = checkpoints.parse(THEIR_CHECKPOINT)
    assert (head.origin, head.size) == ("example.com/behind-the-sofa", 20852163)
    assert base64.b64encode(bytes.fromhex(head.root)) == b"CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
    text = THEIR_CHECKPOINT.partition("\n\n")[0]
    assert checkpoints.parse(f"{text}\nmore\n") == head


def test_a_head_is_signed_and_opened() -> None:
    """The note has the form of the specification, and holds under its key alone."""
    note = checkpoints.sign(HEAD, KEY)
    root = base64.b64encode(bytes.fromhex(HEAD.root)).decode()
    assert note.startswith(f"{NAME}\n1042\n{root}\n\n— {NAME} ")
    assert checkpoints.open_note(note, KEY.verifier) == HEAD
    other = JournalKey.generate(NAME)
    with pytest.raises(IntegrityError, match="A527"):
        checkpoints.open_note(note, other.verifier)


def test_a_key_signs_for_its_own_journal_only() -> None:
    """Neither does it sign another's head, nor is another's head believed under it."""
    foreign = Checkpoint("jiexu/44030001/journal", 1, "00" * 32)
    with pytest.raises(ValueError, match="44030001"):
        checkpoints.sign(foreign, KEY)
    note = checkpoints.sign_text(f"{foreign.origin}\n1\n{base64.b64encode(bytes(32)).decode()}\n", KEY)
    with pytest.raises(IntegrityError, match=r"A527.*another journal"):
        checkpoints.open_note(note, KEY.verifier)


def test_a_key_survives_its_file() -> None:
    """What is dumped is encrypted, and loads with its passphrase as the same key; with another it is S408."""
    dumped = KEY.dump("正确 horse")
    assert dumped.startswith(b"name: jiexu/33010001/journal\n-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
    assert JournalKey.load(dumped, "正确 horse").verifier == KEY.verifier
    assert "Ed25519" not in repr(KEY)
    for data, passphrase in (
        (dumped, "battery"),
        (dumped, ""),
        (dumped.partition(b"\n")[2], "正确 horse"),
        (b"name: a b\n" + dumped.partition(b"\n")[2], "正确 horse"),
        (dumped[:-60], "正确 horse"),
        (b"", ""),
        (b"name: \xff\n", ""),
    ):
        with pytest.raises(UsageError, match="S408"):
            JournalKey.load(data, passphrase)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\n", "a\u3000b", "a\u00a0"])
def test_a_name_that_the_form_cannot_carry(name: str) -> None:
    """No blanks, no plus, not empty."""
    with pytest.raises(ValueError, match="name"):
        JournalKey.generate(name)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "PeterNeumann",
        "PeterNeumann+c74f20a3",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeuman+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T",
        "PeterNeumann+c74f20a3+AhpC2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+zz+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ],
)
def test_a_line_that_is_no_public_key(line: str) -> None:
    """S401, whatever is wrong with it: the id, the type, the length, the letters."""
    with pytest.raises(UsageError, match="S401"):
        checkpoints.open_text(THEIR_NOTE, line)


def test_other_signatures_are_passed_over() -> None:
    """A note may bear signatures by keys that are not known here; one by a known key must hold."""
    note = checkpoints.sign(HEAD, KEY)
    text = note.partition("\n\n")[0] + "\n"
    twin = JournalKey.generate(NAME)
    stranger = JournalKey.generate("witness.example/one")
    both = f"{text}\n{stranger.sign(text)}{twin.sign(text)}{KEY.sign(text)}"
    assert checkpoints.open_note(both, KEY.verifier) == HEAD
    assert checkpoints.open_text(both, stranger.verifier) == text
    spoiled = f"{text}\n{KEY.sign(text)}{KEY.sign(text + 'x')}"
    for bad in (spoiled, f"{text}\n{stranger.sign(text)}", f"{text}\n{KEY.sign(text) * 17}"):
        with pytest.raises(IntegrityError, match="A527"):
            checkpoints.open_note(bad, KEY.verifier)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("1042", "1043"),
        ("1042", "01042"),
        ("\n1042\n", "\n1042 \n"),
        ("\n\n", "\n"),
        ("\n\n", "\n \n"),
        ("— ", "- "),
        ("— ", ""),
        (f"— {NAME} ", f"— {NAME}  "),
        ("jiexu", "jie\txu"),
        ("jiexu", "jie\ud800xu"),
    ],
)
def test_an_altered_note_is_refused(old: str, new: str) -> None:
    """Whatever is altered in text, form or signature: A527."""
    note = checkpoints.sign(HEAD, KEY)
    for spoiled in (note.replace(old, new, 1), note[:-1], note[:-6] + "\n", note + "\n", "", "\n\n"):
        with pytest.raises(IntegrityError, match="A527"):
            checkpoints.open_note(spoiled, KEY.verifier)


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"{NAME}\n",
        f"{NAME}\n5\n",
        f"\n5\n{base64.b64encode(bytes(32)).decode()}\n",
        f"{NAME}\n-5\n{base64.b64encode(bytes(32)).decode()}\n",
        f"{NAME}\n٥\n{base64.b64encode(bytes(32)).decode()}\n",
        f"{NAME}\n2147483648\n{base64.b64encode(bytes(32)).decode()}\n",
        f"{NAME}\n{'9' * 5000}\n{base64.b64encode(bytes(32)).decode()}\n",
        f"{NAME}\n5\n{base64.b64encode(bytes(31)).decode()}\n",
        f"{NAME}\n5\n周\n",
    ],
)
def test_a_text_that_is_no_head(text: str) -> None:
    """A527, also under a good signature: size and root have one form."""
    with pytest.raises(IntegrityError, match="A527"):
        checkpoints.parse(text)


@settings(max_examples=100, deadline=None)
@example("\n\n\n")
@example("— a b\n\n— c d\n")
@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]) | st.just("\n")).map(lambda text: f"{text}\n"))
def test_any_text_travels_exactly(text: str) -> None:
    """Blank lines and lines that look like signatures are the text's own: what is opened is what was signed."""
    assert checkpoints.open_text(checkpoints.sign_text(text, KEY), KEY.verifier) == text


@pytest.mark.parametrize("text", ["", "no end", "a\tb\n", "\ud800\n"])
def test_a_text_that_no_note_can_carry(text: str) -> None:
    """It must end its line and have no control characters."""
    with pytest.raises(ValueError, match="note"):
        checkpoints.sign_text(text, KEY)


def test_a_head_fits_its_entries() -> None:
    """Against another tree, or too short a one, it names the entries behind the last head that fitted."""
    tree = Frontier().extend(leaf_hash(bytes([number])) for number in range(9))
    head = Checkpoint(NAME, 9, tree.root().hex())
    assert head.fits(tree, 4) == 9
    assert Checkpoint(NAME, 0, EMPTY_ROOT.hex()).fits(Frontier(), 0) == 0
    for other, named in ((tree.append(bytes(32)), "5 to 9"), (Frontier(), "5 to 9 .*only 0")):
        with pytest.raises(IntegrityError, match=f"A510.*entries {named}"):
            head.fits(other, 4)
