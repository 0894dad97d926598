"""What `office.toml` and the environment may say, and that the explained template says the same as the code."""

import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from flows import founding, settings
from flows.settings import (
    ArchiveSettings,
    CalendarSettings,
    ContactSettings,
    EgressSettings,
    LimitSettings,
    LookupSettings,
    MailboxSettings,
    PayeeSettings,
    ScheduleSettings,
    Settings,
    WorkSettings,
)
from formats.errors import UsageError

HOME = Path("/home/of/33010001")
LEAST: dict[str, Any] = {"office": {"code": "33010001", "name": "Hangzhou"}}
TABLES = {
    "mailbox": MailboxSettings,
    "limits": LimitSettings,
    "work": WorkSettings,
    "schedule": ScheduleSettings,
    "archive": ArchiveSettings,
    "lookup": LookupSettings,
    "egress": EgressSettings,
    "calendar": CalendarSettings,
    "contact": ContactSettings,
    "payee": PayeeSettings,
}

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no code": ({"office": {"name": "Hangzhou"}}, "office.code"),
    "short code": ({"office": {"code": "3301", "name": "Hangzhou"}}, "office.code"),
    "code as number": ({"office": {"code": 33010001, "name": "Hangzhou"}}, "office.code"),
    "no name": ({"office": {"code": "33010001"}}, "office.name"),
    "name of two lines": ({"office": {**LEAST["office"], "name": "Hang\nzhou"}}, "office.name"),
    "environment": ({"office": {**LEAST["office"], "environment": "staging"}}, "office.environment"),
    "environment as list": ({"office": {**LEAST["office"], "environment": ["test"]}}, "office.environment"),
    "language": ({"office": {**LEAST["office"], "language": "fr"}}, "office.language"),
    "no stages": ({"office": {**LEAST["office"], "stages": []}}, "office.stages"),
    "unknown stage": ({"office": {**LEAST["office"], "stages": ["handler", "boss"]}}, "office.stages"),
    "stage twice": ({"office": {**LEAST["office"], "stages": ["handler", "handler"]}}, "office.stages"),
    "stages as text": ({"office": {**LEAST["office"], "stages": "handler"}}, "office.stages"),
    "stages as number": ({"office": {**LEAST["office"], "stages": 4}}, "office.stages"),
    "unknown in office": ({"office": {**LEAST["office"], "coed": "33010001"}}, "office.coed"),
    "unknown section": ({**LEAST, "mailbocks": {}}, "mailbocks"),
    "section as text": ({**LEAST, "limits": "none"}, "limits"),
    "ledger as number": ({**LEAST, "storage": {"ledger": 5}}, "storage.ledger"),
    "records as list": ({**LEAST, "storage": {"records": ["a"]}}, "storage.records"),
    "folder as number": ({**LEAST, "storage": {"folder": 5}}, "storage.folder"),
    "profile as number": ({**LEAST, "storage": {"profile": 5}}, "storage.profile"),
    "unknown in storage": ({**LEAST, "storage": {"leger": ""}}, "storage.leger"),
    "passphrase file as number": ({**LEAST, "keys": {"passphrase_file": 1}}, "keys.passphrase_file"),
    "no overlap": ({**LEAST, "keys": {"overlap_days": 0}}, "keys.overlap_days"),
    "overlap as text": ({**LEAST, "keys": {"overlap_days": "30"}}, "keys.overlap_days"),
    "never warned": ({**LEAST, "keys": {"warn_days": []}}, "keys.warn_days"),
    "warned after the end": ({**LEAST, "keys": {"warn_days": [30, -1]}}, "keys.warn_days"),
    "warned one day": ({**LEAST, "keys": {"warn_days": 30}}, "keys.warn_days"),
    "passphrase itself": ({**LEAST, "keys": {"passphrase": "secret"}}, "keys.passphrase"),
    "url as number": ({**LEAST, "mailbox": {"url": 22}}, "mailbox.url"),
    "timeout of nothing": ({**LEAST, "mailbox": {"timeout": 0}}, "mailbox.timeout"),
    "timeout without end": ({**LEAST, "mailbox": {"timeout": float("inf")}}, "mailbox.timeout"),
    "timeout that is no number": ({**LEAST, "mailbox": {"timeout": float("nan")}}, "mailbox.timeout"),
    "unknown in mailbox": ({**LEAST, "mailbox": {"password": "x"}}, "mailbox.password"),
    "no rows": ({**LEAST, "limits": {"rows": 0}}, "limits.rows"),
    "rows as text": ({**LEAST, "limits": {"rows": "many"}}, "limits.rows"),
    "rows as yes": ({**LEAST, "limits": {"rows": True}}, "limits.rows"),
    "rows as fraction": ({**LEAST, "limits": {"rows": 1.5}}, "limits.rows"),
    "engine": ({**LEAST, "work": {"engine": "steam"}}, "work.engine"),
    "negative workers": ({**LEAST, "work": {"workers": -1}}, "work.workers"),
    "no batch": ({**LEAST, "work": {"batch": 0}}, "work.batch"),
    "unknown in work": ({**LEAST, "work": {"batches": 2}}, "work.batches"),
    "no interval": ({**LEAST, "schedule": {"send": 0}}, "schedule.send"),
    "unknown in schedule": ({**LEAST, "schedule": {"sned": 5}}, "schedule.sned"),
    "no upkeep": ({**LEAST, "schedule": {"upkeep": 0}}, "schedule.upkeep"),
    "no segment": ({**LEAST, "archive": {"segment_bytes": 0}}, "archive.segment_bytes"),
    "half an hour": ({**LEAST, "archive": {"segment_hours": 0.5}}, "archive.segment_hours"),
    "never audited": ({**LEAST, "archive": {"audit_days": -1}}, "archive.audit_days"),
    "backup as yes": ({**LEAST, "archive": {"backup": True}}, "archive.backup"),
    "unknown in archive": ({**LEAST, "archive": {"backups": ""}}, "archive.backups"),
    "no lookups": ({**LEAST, "lookup": {"per_day": 0}}, "lookup.per_day"),
    "nothing may leave": ({**LEAST, "egress": {"cases_per_day": 0}}, "egress.cases_per_day"),
    "unknown in lookup": ({**LEAST, "lookup": {"per_hour": 5}}, "lookup.per_hour"),
    "days as number": ({**LEAST, "calendar": {"days": 15}}, "calendar.days"),
    "unknown in calendar": ({**LEAST, "calendar": {"holidays": "x.csv"}}, "calendar.holidays"),
}


