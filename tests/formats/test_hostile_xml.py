"""Hostile documents: each is refused with its own code, quickly, before anything is built of it."""

import gzip
import time
from collections.abc import Callable

import pytest

from formats import xml
from formats.errors import RefusedError
from tests import builders

# A generous bound for a shared machine; what it guards against are seconds and minutes.
QUICK = 1.0


def delivery_text() -> str:
    """A good document to spoil."""
    return xml.encode(builders.a_delivery()).decode()


def doctype(subset: str, use: str = "") -> bytes:
    """A good document with an internal DTD subset, and a use of it as the person's name."""
    body = delivery_text().replace("<delivery", f"<!DOCTYPE delivery [{subset}]>\n<delivery", 1)
    return body.replace('name="周明远"', f'name="{use}"').encode() if use else body.encode()


def billion_laughs() -> bytes:
    """Ten entities, each ten times the one before."""
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">' for n in range(10))
    return doctype(entities, "&l9;")


def deep(start: str, levels: int = 3000) -> bytes:
    """A good document with this many nested elements of a foreign namespace."""
    nested = f"<{start}>" * levels + f"</{start}>" * levels
    return (
        delivery_text()
        .replace("</other>", f'<extension><n:e xmlns:n="urn:n">{nested}</n:e></extension></other>')
        .encode()
    )


def many_attributes(count: int, prefix: str = "") -> bytes:
    """A good document with this many unknown attributes of the person."""
    names = " ".join(f'{prefix}a{n}="1"' for n in range(count))
    return delivery_text().replace("<person ", f'<person xmlns:n="urn:n" {names} ').encode()


def with_declaration(declaration: str) -> bytes:
    """A good document with another declaration."""
    return (declaration + delivery_text().partition("?>")[2]).encode()


