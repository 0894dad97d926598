"""What every test here needs: an office, and places for databases."""

from tests.migration.acceptance.conftest import home, office, places

__all__ = ["home", "office", "places"]
