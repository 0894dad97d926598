"""Documents of GB/T 40217-2021 as records: tolerant in what is printed wrong, strict in what is said.

Taken as they are met: a declared encoding `GB 18030` with a blank, GBK, GB 2312, UTF-8; any order of elements; decimals
with fewer places or none; a month written with eight digits, if its day is there. Refused before anything is built: a
DOCTYPE, entities, processing instructions, documents beyond the limits. What the record has no place for is counted.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from lxml import etree

from formats.charsets import PRIVATE, charset
from formats.conversions import to_record
from formats.decoding import DEFAULT_LIMITS, Limits
from formats.errors import RefusedError
from formats.interface.assembling import Imported, Row, assemble
from formats.interface.gbt40217 import NAMESPACE, WHOSE, Element, Table, carried, tables
from formats.interface.values import fits, spoilt
from formats.messages import Finding

_DECLARATION = re.compile(rb"\s*<\?xml\s[^>]*?\?>")
_ENCODING = re.compile(rb"encoding\s*=\s*[\"']([A-Za-z0-9 ._-]*)[\"']")
_CHARSETS = {
    "": "utf-8",
    "utf-8": "utf-8",
    "gb18030": "gb18030-2022",
    "gbk": "cp936",
    "gb2312": "cp936",
    "cp936": "cp936",
}
_UNKNOWN = "(another name)"


def read(documents: Iterable[bytes], limits: Limits = DEFAULT_LIMITS) -> Imported:
    """What these documents would be, all of one delivery of files.

    Raises RefusedError, with nothing of the document in it: S461 (another document), D611 (not its encoding), M150,
    M151, M152. What is wrong with a value is a finding.
    """
    rows: list[Row] = []
    findings: list[Finding] = []
    unread: Counter[str] = Counter()
    private_use: Counter[str] = Counter()
    for data in documents:
        root = _root(data, limits)
        by_name = {table.name: table for table in tables() if table.document == etree.QName(root).localname}
        if not by_name or etree.QName(root).namespace not in (NAMESPACE, None):
            raise RefusedError("S461", "the root element is none of the interface's documents")
        places: Counter[str] = Counter()
        for node in root.iterchildren(etree.Element):
            name = etree.QName(node).localname
            table = by_name.get(name)
            if table is None:
                unread[_known(name)] += 1
                continue
            places[name] += 1
            rows.append(_row(node, table, f"{name}[{places[name]}]", findings, unread))
            strange = PRIVATE.findall("".join(map(str, node.itertext())))
            private_use.update(f"U+{ord(character):04X}" for character in strange)
        if len(rows) > limits.rows:
            raise RefusedError("M152", f"more than {limits.rows} rows")
            private_use.update(
                f"U+{ord(character):04X}" for text in node.itertext() for character in PRIVATE.findall(text)
            )
    return assemble(rows, findings, unread, private_use, carried())


def _root(data: bytes, limits: Limits) -> etree._Element:
    """The document's tree. Raises RefusedError D611, M150 to M152, S461."""
    if len(data) > limits.document_bytes:
        raise RefusedError("M152", f"{len(data)} bytes")
    declaration = _DECLARATION.match(data)
    named = _ENCODING.search(declaration[0]) if declaration else None
    encoding = named[1].decode("ascii").lower().replace(" ", "") if named else ""
    if encoding not in _CHARSETS:
        raise RefusedError("S461", "an encoding that the interface does not have")
    try:
        text = charset(_CHARSETS[encoding]).decode(data[declaration.end() if declaration else 0 :])
    except UnicodeDecodeError as error:
        raise RefusedError("D611", f"byte {error.start}") from None
    if "<!DOCTYPE" in text or "<?" in text:
        raise RefusedError("M151")
    if text.count("<") > 2 * limits.rows * _WIDEST:
        raise RefusedError("M152", "too many tags")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, remove_comments=True)
    try:
        return etree.fromstring(text.removeprefix("\ufeff").encode(), parser)
    except etree.XMLSyntaxError as error:
        raise RefusedError("M150", f"line {error.lineno}") from None


# Tags of the widest row, its own included.
_WIDEST = max(len(table.elements) for table in tables()) + 1


def _row(node: etree._Element, table: Table, place: str, findings: list[Finding], unread: Counter[str]) -> Row:
    """One row; what is wrong with it goes into `findings`."""
    elements = {element.name: element for element in table.elements}
    values: dict[str, str] = {}
    before = len(findings)
    for cell in node.iterchildren(etree.Element):
        name = etree.QName(cell).localname
        element = elements.get(name)
        if element is None:
            unread[_known(name)] += 1
            continue
        text = (cell.text or "").strip(" ")
        if len(cell) or element.field in values:
            findings.append(Finding("S461", f"{place}/{name}", "one value", "more"))
        elif text:
            findings += [
                Finding(code, f"{place}/{name}", element.format, found) for code, found in _faults(text, element)
            ]
            values[element.field] = _value(text, element)
    if table.kinds and values.get("kind") not in table.kinds:
        findings.append(Finding("S461", f"{place}/险种类型", " ".join(table.kinds), "another kind"))
    key = values.get(WHOSE, "")
    if table.row == "person":
        values = {name.removeprefix("person."): value for name, value in values.items()}
    else:
        values.pop(WHOSE, None)
    return Row(table.row, key, values, place, good=len(findings) == before)


def _faults(text: str, element: Element) -> Iterator[tuple[str, str]]:
    """The reason code of what is wrong with a value, and its kind."""
    if PRIVATE.search(text):
        yield "S466", "a private-use character"
        return
    if _whole_month(text, element):
        return
    field = element.field.removeprefix("person.")
    early = spoilt(text, field, "text")
    if early:
        yield early, "a number of another kind"
        return
    try:
        value = to_record(element.rule)[text]
    except ValueError:
        yield spoilt(text, field, element.rule.kind) or "S462", "another form"
        return
    if element.rule.kind not in ("money", "rate") and not fits(text, element.format):
        yield "S462", "another width"
    elif not value:
        yield "S462", "nothing"


def _value(text: str, element: Element) -> str:
    """The record's value; the text itself where it was found wrong, since its row is kept out then."""
    if _whole_month(text, element):
        text = text[:6]
    try:
        return str(to_record(element.rule)[text])
    except ValueError:
        return text


def _whole_month(text: str, element: Element) -> bool:
    """Whether this is a month with a day behind it, as published instances have it."""
    return (
        element.rule.kind == "month6"
        and re.fullmatch(r"[12][0-9]{3}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])", text) is not None
    )


def _known(name: str) -> str:
    """A name for the list of what was not read: no more than a name can be."""
    return name if len(name) <= 30 and name.isprintable() else _UNKNOWN