HOSTILE: dict[str, tuple[str, Callable[[], bytes]]] = {
    "empty": ("M150", lambda: b""),
    "blank": ("M150", lambda: b" \n"),
    "text": ("M150", lambda: b"hello"),
    "NUL bytes": ("M150", lambda: bytes(1000)),
    "gzip": ("M150", lambda: gzip.compress(delivery_text().encode())),
    "UTF-16": ("M150", lambda: delivery_text().encode("utf-16")),
    "UTF-16 without a mark": ("M150", lambda: delivery_text().encode("utf-16-le")),
    "UTF-32": ("M150", lambda: delivery_text().encode("utf-32")),
    "UTF-8 with a byte order mark": ("M150", lambda: delivery_text().encode("utf-8-sig")),
    "GB18030": ("M150", lambda: delivery_text().encode("gb18030")),
    "GB18030 declared": ("M150", lambda: with_declaration('<?xml version="1.0" encoding="GB18030"?>')),
    "UTF-7 declared": ("M150", lambda: with_declaration('<?xml version="1.0" encoding="UTF-7"?>')),
    "XML 1.1": ("M150", lambda: with_declaration('<?xml version="1.1"?>')),
    "overlong UTF-8": ("M150", lambda: delivery_text().encode().replace(b"330106", b"\xc0\xb30106", 1)),
    "a surrogate": ("M150", lambda: delivery_text().encode().replace("周".encode(), b"\xed\xa0\x80")),
    "a control character": ("M150", lambda: delivery_text().encode().replace("周".encode(), b"\x01")),
    "a reference to a control character": ("M150", lambda: delivery_text().replace("周", "&#1;").encode()),
    "truncated": ("M150", lambda: delivery_text().encode()[:-20]),
    "truncated in a row": ("M150", lambda: delivery_text().encode()[:4000]),
    "truncated in a character": ("M150", lambda: delivery_text().encode()[: delivery_text().index("周") + 1]),
    "two roots": ("M150", lambda: delivery_text().encode() + b"<a/>"),
    "text behind": ("M150", lambda: delivery_text().encode() + b"x"),
    "an attribute twice": ("M150", lambda: delivery_text().replace('sex="1"', 'sex="1" sex="2"').encode()),
    "a raw < in a value": ("M150", lambda: delivery_text().replace('name="周', 'name="<周').encode()),
    "an undeclared prefix": ("M150", lambda: delivery_text().replace("<person ", "<n:person ").encode()),
    "an undeclared prefix of an attribute": (
        "M150",
        lambda: delivery_text().replace(" sequence=", " m:sequence=").encode(),
    ),
    "billion laughs": ("M151", billion_laughs),
    "a small entity": ("M151", lambda: doctype('<!ENTITY e "x">', "&e;")),
    "an external entity": ("M151", lambda: doctype('<!ENTITY e SYSTEM "file:///etc/passwd">', "&e;")),
    "a parameter entity": ("M151", lambda: doctype('<!ENTITY % e SYSTEM "http://127.0.0.1:9/e">%e;')),
    "an attribute default": ("M151", lambda: doctype('<!ATTLIST person name CDATA "x">')),
    "a DOCTYPE": ("M151", lambda: delivery_text().replace("<delivery", "<!DOCTYPE delivery>\n<delivery", 1).encode()),
    "an external DTD": ("M151", lambda: delivery_text().replace("<del", '<!DOCTYPE d SYSTEM "d.dtd"><del', 1).encode()),
    "an undeclared entity": ("M151", lambda: delivery_text().replace("周", "&nbsp;").encode()),
    "a processing instruction": ("M151", lambda: delivery_text().replace("<record", "<?php x?><record").encode()),
    "a style sheet": ("M151", lambda: delivery_text().replace("?>", '?><?xml-stylesheet href="x"?>', 1).encode()),
    "a second declaration": (
        "M151",
        lambda: delivery_text().replace("<record", "<?xml version='1.0'?><record").encode(),
    ),
    "deep nesting": ("M152", lambda: deep("n:e")),
    "deep nesting of the root": ("M152", lambda: b"<a>" * 90_000 + b"</a>" * 90_000),
    "200,001 tags": ("M152", lambda: b"<a>" + b"<b/>" * 200_000 + b"</a>"),
    "100,000 attributes": ("M152", lambda: many_attributes(100_000)),
    "100,000 foreign attributes": ("M152", lambda: many_attributes(100_000, "n:")),
    "3,000 unknown attributes": ("M160", lambda: many_attributes(3000)),
    "a value of 11 MB": ("M152", lambda: delivery_text().replace("周", "周" * 4_000_000).encode()),
    "40,000 bad rows": ("M160", lambda: delivery_text().replace("<other>", "<other>" + "<entry/>" * 40_000).encode()),
    "a next major version": ("M161", lambda: delivery_text().replace('1.0" kinds', '2.0" kinds').encode()),
    "a next major namespace": (
        "M161",
        lambda: delivery_text().replace("urn:jiexu:message:1", "urn:jiexu:message:2").encode(),
    ),
    "a next major record": (
        "M161",
        lambda: delivery_text().replace("urn:jiexu:record:1", "urn:jiexu:record:2").encode(),
    ),
    "another message": ("M162", lambda: b'<greeting xmlns="urn:jiexu:message:1" version="1.0"/>'),
    "a bare record": ("M162", lambda: b'<record xmlns="urn:jiexu:record:1" version="1.0"/>'),
    "another vocabulary": ("M162", lambda: b'<html xmlns="http://www.w3.org/1999/xhtml"/>'),
    "no namespace": ("M162", lambda: b"<delivery/>"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_documents(name: str) -> None:
    """Each hostile document is refused with its own code, quickly, by validate and decode alike."""
    code, make = HOSTILE[name]
    data = make()
    started = time.process_time()
    assert refusal(data).code == code
    assert time.process_time() - started < QUICK
    with pytest.raises(RefusedError) as refused:
        xml.decode(data)
    assert refused.value.code == code


def refusal(data: bytes) -> RefusedError:
    """The error with which validate refuses these bytes."""
    with pytest.raises(RefusedError) as refused:
        xml.validate(data)
    return refused.value