def parsed(data: Mapping[str, Any], **environ: str) -> Settings:
    """The settings of HOME in this file and environment."""
    return settings.parse(HOME, data, environ)


def template() -> dict[str, Any]:
    """The template as it is written for an office that says nothing but its code and name."""
    unsaid = {"environment": "production", "mailbox": "folder:mailbox", "host_key": "", "ledger": "", "records": ""}
    return tomllib.loads(founding.TEMPLATE.format(code="33010001", name="Hangzhou", **unsaid))


@pytest.mark.parametrize(("data", "named"), WRONG.values(), ids=WRONG)
def test_a_wrong_setting_is_named(data: dict[str, Any], named: str) -> None:
    """Every wrong setting is S401 and named; its value, which may be a secret, is not repeated."""
    with pytest.raises(UsageError) as caught:
        parsed(data)
    assert caught.value.code == "S401"
    assert named in caught.value.detail
    assert "secret" not in caught.value.detail


@pytest.mark.parametrize(
    ("content", "code"), [(None, "S402"), (b"[office\ncode", "S401"), (b'[office]\nname = "\xff"', "S401")]
)
def test_a_file_that_cannot_be_read_is_a_coded_error(tmp_path: Path, content: bytes | None, code: str) -> None:
    """No office.toml is S402; one that is not TOML or not UTF-8 is S401."""
    if content is not None:
        (tmp_path / "office.toml").write_bytes(content)
    with pytest.raises(UsageError) as caught:
        settings.load(tmp_path)
    assert caught.value.code == code


