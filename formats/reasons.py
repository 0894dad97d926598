"""Reasons: why something was refused, held back or failed, as data.

Every error and every finding names one reason by its code. The table `tables/reasons.csv` says for each code at which
step it arises, how severe it is, who must act, whether trying again helps, and what happened and what to do in
Chinese, Korean and English. No text ever has a place for a person's data.

The first letter of a code says where it belongs: T the package on the wire, M the message in it, R a business rule,
L a conflict with local data, S the service and its configuration, A what is kept, D a migration of data.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal, cast

Language = Literal["zh", "ko", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "ko", "en")

Severity = Literal["error", "warning"]
Actor = Literal["sender", "receiver", "operator"]
Retry = Literal["no", "later", "corrected"]

# The checks on receipt, in the order in which they are made; one reason code belongs to one step.
RECEIPT_STEPS = (
    "size",
    "decrypt",
    "signature",
    "signer",
    "decompress",
    "parse",
    "schema",
    "addressee",
    "environment",
    "identity",
    "duplicate",
    "approvals",
    "rules",
    "conflict",
)
STEPS = (*RECEIPT_STEPS, "receipt", "conversation", "service", "archive", "migration")


@dataclass(frozen=True, slots=True)
class Reason:
    """One row of the table. `retry`: `no`, `later` (the same bytes again) or `corrected` (after a correction)."""

    code: str
    step: str
    severity: Severity
    actor: Actor
    retry: Retry
    what: Mapping[Language, str]
    todo: Mapping[Language, str]


@cache
def reasons() -> Mapping[str, Reason]:
    """All reasons by code."""
    text = resources.files("formats").joinpath("tables/reasons.csv").read_text(encoding="utf-8")
    return {row["code"]: _reason(row) for row in csv.DictReader(text.splitlines())}


def reason(code: str) -> Reason:
    """The reason with this code. Raises KeyError for a code that is not in the table."""
    return reasons()[code]


def _reason(row: dict[str, str]) -> Reason:
    return Reason(
        code=row["code"],
        step=row["step"],
        severity=cast("Severity", row["severity"]),
        actor=cast("Actor", row["actor"]),
        retry=cast("Retry", row["retry"]),
        what={language: row[language] for language in LANGUAGES},
        todo={language: row[f"todo_{language}"] for language in LANGUAGES},
    )
