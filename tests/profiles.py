"""An office's own mapping profile for tests: other tables and columns, mapped codes, constants, private-use characters."""

from formats.profile import Profile, canonical_text, parse

_CHANGES = (
    ('name = "canonical"', 'name = "agency"'),
    ('table = "ac01"', 'table = "人员基本信息"'),
    ('table = "ac43"', 'table = "jf_mx"'),
    ('table = "ac44"', 'table = "jf_mx"'),  # contributions and subsidies in one table, told apart by a flag
    ('sex = { column = "aac004" }', 'sex = { column = "性别", codes = "sex" }'),
    ('nationality = { column = "aac161" }', 'nationality = { constant = "CHN" }'),
    ('kind = { column = "aae140" }', 'kind = { column = "xzlx", codes = "kinds" }'),
    (
        '[subsidy.fields]\nkind = { column = "xzlx", codes = "kinds" }',
        '[subsidy.always]\nbtbz = "1"\n\n[subsidy.fields]\nkind = { column = "xzlx", codes = "kinds" }',
    ),
    ("[contribution.fields]", '[contribution.always]\nbtbz = "0"\n\n[contribution.fields]'),
)
_MORE = """
[codes.sex]
M = "1"
F = "2"

[codes.kinds]
"01" = "110"
"02" = "210"
"03" = "310"

[privateUse]
"U+E78D" = "U+FE10"
"""


def agency_text() -> str:
    """The TOML text of the profile."""
    text = canonical_text()
    for old, new in _CHANGES:
        assert old in text
        text = text.replace(old, new)
    return text + _MORE


def agency() -> Profile:
    """The profile."""
    return parse(agency_text())
