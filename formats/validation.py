"""A document of unknown quality -> what is wrong with it, in findings that say the place and the kind, never a value.

`check` makes the receiver's checks of content in their order: form, schema, business rules. The verdict on the schema
is libxml2's (`xml.py`); a document that it refuses is read again by xmlschema, which is a hundred times slower, but
knows the place.
"""

import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from xml.etree.ElementTree import ParseError

from xmlschema import XMLSchema10, XMLSchemaChildrenValidationError, XMLSchemaException, XMLSchemaValidationError
from xmlschema.validators import XsdElement

from formats import rules
from formats.errors import RefusedError
from formats.messages import Delivery, Finding, Message
from formats.xml import DEFAULT_LIMITS, Limits, decode
from formats.xsd import MESSAGE_NAMESPACE, RECORD_NAMESPACE, SINGLE, TAGS, folder

# xmlschema reads about 0.6 MB a second, less where all is wrong: larger documents are refused without places.
_EXPLAINED_BYTES = 2**20
_REPEATED = (frozenset(TAGS.values()) | {"form"}) - SINGLE
_STEP = re.compile(r"(?:\{[^}]*\})?([^/{}\[\]]+)(\[[0-9]+\])?(?:/|$)")
# How xmlschema begins to say what is wrong with an attribute; the rest of its text quotes the value.
_BAD_VALUE = re.compile(r"attribute (\w+)=")
_MISSING = re.compile(r"missing required attribute '(\w+)'")
_UNKNOWN = re.compile(r"attribute '[^']*' not allowed")


def check(data: bytes, on: date, limits: Limits = DEFAULT_LIMITS) -> tuple[Message | None, tuple[Finding, ...]]:
    """The message, if the bytes hold one, and every finding. Never raises on bad data.

    1. Form and schema (`xml.decode`): if it fails there is no message, and the findings have codes M150 to M162.
    2. Business rules (`rules.check`), for a delivery: findings of severity error and warning; `on` is the day of the
       check. Other messages have no rules.
    """
    try:
        message = decode(data, limits)
    except RefusedError as refused:
        findings = explain(data) if refused.code == "M160" else ()
        return None, findings or (Finding(refused.code, found=refused.detail),)
    return message, rules.check(message, on) if isinstance(message, Delivery) else ()


def explain(data: bytes, most: int = 20) -> tuple[Finding, ...]:
    """Where and how a document breaks the schema: at most `most` findings M160 in the order of the document.

    For documents that `decode` refused with M160. Empty where xmlschema finds nothing, cannot read the document, or
    would need too long for it.
    """
    if len(data) > _EXPLAINED_BYTES:
        return ()
    findings: dict[Finding, None] = {}
    try:
        for error in _compiled().iter_errors(data.decode("utf-8"), use_location_hints=False):
            findings[_finding(error)] = None
            if len(findings) == most:  # an error's path is searched when it is asked for: not of every one
                break
    except (XMLSchemaException, ParseError, UnicodeDecodeError, RecursionError):
        return ()
    return tuple(findings)


@cache
def _compiled() -> XMLSchema10:
    with folder() as place:
        return XMLSchema10(str(place / "message-1.xsd"), allow="local", defuse="always")


def _finding(error: XMLSchemaValidationError) -> Finding:
    path, reason = _path(error.path or ""), error.reason or ""
    if isinstance(error, XMLSchemaChildrenValidationError):
        return _children(error, path)
    if bad := _BAD_VALUE.match(reason):
        element = path.rpartition("/")[2].partition("[")[0]
        return Finding("M160", f"{path}/@{bad[1]}", _kinds().get((element, bad[1]), ""), _kind_of_text(error.obj))
    if missing := _MISSING.match(reason):
        return Finding("M160", f"{path}/@{missing[1]}", "an attribute", "missing attribute")
    if _UNKNOWN.match(reason):
        return Finding("M160", path, "attributes of the schema", "unknown attribute")
    if reason.startswith("character data"):
        return Finding("M160", path, "elements only", "text")
    return Finding("M160", path, "what the schema says", "something else")


def _children(error: XMLSchemaChildrenValidationError, path: str) -> Finding:
    particles = error.expected if isinstance(error.expected, (list, tuple)) else ()
    expected = " or ".join(particle.local_name for particle in particles if isinstance(particle, XsdElement))
    if error.invalid_tag is None:
        return Finding("M160", path, expected, "missing element")
    tag = error.invalid_tag.rpartition("}")[2]
    found = f"{tag} in a wrong place or namespace" if tag in _elements() else "unknown element"
    return Finding("M160", path, expected or "no more elements", found)


def _path(path: str) -> str:
    """A path of xmlschema without namespaces; rows always have a number, names that are not the schema's are `*`."""
    steps = []
    for name, number in _STEP.findall(path):
        known = name if name in _elements() else "*"
        steps.append(known + (number or ("[1]" if known in _REPEATED else "")))
    return "".join(f"/{step}" for step in steps)


def _kind_of_text(value: object) -> str:
    if not isinstance(value, str):
        return "something else"
    if not value:
        return "empty text"
    return "blanks around the text" if value != value.strip() else "text of another form"


@cache
def _declared() -> tuple[XsdElement, ...]:
    """The declarations of all elements of messages and record."""
    components = _compiled().maps.iter_components(XsdElement)
    return tuple(one for one in components if one.target_namespace in {MESSAGE_NAMESPACE, RECORD_NAMESPACE})


@cache
def _elements() -> frozenset[str]:
    """The names of all elements."""
    return frozenset(str(element.local_name) for element in _declared())


@cache
def _kinds() -> Mapping[tuple[str, str], str]:
    """For every (element, attribute): what its text must be, in the words of its type's annotation."""
    return {
        (str(element.local_name), name): str(attribute.type.annotation.documentation[0].text)
        for element in _declared()
        for name, attribute in element.attributes.items()
        if name is not None
    }
