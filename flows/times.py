"""The clock, and how times are written: UTC, whole seconds, `2026-11-22T08:00:00Z`."""

from datetime import UTC, datetime


def now() -> datetime:
    """The time, aware, in UTC."""
    return datetime.now(UTC)


def utc_text(at: datetime) -> str:
    """The time as messages carry it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
