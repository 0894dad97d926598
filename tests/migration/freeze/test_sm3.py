"""SM3 digests: the standard's own examples, however Python was built."""

import hashlib

import pytest

from migration.freeze.sm3 import Bundled, new_sm3

# GB/T 32905-2016, annex A.
EXAMPLES = {
    b"abc": "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
    b"abcd" * 16: "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732",
}


@pytest.mark.parametrize("make", [new_sm3, Bundled])
@pytest.mark.parametrize("data", EXAMPLES)
def test_the_examples_of_the_standard(make: type[Bundled], data: bytes) -> None:
    """Both ways of computing give the standard's digests, in pieces too."""
    digest = make()
    digest.update(data[:2])
    digest.update(data[2:])
    assert digest.hexdigest() == EXAMPLES[data]


def test_where_python_has_no_sm3(monkeypatch: pytest.MonkeyPatch) -> None:
    """An OpenSSL without SM3 is no reason to fail: the other way is taken."""

    def refuse(name: str) -> None:
        raise ValueError(f"unsupported hash type {name}")

    monkeypatch.setattr(hashlib, "new", refuse)
    assert isinstance(new_sm3(), Bundled)
