"""The digest of a document."""

from formats.digest import sha256


def test_known_value() -> None:
    """SHA-256 of "abc" is the value of FIPS 180-4's example."""
    assert sha256(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
