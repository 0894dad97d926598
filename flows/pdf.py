"""A form as PDF, by WeasyPrint, which needs Debian's pango and a font with Chinese and Korean characters.

It is imported when a PDF is asked for, so that nothing else needs its libraries. Nothing is fetched, from anywhere. A
PDF in which a character is missing is not handed out: a name with a box in it is another name.
"""

import logging
from importlib import import_module
from types import ModuleType

from formats.errors import UsageError

# Its warnings quote characters of the page, which may be a person's name.
logging.getLogger("weasyprint").setLevel(logging.CRITICAL + 1)


def pdf(page: bytes) -> bytes:
    """The PDF of a page of `formats.forms`. UsageError S443: pango, or a font with its characters, is missing."""
    weasyprint = _weasyprint()
    nothing = weasyprint.urls.URLFetcher(allowed_protocols=())
    document = weasyprint.HTML(string=page.decode(), url_fetcher=nothing).render()
    data: bytes = document.write_pdf()
    missing = sum(len(font.missing) for font in document.fonts.values())
    if missing:
        raise UsageError("S443", f"no font on this machine has {missing} of the characters")
    return data


def _weasyprint() -> ModuleType:
    try:
        return import_module("weasyprint")
    except (ImportError, OSError) as error:
        raise UsageError("S443", f"WeasyPrint cannot be loaded: {type(error).__name__}") from None
