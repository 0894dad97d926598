"""The workshop, for every test here."""

from tests.migration.workshop import workshop

__all__ = ["workshop"]
