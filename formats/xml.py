"""The XML of the messages: what the rest of the service uses of `encoding.py` and `decoding.py`."""

from formats.decoding import DEFAULT_LIMITS, Limits, decode, validate, validate_written
from formats.encoding import encode

__all__ = ["DEFAULT_LIMITS", "Limits", "decode", "encode", "validate", "validate_written"]
