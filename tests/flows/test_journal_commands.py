"""`jiexu journal`: proofs are made at the office and checked elsewhere, with no home and no network."""

from pathlib import Path

from flows.wiring import Office
from tests.archive.journals import cut, edited, grown
from tests.command_line import Call, Place


def told(call: Call, place: Place, words: str) -> dict[str, object]:
    """What a command says as JSON; it ends with 0."""
    answer = call("-C", place.home, "journal", *words.split(), "--json")
    assert answer.status == 0, answer.err
    document: dict[str, object] = answer.document
    return document


def test_proofs_are_checked_off_line(place: Place, call: Call, tmp_path: Path) -> None:
    """Export, one entry, two days: each holds with the office's public line (or a file of it), without any home."""
    head = told(call, place, "head")
    key = tmp_path / "key"
    key.write_text(f"{head['verifier']}\n", encoding="utf-8")
    with Office.at(place.home) as office:
        grown(office.ledger, 3)
    for form, words in (
        ("consistency", "prove --from 9999-12-31"),
        ("export", "export"),
        ("inclusion", "prove --entry 2"),
        ("consistency", "prove --from 9998-12-31 --to 9999-12-31"),
    ):
        written = told(call, place, f"{words} -o {tmp_path / 'out'}")
        for trust in (("--key", str(key)), ("--key", str(head["verifier"])), ("--trust",)):
            answer = call("journal", "check", tmp_path / "out", *trust, "--json")
            assert answer.status == 0, answer.err
            assert answer.document["form"] == form
            assert answer.document["head"]["size"] == head["count"] + 3
            assert form == "export" or answer.document == written
        assert call("journal", "check", tmp_path / "out", "--key", key).status == 0
        text = (tmp_path / "out").read_text(encoding="utf-8")
        (tmp_path / "out").write_text(text.replace(f"\\n{head['count'] + 3}\\n", "\\n7\\n"), encoding="utf-8")
        answer = call("journal", "check", tmp_path / "out", "--key", key, "--json")
        assert (answer.status, answer.code) == (4, "A527")


def test_what_others_wrote_does_not_steer_the_terminal(place: Place, call: Call) -> None:
    """Controls in a staff id that somebody typed are shown as U+FFFD, in tables too; other letters stay."""
    command = ("archive", "hold", place.sent, "--why", "x", "--by")
    assert call("-C", place.home, *command, "\x1b[2J\u202e张\u3000\x9b").status == 0
    shown = call("-C", place.home, "journal", "show", "--last", "1").out
    assert "\ufffd[2J\ufffd张\u3000\ufffd" in shown
    assert "\x1b" not in shown


def test_a_head_kept_elsewhere_shows_a_cut_end(place: Place, call: Call, tmp_path: Path) -> None:
    """`head` prints the note as it is; `verify --checkpoint` and `check --checkpoint` hold the journal against it."""
    note = tmp_path / "note"
    note.write_text(call("-C", place.home, "journal", "head").out, encoding="utf-8")
    assert told(call, place, f"verify --checkpoint {note}")["count"] == told(call, place, "head")["count"]
    told(call, place, f"export -o {tmp_path / 'out'}")
    verifier = str(told(call, place, "head")["verifier"])
    good = call("journal", "check", tmp_path / "out", "--key", verifier, "--checkpoint", note)
    assert good.status == 0, good.err
    with Office.at(place.home) as office:
        cut(3)(office.ledger)
    answer = call("-C", place.home, "journal", "verify", "--checkpoint", note, "--json")
    assert (answer.status, answer.code) == (4, "A504")
    assert "entry 3 " in answer.err


def test_a_damaged_journal_proves_nothing(place: Place, call: Call, tmp_path: Path) -> None:
    """Status 4, and no file is left that could be taken for a proof."""
    with Office.at(place.home) as office:
        edited(2, "who", "nobody")(office.ledger)
    for words in ("export", "prove --entry 2"):
        answer = call("-C", place.home, "journal", *words.split(), "-o", tmp_path / "out", "--json")
        assert (answer.status, answer.code) == (4, "A504")
        assert not (tmp_path / "out").exists()


def test_wrong_options_end_with_2(place: Place, call: Call, tmp_path: Path) -> None:
    """S421 for options that do not go together or say no date, S401 for a key that is none, S417 for no file."""
    out = str(tmp_path / "out")
    told(call, place, f"export -o {out}")
    for words, code in (
        (f"prove -o {out}", "S421"),
        (f"prove --entry 2 --from 2026-01-01 -o {out}", "S421"),
        (f"prove --entry 2 --to 2026-01-01 -o {out}", "S421"),
        (f"prove --from yesterday -o {out}", "S421"),
        (f"prove --from 1999-01-01 -o {out}", "S421"),
        (f"prove --entry 999999 -o {out}", "S421"),
        (f"prove --entry 2 -o {tmp_path}/none/out", "S417"),
        (f"verify --checkpoint {tmp_path}/none", "S417"),
        (f"check {out}", "S421"),
        (f"check {out} --trust --key a+b+c", "S421"),
        (f"check {out} --trust --checkpoint {out}", "S421"),
        (f"check {out} --key a+b+c", "S401"),
        (f"check {out} --key {tmp_path}/none", "S417"),
        (f"check {tmp_path}/none --trust", "S417"),
    ):
        answer = call("-C", place.home, "journal", *words.split(), "--json")
        assert (answer.status, answer.code) == (2, code), words


def test_partners_heads_are_listed(place: Place, call: Call) -> None:
    """What came with the receipts, with the note itself in JSON."""
    rows = told(call, place, "witnessed")["witnessed"]
    assert isinstance(rows, list)
    assert told(call, place, "witnessed --partner 11010001")["witnessed"] == []
    assert all(row["note"].startswith(f"jiexu/{row['partner']}/journal\n") for row in rows)
