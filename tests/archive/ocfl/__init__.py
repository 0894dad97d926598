"""The OCFL part of the archive."""
