"""Verifying: everything that a target holds beside everything that was frozen, and the source beside it once more."""

from migration.verifying.drift import Drift, drift
from migration.verifying.entries import Named, named
from migration.verifying.looking import TableVerdict, Verdict, leaf
from migration.verifying.structure import Lack, structure
from migration.verifying.verify import verify

__all__ = ["Drift", "Lack", "Named", "TableVerdict", "Verdict", "drift", "leaf", "named", "structure", "verify"]
