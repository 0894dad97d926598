"""The objects of the OCFL project that keep or break a rule, each named by the code of its rule."""

import re
from pathlib import Path

from archive.ocfl.validation import validate_object
from tests.parts import shared_data


def _objects(kind: str) -> list[Path]:
    return sorted((shared_data("ocfl") / "1.1" / f"{kind}-objects").iterdir())


def _codes(path: Path, *, contents: bool = True) -> set[str]:
    return {flaw.code for flaw in validate_object(path, contents=contents)}


def _named(path: Path) -> set[str]:
    return set(re.findall(r"[EW]\d{3}", path.name))


def test_good_objects_have_no_flaw() -> None:
    """Not even a warning."""
    found = _objects("good")
    assert len(found) >= 10
    assert {path.name: _codes(path) for path in found if _codes(path)} == {}


def test_warned_objects_are_valid_and_warned_of() -> None:
    """No error, and every warning of the folder's name."""
    found = _objects("warn")
    assert len(found) >= 12
    for path in found:
        codes = _codes(path)
        assert {code[0] for code in codes} == {"W"}, path.name
        assert _named(path) <= codes, path.name


def test_bad_objects_break_the_rule_of_their_name() -> None:
    """One error at least is that of the folder's name."""
    found = _objects("bad")
    assert len(found) >= 50
    assert {path.name: _codes(path) for path in found if not _named(path) & _codes(path)} == {}


def test_all_but_digests_is_judged_without_reading_content() -> None:
    """Without the bytes only the objects whose digests differ look well."""
    blind = {path.name for path in _objects("bad") if not _named(path) & _codes(path, contents=False)}
    assert blind == {
        "E092_algorithm_change_incorrect_digest",
        "E092_content_file_digest_mismatch",
        "E093_fixity_digest_mismatch",
    }
