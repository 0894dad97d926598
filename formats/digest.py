"""The digest of a document: over its exact bytes, because the bytes are the record."""

import hashlib


def sha256(data: bytes) -> str:
    """SHA-256 (FIPS 180-4) in lower-case hex, 64 characters."""
    return hashlib.sha256(data).hexdigest()
