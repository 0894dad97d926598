"""A plan as a file. Pure."""

from typing import Final

from formats.digest import sha256
from formats.errors import IntegrityError
from migration import json_values
from migration.plan import Plan

FORMAT: Final = "urn:jiexu:migration:plan:1"


def encode(plan: Plan) -> bytes:
    """The plan as canonical JSON."""
    return json_values.encode(FORMAT, plan)


def decode(data: bytes) -> Plan:
    """The plan in a file. Raises IntegrityError D604 for bytes that `encode` did not write."""
    try:
        return json_values.decode(FORMAT, Plan, data)
    except ValueError as error:
        raise IntegrityError("D604", f"not a plan: {error}") from None


def digest(plan: Plan) -> str:
    """SHA-256 of the file, in hex: the plan's name in everything that is done by it."""
    return sha256(encode(plan))
