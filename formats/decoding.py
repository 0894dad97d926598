"""XML bytes -> message, and what is refused before anything is built.

1. The size, in bytes, then: UTF-8 without a byte order mark, XML 1.0, no DOCTYPE, no entity, no processing
   instruction, no more tags and attributes than a message can have. No tree exists yet.
2. Contributions in the plain form are lifted out (`bulk.py`).
3. libxml2 parses twice: once for the tree, once to validate while parsing, XMLParser(schema=). The second alone would
   do, had it not been found to pass over undeclared prefixes: it took `m:sequence` for `sequence`. Validating the tree
   instead takes as long (1,440 rows that were not lifted: 11 ms either way, and 5 for the first parse; the rest of a
   lifted document: 0.3 and 0.1), but is quadratic where all is wrong (40,000 bad rows: 2.5 s against 0.13 s).
4. Only then the values are read. Details never hold values: libxml2's messages quote them, so they are not passed on.
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain

from lxml import etree

from formats.bulk import lift, without
from formats.errors import RefusedError
from formats.message_values import message_of
from formats.messages import Delivery, Message
from formats.record import Contribution
from formats.xsd import ATTRIBUTES, ROOTS, TAGS, schema


@dataclass(frozen=True, slots=True)
class Limits:
    """What a document may be. `rows` bounds the tags, of which a row needs one (or two, if it is closed by its own)."""

    document_bytes: int = 64 * 2**20
    rows: int = 200_000


DEFAULT_LIMITS = Limits()

# The widest row has 19 attributes; the allowance is for text with equals signs.
_ATTRIBUTES_PER_TAG = 32
_ATTRIBUTES_ALLOWANCE = 4096

_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_DECLARATION = re.compile(
    rb"""<\?xml\s+version\s*=\s*["']1\.0["'](\s+encoding\s*=\s*["'][Uu][Tt][Ff]-8["'])?"""
    rb"""(\s+standalone\s*=\s*["'](yes|no)["'])?\s*\?>"""
)
_HARMLESS = re.compile(rb"<!(?:--|\[CDATA\[)")
_NAME = re.compile(r"\{urn:jiexu:(message|record):([0-9]+)\}(.*)")
_VERSION = re.compile(r"([0-9]+)\.[0-9]+")
_ELEMENTS = {"message": set(ROOTS.values()), "record": {"record"}}
_SYNTAX = {
    int(etree.ErrorTypes.ERR_UNDECLARED_ENTITY): "M151",
    int(etree.ErrorTypes.ERR_RESOURCE_LIMIT): "M152",
}
# libxml2's messages begin with names, then quote values. Names that are not the schema's are the document's own words.
_NAMES = re.compile(r"Element '(?:\{[^}']*\})?([^']*)'(?:, attribute '(?:\{[^}']*\})?([^']*)')?")
_KNOWN_NAMES = frozenset(chain(TAGS.values(), *ATTRIBUTES.values()))


def validate(data: bytes, limits: Limits = DEFAULT_LIMITS) -> None:
    """Whether this is a message by form and schema. RefusedError: see `decode`."""
    _read(data, limits)


def validate_written(data: bytes, message: Message, limits: Limits = DEFAULT_LIMITS) -> None:
    """The same for the document that `encode` has just made of this message, at half the cost."""
    contributions = message.record.contributions if isinstance(message, Delivery) else ()
    rest = without(data, contributions) if len(data) <= limits.document_bytes else None
    if rest is not None:
        with suppress(RefusedError):
            _tree(rest, limits.rows - len(contributions))
            return
    validate(data, limits)


def decode(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Message:
    """The message in a document.

    RefusedError M150 not well-formed XML in UTF-8, M151 DOCTYPE, entity or processing instruction, M152 over a limit,
    M160 against the schema, M161 a major version that is not known, M162 not a message. Business rules are not checked.
    """
    root, contributions = _read(data, limits)
    return message_of(root, contributions)


def _read(data: bytes, limits: Limits) -> tuple[etree._Element, tuple[Contribution, ...]]:
    """The tree of a valid document, and the contributions that were lifted out of it."""
    if len(data) > limits.document_bytes:
        raise RefusedError("M152", f"{len(data)} bytes, allowed are {limits.document_bytes}")
    lifted = lift(data)
    if lifted is not None:
        try:
            return _tree(lifted.rest, limits.rows - len(lifted.contributions)), lifted.contributions
        except RefusedError:
            # Once more with the whole document: the place that the error names must be one in it.
            return _tree(data, limits.rows), ()
    return _tree(data, limits.rows), ()


def _tree(data: bytes, tags: int) -> etree._Element:
    """The tree of a document that follows the schema, by the checks in their order."""
    _admit(data, tags)
    root = _well_formed(data)
    _refuse_unknown(root)
    parser = _parser(schema())
    try:
        etree.fromstring(data, parser)
    except etree.XMLSyntaxError:
        raise RefusedError("M160", _place(parser.error_log)) from None
    return root


def _parser(validator: etree.XMLSchema | None) -> etree.XMLParser:
    return etree.XMLParser(
        schema=validator,
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_blank_text=True,
    )


def _admit(data: bytes, tags: int) -> None:
    """Refuse what can be told without parsing."""
    if data.startswith(_BYTE_ORDER_MARKS):
        raise RefusedError("M150", "it begins with a byte order mark")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RefusedError("M150", f"byte {error.start} is not UTF-8") from None
    body = 0
    if data.startswith(b"<?xml"):
        declaration = _DECLARATION.match(data)
        if declaration is None:
            raise RefusedError("M150", "the declaration is not that of XML 1.0 in UTF-8")
        body = declaration.end()
    if b"<?" in data[body:]:
        raise RefusedError("M151", "a processing instruction")
    if data.count(b"<!") != len(_HARMLESS.findall(data)):
        raise RefusedError("M151", "a DOCTYPE")
    count = data.count(b"<")
    if count > tags:
        raise RefusedError("M152", f"{count} tags, allowed are {tags}")
    if data.count(b"=") > _ATTRIBUTES_PER_TAG * count + _ATTRIBUTES_ALLOWANCE:
        raise RefusedError("M152", "more attributes than a message can have")


def _well_formed(data: bytes) -> etree._Element:
    """The tree of a document that may be against the schema. RefusedError M150, M151, M152."""
    try:
        return etree.fromstring(data, _parser(None))
    except etree.XMLSyntaxError as error:
        code = getattr(error, "code", 0)  # libxml2's, which lxml's stubs do not know
        raise RefusedError(_SYNTAX.get(code, "M150"), f"line {error.lineno}") from None


def _refuse_unknown(root: etree._Element) -> None:
    """Refuse roots and major versions that are not ours, of the message or of the record in it. M161, M162."""
    records = (child for child in root if str(child.tag).endswith("}record"))
    for kind, element in (("message", root), *(("record", record) for record in records)):
        named = _NAME.fullmatch(str(element.tag))
        if named is None or named[1] != kind or named[3] not in _ELEMENTS[kind]:
            raise RefusedError("M162")
        version = _VERSION.fullmatch(element.get("version", ""))
        if named[2] != "1" or (version and version[1] != "1"):
            raise RefusedError("M161", f"of the {kind}")


def _place(log: etree._ListErrorLog) -> str:
    """Where the schema was broken: names of elements and attributes, only such as the schema has."""
    names = _NAMES.match(log[0].message) if len(log) else None
    return "/@".join(name for name in names.groups() if name in _KNOWN_NAMES) if names else ""