def test_the_template_shows_every_setting_that_there_is() -> None:
    """Sections and names of the template are exactly those that the settings know."""
    known = {**{name: set(names) for name, names in settings.NAMES.items()}}
    known |= {name: {item.name for item in fields(kind)} for name, kind in TABLES.items()}
    assert {name: set(section) for name, section in template().items()} == known


def test_the_template_shows_the_defaults() -> None:
    """An office whose file says nothing more has what the template shows."""
    assert parsed(template()) == parsed(LEAST)


def test_the_template_explains_every_setting() -> None:
    """Behind every setting of the template, or in its section's line, stands what it is."""
    section = ""
    for line in founding.TEMPLATE.splitlines():
        section = line if line.startswith("[") else section
        explains_itself = line.startswith(("#", "[", "name =")) or not line
        assert explains_itself or "#" in line or "#" in section, line


def test_the_environment_goes_before_the_file() -> None:
    """JIEXU_LEDGER_URL and JIEXU_RECORDS_URL win over the file, the file over the home's own databases."""
    assert parsed(LEAST).ledger_url == f"sqlite:///{HOME}/ledger.db"
    assert parsed(LEAST).records_url == f"sqlite:///{HOME}/records.db"
    named = {**LEAST, "storage": {"ledger": "postgresql+psycopg:///a", "records": "postgresql+psycopg:///b"}}
    assert parsed(named).ledger_url == "postgresql+psycopg:///a"
    assert parsed(named).records_url == "postgresql+psycopg:///b"
    given = parsed(named, JIEXU_LEDGER_URL="postgresql+psycopg:///c", JIEXU_RECORDS_URL="postgresql+psycopg:///d")
    assert (given.ledger_url, given.records_url) == ("postgresql+psycopg:///c", "postgresql+psycopg:///d")


def test_the_home_is_chosen_by_option_then_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """-C goes before JIEXU_HOME, and that before the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JIEXU_HOME", raising=False)
    assert settings.home_of(None) == tmp_path
    monkeypatch.setenv("JIEXU_HOME", "/srv/one")
    assert settings.home_of(None) == Path("/srv/one")
    assert settings.home_of("/srv/two") == Path("/srv/two")


def test_what_is_stored_lies_in_the_home_or_where_the_machines_share_it() -> None:
    """`storage.folder` moves archive, inbox and quarantine together, relative to the home or not."""
    assert parsed(LEAST).stored("inbox") == HOME / "inbox"
    assert parsed({**LEAST, "storage": {"folder": "shared"}}).stored("inbox") == HOME / "shared/inbox"
    assert parsed({**LEAST, "storage": {"folder": "/srv/shared"}}).stored("archive") == Path("/srv/shared/archive")


def test_the_engine_is_the_one_asked_for_then_the_server_then_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """--engine goes before PREFECT_API_URL, and that before the setting."""
    office = parsed({**LEAST, "work": {"engine": "embedded"}})
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    assert office.engine() == "embedded"
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:4200/api")
    assert office.engine() == "server"
    assert office.engine("direct") == "direct"


def test_the_passphrase_is_the_environments_or_the_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """JIEXU_PASSPHRASE goes before the file; an empty one counts as none; S408 when there is neither."""
    office = settings.parse(tmp_path, LEAST, {})
    (tmp_path / "keys").mkdir()
    file = tmp_path / "keys/passphrase"
    file.write_text("from the file 电池\n", encoding="utf-8")
    monkeypatch.setenv("JIEXU_PASSPHRASE", "from the environment")
    assert office.passphrase() == "from the environment"
    for nothing in ("", None):
        if nothing is None:
            monkeypatch.delenv("JIEXU_PASSPHRASE")
        else:
            monkeypatch.setenv("JIEXU_PASSPHRASE", nothing)
        assert office.passphrase() == "from the file 电池"
    for trouble in (lambda: file.write_bytes(b"\xff\xfe"), file.unlink):
        trouble()
        with pytest.raises(UsageError) as caught:
            office.passphrase()
        assert caught.value.code == "S408"
