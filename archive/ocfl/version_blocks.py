"""The block of versions of an inventory (OCFL 1.1, 3.5.3), and the names of version folders (3.3.1)."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import pairwise

from archive.ocfl.blocks import Digests, User, Version
from archive.ocfl.digest_blocks import digests
from archive.ocfl.findings import Findings
from archive.ocfl.paths import conflicts, ends_wrongly, has_bad_element

_NAME = re.compile(r"v([0-9]{1,9})")
_KEYS = {"created", "state", "message", "user"}
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d):(\d\d)(?:\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)", re.ASCII
)


def number(name: str) -> int:
    """The number of a version folder's name; 0 if it is none."""
    match = _NAME.fullmatch(name)
    return int(match[1]) if match else 0


def version_blocks(value: Mapping[str, object], subject: str, findings: Findings) -> dict[str, Version]:
    """The versions in the order of their numbers: E008, E041, E044, E047, E104, and what is said of each."""
    if "versions" not in value:
        findings.add("E041", subject, "there are no versions")
        return {}
    found = value["versions"]
    if not isinstance(found, dict):
        findings.add("E044", subject, "the versions are not a JSON object")
        return {}
    if not found:
        findings.add("E008", subject, "there is no version")
    names = [name for name in found if number(name)]
    if len(names) < len(found):
        findings.add("E104", subject, "the name of a version is not v and a number")
    names.sort(key=number)
    check_names(names, subject, findings)
    return {name: _version(found[name], name, subject, findings) for name in names}


def check_names(names: Iterable[str], subject: str, findings: Findings) -> None:
    """The names in the order of their numbers: E009, E010, E011, E012, E013, W001."""
    numbers = [number(name) for name in names]
    if numbers and numbers[0] != 1:
        findings.add("E009", subject, "the versions do not begin with 1")
    if any(later != one + 1 for one, later in pairwise(numbers)):
        findings.add("E010", subject, "a version is missing in between")
    padded = [name for name in names if name.startswith("v0")]
    if not padded:
        return
    findings.add("W001", subject, "the version numbers have zeros in front")
    if len({len(name) for name in names}) > 1:
        findings.add("E012", subject, "the version numbers are of different lengths")
    if len(padded) < len(numbers):
        findings.add("E011", subject, "a version number has no zero in front, as the others do")
        findings.add("E013", subject, "the versions are not all named in one way")


def _version(block: object, name: str, subject: str, findings: Findings) -> Version:
    if not isinstance(block, dict):
        findings.add("E047", subject, f"{name} is not a JSON object")
        return Version("", {})
    if set(block) - _KEYS:
        findings.add("E102", subject, f"{name} has keys that the standard does not know")
    message = block.get("message")
    if message is not None and not isinstance(message, str):
        findings.add("E094", subject, f"the message of {name} is not a text")
        message = None
    if "message" not in block or "user" not in block:
        findings.add("W007", subject, f"{name} has no message or no user")
    return Version(
        _created(block, name, subject, findings),
        _state(block, name, subject, findings),
        message,
        _user(block["user"], name, subject, findings) if "user" in block else None,
    )


def _created(block: Mapping[str, object], name: str, subject: str, findings: Findings) -> str:
    """E048, E049."""
    if "created" not in block:
        findings.add("E048", subject, f"{name} does not say when it was created")
        return ""
    created = block["created"]
    if not isinstance(created, str) or not is_time(created):
        findings.add("E049", subject, f"when {name} was created is not told after RFC 3339")
        return ""
    return created


def is_time(text: str) -> bool:
    """Whether it is a date and time to seconds with its zone, after RFC 3339 (a leap second counts)."""
    match = _RFC3339.fullmatch(text)
    if not match or int(match[3]) > 60:
        return False
    try:
        datetime.fromisoformat(f"{match[1]}T{match[2]}")
    except ValueError:
        return False
    return True


def _state(block: Mapping[str, object], name: str, subject: str, findings: Findings) -> Digests:
    """E048, E050, E051, E052, E053, E095."""
    if "state" not in block:
        findings.add("E048", subject, f"{name} has no state")
        return {}
    if not isinstance(block["state"], dict):
        findings.add("E050", subject, f"the state of {name} is not a JSON object")
        return {}
    state = digests(block["state"], "E051", subject, findings)
    every = [path for paths in state.values() for path in paths]
    for path in every:
        if ends_wrongly(path):
            findings.add("E053", subject, f"a logical path of {name} begins or ends with a slash")
        if has_bad_element(path):
            findings.add("E052", subject, f"a logical path of {name} has an empty or dotted element")
    for _path in conflicts(every):
        findings.add("E095", subject, f"a logical path of {name} stands twice or is the folder of another")
    return state


def _user(user: object, name: str, subject: str, findings: Findings) -> User | None:
    """E054, E102, W008, W009."""
    if not isinstance(user, dict) or not isinstance(user.get("name"), str) or not user["name"]:
        findings.add("E054", subject, f"the user of {name} has no name")
        return None
    if set(user) - {"name", "address"}:
        findings.add("E102", subject, f"the user of {name} has keys that the standard does not know")
    address = user.get("address")
    if address is None:
        findings.add("W008", subject, f"the user of {name} has no address")
    elif not isinstance(address, str) or not _URI.fullmatch(address):
        findings.add("W009", subject, f"the address of the user of {name} is not a URI")
    return User(user["name"], address if isinstance(address, str) else "")
