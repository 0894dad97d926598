"""An office's own mapping profile for tests: other tables and columns, mapped codes, constants, private-use characters."""

import re
from pathlib import Path
from typing import Any

from formats.profile import Profile, RowProfile, canonical_text, parse
from formats.record import Record

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


def carried(record: Record, profile: Profile) -> Record:
    """What of a record an office with this profile can hold: its row types, its insurance kinds, its constants."""
    parts: dict[str, Any] = {
        name: tuple(
            sorted(_carried(row, one) for one in getattr(record, name) if _mapped(row, one)) if row.table else ()
        )
        for name, row in profile.parts.items()
    }
    named = {row.employer_id for part in ("enrolments", "contributions") for row in parts[part]}
    employers = [_carried(profile.employer, one) for one in record.employers if one.employer_id in named]
    return Record(_carried(profile.person, record.person), tuple(sorted(employers)), **parts)


def _mapped(row: RowProfile[Any], one: Any) -> bool:
    codes = row.field("kind").rule.codes if row.table and row.name != "entry" else ()
    return not codes or one.kind in {national for _, national in codes}


def _carried(row: RowProfile[Any], one: Any) -> Any:
    places = {field.name: number for number, field in enumerate(row.fields)}
    return row.make(
        *(
            one[number] if field.column else one[places[field.same]] if field.same else field.constant
            for number, field in enumerate(row.fields)
        )
    )


def statements(name: str, dialect: str) -> list[str]:
    """The DDL of a sample records database for a shipped profile, in the types of `sqlite` or `postgresql`.

    SQLite has no exact decimals and no dates: there both are text.
    """
    text = (Path(__file__).parent / "data" / "profiles" / f"{name}.sql").read_text(encoding="utf-8")
    if dialect == "sqlite":
        text = re.sub(r"\b(NUMERIC\([0-9,]+\)|DATE|TIMESTAMP|VARCHAR\([0-9]+\)|CHAR\([0-9]+\))(?=[,\s)])", "TEXT", text)
    return [part.strip() for part in text.split(";") if part.strip()]
