"""The table of reasons: complete, in three languages, and consistent."""

import csv
import re
from importlib import resources

import pytest

from formats.reasons import LANGUAGES, STEPS, reason, reasons

LETTERS = {
    "T": "package",
    "M": "message",
    "R": "rules",
    "L": "conflict",
    "C": "receipt",
    "S": "service",
    "A": "archive",
    "D": "migration",
}


def rows() -> list[dict[str, str]]:
    """The table as it stands in the file, where a code could stand twice."""
    text = resources.files("formats").joinpath("tables/reasons.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def test_codes_are_unique() -> None:
    """No code stands twice, and each is a letter and three digits."""
    codes = [row["code"] for row in rows()]
    assert len(codes) == len(set(codes)) == len(reasons())
    assert all(re.fullmatch("[TMRLCSAD][0-9]{3}", code) for code in codes)


def test_columns_have_known_values() -> None:
    """Step, severity, actor and retry of every reason are ones that the code knows."""
    for one in reasons().values():
        assert one.step in STEPS
        assert one.severity in {"error", "warning"}
        assert one.actor in {"sender", "receiver", "operator"}
        assert one.retry in {"no", "later", "corrected"}


def test_letter_and_step_belong_together() -> None:
    """The first letter says where a reason belongs; a step has reasons of one letter."""
    letters = {step: {one.code[0] for one in reasons().values() if one.step == step} for step in STEPS}
    assert all(len(found) == 1 and found <= LETTERS.keys() for found in letters.values()), letters


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_has_all_texts(language: str) -> None:
    """What happened and what to do stand in every language, in its own script, without stray blanks."""
    script = {"zh": "[\u4e00-\u9fff]", "ko": "[\uac00-\ud7a3]", "en": "[A-Za-z]"}[language]
    for row in rows():
        for column in (language, f"todo_{language}"):
            assert re.search(script, row[column]), (row["code"], column)
            assert row[column] == row[column].strip(), (row["code"], column)


def test_texts_have_no_place_for_data() -> None:
    """No text has a placeholder: a person's data cannot get into it."""
    assert not any(re.search(r"[{}%]", text) for row in rows() for text in row.values())


def test_no_text_serves_two_reasons() -> None:
    """What happened is said differently for every reason, in every language."""
    for language in LANGUAGES:
        texts = [one.what[language] for one in reasons().values()]
        assert len(texts) == len(set(texts))


def test_unknown_code() -> None:
    """A code that is not in the table is a mistake of the program."""
    with pytest.raises(KeyError):
        reason("X999")
