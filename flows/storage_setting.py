"""Changing a setting of `[storage]` in the text of an `office.toml`, comments and all else left as they are."""

import json
import re

_SECTION = re.compile(r"\s*\[(?P<name>[^\[\]]*)\]\s*(#.*)?")


def settled(text: str, **values: str) -> str:
    """The text with these settings in its section `[storage]`; one that is not there is put behind the heading."""
    lines: list[str] = []
    missing = dict(values)
    section, heading = "", None
    for line in text.split("\n"):
        found = _SECTION.fullmatch(line)
        section = found["name"].strip() if found else section
        if found and section == "storage":
            heading = len(lines) + 1
        key = line.partition("=")[0].strip().strip('"')
        if section == "storage" and "=" in line and key in missing:
            lines.append(_assignment(key, missing.pop(key)))
        else:
            lines.append(line)
    if heading is None:
        lines += ["", "[storage]"]
        heading = len(lines)
    lines[heading:heading] = [_assignment(key, value) for key, value in missing.items()]
    return "\n".join(lines)


def _assignment(key: str, value: str) -> str:
    """TOML's basic strings are JSON's, where nothing but ASCII and plain text is in them."""
    return f"{key} = {json.dumps(value, ensure_ascii=False)}"
