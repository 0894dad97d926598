"""Forms as PDF: the text in them in both scripts, nothing fetched, missing parts named."""

import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from flows.pdf import pdf
from formats import xml
from formats.errors import UsageError
from formats.forms import forms
from formats.reasons import LANGUAGES, Language
from tests import builders as a
from tests.parts import ROOT, need

TOLD = {
    "zh": ["社会保险个人权益记录", "缴费明细", "企业职工基本养老保险", "周明远", "杭州示例制造有限公司"],
    "ko": ["사회보험개인권익기록", "보험료납부내역", "기업종업원기본양로보험", "周明远", "杭州示例制造有限公司"],
    "en": ["PersonalSocialInsuranceRightsRecord", "Contributions", "周明远"],
}


def text_of(data: bytes, folder: Path) -> str:
    """What pdftotext reads in a PDF, without blanks."""
    file = folder / "form.pdf"
    file.write_bytes(data)
    done = subprocess.run([need("pdftotext"), file, "-"], capture_output=True, check=True, text=True)
    return "".join(done.stdout.split())


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_pdf_holds_the_text(language: Language, tmp_path: Path) -> None:
    """Chinese and Korean words, names and figures can be read out of the PDF again."""
    data = pdf(forms.html(xml.encode(a.a_delivery()), language))
    shown = text_of(data, tmp_path)
    assert [word for word in (*TOLD[language], a.PERSON, "6963.52", "AAC002") if word not in shown] == []


def test_a_character_that_no_font_has_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    """S443 with the number of characters: no PDF shows a box for a part of a name, and no log quotes it."""
    page = forms.html(xml.encode(a.a_delivery(record=a.a_record(person=a.a_person(name="周\ue78d\ue78e")))), "zh")
    with pytest.raises(UsageError, match=r"S443.*2 of the characters"):
        pdf(page)
    printed = capfd.readouterr()
    assert "\ue78d" not in printed.out + printed.err


def test_nothing_is_fetched(tmp_path: Path) -> None:
    """Pictures and styles from the network or the disk are not read for a PDF."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    style = tmp_path / "style.css"
    style.write_text("p::before { content: 'the secret' }", encoding="utf-8")
    address = f"http://127.0.0.1:{server.server_port}"
    page = f"<link rel=stylesheet href='{style.as_uri()}'><link rel=stylesheet href='{address}/a'><img src='{address}/b'><p>x"
    shown = text_of(pdf(page.encode()), tmp_path)
    server.shutdown()
    server.server_close()
    assert (asked, shown) == ([], "x")


def test_missing_libraries_are_s443() -> None:
    """Where WeasyPrint or pango cannot be loaded the error says so; nothing else of the program needs them."""
    program = (
        "import sys; sys.modules['weasyprint'] = None\n"
        "from flows.cli import run; from flows.pdf import pdf\n"
        "from formats.errors import UsageError\n"
        "assert run(['--help']) == 0\n"
        "try: pdf(b'<p>x')\n"
        "except UsageError as error: sys.exit(error.code)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.strip()) == (1, "S443")
