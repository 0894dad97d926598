"""`jiexu show`: the kept original of a case, or a document, as the form people know."""

from pathlib import Path

import pytest

from archive import cases, journal
from flows import documents
from flows.times import now
from flows.wiring import Office
from formats import xml
from formats.digest import sha256
from formats.forms import forms
from formats.reasons import LANGUAGES, Language
from tests import builders as a
from tests.command_line import Call, Place
from tests.flows.test_pdf import text_of
from transfer.envelope import generate_key


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_case_as_a_form(exchanged: Place, call: Call, tmp_path: Path, language: Language) -> None:
    """The original as it was sent, with its digest on the page, readable for this user only."""
    file = tmp_path / "form.html"
    answer = call("-C", exchanged.home, "show", exchanged.sent, "--lang", language, "-o", file, "--json")
    with Office.at(exchanged.home) as office:
        kept = documents.of_case(office, exchanged.sent)
    page = file.read_text(encoding="utf-8")
    assert answer.document == {
        "file": str(file),
        "bytes": file.stat().st_size,
        "digest": kept.digest,
        "language": language,
    }
    assert forms.text("title.record", language) in page
    assert exchanged.sent in page
    assert kept.digest in page
    assert file.stat().st_mode & 0o777 == 0o600


def test_the_receiver_shows_the_same(exchanged: Place, call: Call, tmp_path: Path) -> None:
    """The receiving office opens the package as it came: the same document, the same form."""
    pages = []
    for home in (exchanged.home, exchanged.home.parent / "shenzhen"):
        file = tmp_path / f"{home.name}.html"
        assert call("-C", home, "show", exchanged.sent, "--lang", "zh", "-o", file).status == 0
        pages.append(file.read_bytes())
    assert pages[0] == pages[1]


def test_what_is_taken_out_is_journalled(place: Place, call: Call, tmp_path: Path) -> None:
    """`show` of a case and `archive get` enter digest, kind and who, at both offices; a document in a file is nobody's."""
    receiver = place.home.parent / "shenzhen"
    for home, kind in ((place.home, "delivery-sent"), (receiver, "package-received")):
        with Office.at(home) as office:
            (kept,) = (row for row in cases.originals(office.ledger, place.sent) if row.kind == kind)
        for command in (["show", place.sent], ["archive", "get", kept.digest]):
            assert call("-C", home, *command, "-o", tmp_path / "out.xml", "--by", "staff-9").status == 0
            with Office.at(home) as office:
                entry = journal.entries(office.ledger)[-1]
            told = (entry.kind, dict(entry.what), entry.who)
            assert told == ("taken-out", {"digest": kept.digest, "kind": kind}, "staff-9")
    with Office.at(place.home) as office:
        before = journal.head(office.ledger)
        document = documents.of_case(office, place.sent).data
        (tmp_path / "delivery.xml").write_bytes(document)
        assert call("-C", place.home, "show", tmp_path / "delivery.xml", "-o", tmp_path / "out.html").status == 0
        assert call("-C", place.home, "archive", "get", "0" * 64, "-o", tmp_path / "none").status == 4
        assert journal.head(office.ledger) == before


def test_an_incoming_case_is_shown_whatever_became_of_the_keys(place: Place, tmp_path: Path) -> None:
    """The receiver has another key since, the sender's was revoked: the record that was taken in can be shown."""
    home = place.home.parent / "shenzhen"
    with Office.at(home) as office:
        before = documents.of_case(office, place.sent)
        fresh = generate_key("44030001 <44030001@jiexu>", office.settings.passphrase(), now())
    (home / "keys/office.asc").rename(home / "keys/office-1.asc")
    (home / "keys/office.asc").write_text(fresh, encoding="ascii")
    partner = home / "partners/33010001.toml"
    text = partner.read_text(encoding="utf-8")
    partner.write_text(text.replace("\nnot_before", "\nrevoked = 2026-12-01T00:00:00Z\nnot_before"), encoding="utf-8")
    with Office.at(home) as office:
        assert documents.of_case(office, place.sent) == before


def test_a_document_in_a_file_as_pdf(call: Call, tmp_path: Path) -> None:
    """A file needs no office; its form on paper has the text of the record."""
    document = tmp_path / "delivery.xml"
    document.write_bytes(xml.encode(a.a_delivery()))
    answer = call("-C", tmp_path, "show", document, "--pdf", "--lang", "zh", "-o", tmp_path / "out.pdf", "--json")
    assert answer.document["digest"] == sha256(document.read_bytes())
    text = text_of((tmp_path / "out.pdf").read_bytes(), tmp_path)
    assert [word for word in ("周明远", "参保登记", "审批流程", a.CASE) if word not in text] == []


def test_what_cannot_be_shown(exchanged: Place, call: Call, tmp_path: Path) -> None:
    """A case without an original is S411, an unknown one S412; a file that is no record has its code; nothing is written."""
    out = tmp_path / "out.html"
    receipt, broken = tmp_path / "receipt.xml", tmp_path / "broken.xml"
    receipt.write_bytes(xml.encode(a.a_receipt()))
    broken.write_bytes(b"<delivery")
    cases = {exchanged.fresh: "S411", "33010001-2020-000001": "S412", str(receipt): "M162", str(broken): "M150"}
    for source, code in cases.items():
        assert call("-C", exchanged.home, "show", source, "-o", out, "--json").code == code
    assert not out.exists()
