"""The record as a form: XML in, one self-contained HTML page out, in Chinese, Korean or English.

`record.xsl` holds the shape of the form, `fields.csv` its columns with their codes and names, `texts.csv` its words,
`names_ko.csv` the Korean names of codes, `record.css` the looks. The transformation reads nothing and writes nothing:
libxslt's access to files and the network is switched off, and the page asks for nothing from anywhere.

Sums are made here in fen, as integers: XSLT 1.0 adds in floating point. Contributions of a year that differ in
nothing but their dates are one row with the range of their months, as in part two of the information form (信息表).
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from lxml import etree

from formats import codes
from formats.errors import RefusedError
from formats.groups import GROUPS
from formats.reasons import Language
from formats.xsd import MESSAGE_NAMESPACE, RECORD_NAMESPACE

# What the transformation may reach: no file and no network, to read or to write.
NO_ACCESS: etree.XSLTAccessControl = etree.XSLTAccessControl.DENY_ALL  # type: ignore[attr-defined]  # not in the stubs

_FORM = "urn:jiexu:form:1"
_ROOTS = (f"{{{MESSAGE_NAMESPACE}}}delivery", f"{{{RECORD_NAMESPACE}}}record")
_WORDS = ("stage", "environment")  # lists of words that stand in texts.csv


@dataclass(frozen=True, slots=True)
class View:
    """What a form shows of its document, and what stands above it.

    `groups`: those of `formats.groups.GROUPS` that are in scope; nothing else of the document is rendered but the
    person's attributes that it has. `facts`: pairs of a key of texts.csv and a value. `lookup`: whether it is the
    answer to a lookup, which has another title and says that it is limited (art. 22).
    """

    groups: Sequence[str] = GROUPS
    facts: Sequence[tuple[str, str]] = ()
    lookup: bool = False


EVERYTHING = View()


def html(document: bytes, language: Language, view: View = EVERYTHING) -> bytes:
    """The page (HTML 5, UTF-8) of a delivery's or a record's document.

    RefusedError M150 (not well-formed), M151 (it has a DOCTYPE), M162 (neither a delivery nor a record). The document
    is not held against the schema: `formats.xml.validate` does that.
    """
    form = _element("form", lang=language, title="title.lookup" if view.lookup else "title.record")
    form.set("limited", "yes" if view.lookup else "no")
    form.extend(_vocabulary(language))
    form.extend(_element("group", name=group) for group in GROUPS if group in view.groups)
    form.extend(_element("fact", value, key=key) for key, value in view.facts)
    form.append(_parsed(document))
    return bytes(_transformation()(form))


def text(key: str, language: Language) -> str:
    """A word of the form. KeyError for a key that texts.csv does not have."""
    return _texts()[key][language]


def _parsed(document: bytes) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_pis=True)
    try:
        root = etree.fromstring(document, parser)
    except etree.XMLSyntaxError as error:
        raise RefusedError("M150", f"line {error.lineno}") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise RefusedError("M151", "a DOCTYPE")
    if root.tag not in _ROOTS:
        raise RefusedError("M162")
    return root


def _vocabulary(language: Language) -> Iterator[etree._Element]:
    """Words, columns, names of codes and the looks, as the stylesheet finds them."""
    yield _element("style", _read("record.css"))
    for key, texts in _texts().items():
        yield _element("text", texts[language], key=key)
    for row in _table("fields"):
        given = {name: row[name] for name in ("row", "attribute", "code", "list", "shape")}
        yield _element("column", row[language], **given)
    for (name, code), named in _names(language).items():
        yield _element("name", named, list=name, code=code)


@cache
def _names(language: Language) -> Mapping[tuple[str, str], str]:
    """(list, code) -> name; a code without a Korean name has its Chinese one."""
    names = {
        (name, code): codes.code_list(name).text(code, "en" if language == "en" else "zh")
        for name in codes.LISTS
        for code in codes.code_list(name)
    }
    names |= {
        ("divisions", code): division.en if language == "en" else division.zh
        for code, division in codes.divisions().items()
    }
    if language == "ko":
        names |= {(row["list"], row["code"]): row["ko"] for row in _table("names_ko")}
    for key, texts in _texts().items():
        name, _, code = key.partition(".")
        if name in _WORDS:
            names[name, code] = texts[language]
    return names


@cache
def _texts() -> Mapping[str, Mapping[str, str]]:
    return {row["key"]: row for row in _table("texts")}


@cache
def _table(name: str) -> tuple[dict[str, str], ...]:
    return tuple(csv.DictReader(_read(f"{name}.csv").splitlines()))


def _read(name: str) -> str:
    return resources.files("formats").joinpath(f"forms/{name}").read_text(encoding="utf-8")


def _element(tag: str, content: str = "", **attributes: str) -> etree._Element:
    """An element of the form. Characters that XML cannot carry are shown as U+FFFD."""
    element = etree.Element(f"{{{_FORM}}}{tag}", nsmap={"f": _FORM})
    for name, value in attributes.items():
        element.set(name, value)
    element.text = "".join(
        character if character.isprintable() or character in "\n\t" else "\ufffd" for character in content
    )
    return element


@cache
def _transformation() -> etree.XSLT:
    stylesheet = etree.fromstring(_read("record.xsl").encode())
    return etree.XSLT(
        stylesheet,
        extensions={(_FORM, "total"): _total, (_FORM, "range"): _range, (_FORM, "months"): _months},
        access_control=NO_ACCESS,
    )


def _total(_context: Any, amounts: Sequence[str]) -> str:
    """The exact sum of amounts in yuan with two places."""
    fen = sum(int(amount.replace(".", "")) for amount in amounts)
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def _months(_context: Any, months: Sequence[str]) -> str:
    """How many different months these are."""
    return str(len(set(months)))


def _range(_context: Any, months: Sequence[str]) -> str:
    """Months (`YYYY-MM`) as ranges: `2021-01 – 2021-06, 2021-09`."""
    ranges: list[list[str]] = []
    for month in sorted(set(months)):
        if ranges and _number(month) == _number(ranges[-1][-1]) + 1:
            ranges[-1][1:] = [month]
        else:
            ranges.append([month])
    return ", ".join(" – ".join(ends) for ends in ranges)


def _number(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:])
