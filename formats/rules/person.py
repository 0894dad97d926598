"""R001-R007 and R030: who the person is."""

import re
import unicodedata
from collections.abc import Iterator

from formats import identifiers
from formats.rules.figures import Figures, Place

_PERSON = "/delivery/record/registration/person"
_SEXES = ("1", "2")  # GB/T 2261.1: male, female

# Control, format, private-use, surrogate: none stands on an identity document. Unassigned (Cn) is not among them:
# newer Hanzi than this Python's Unicode tables know are in real names.
_FOREIGN_CATEGORIES = frozenset({"Cc", "Cf", "Co", "Cs"})
# What converters put in the place of a character that they could not convert.
_REPLACEMENTS = frozenset("?？\N{REPLACEMENT CHARACTER}")
_ONLY_A_NUMBER = re.compile(r"[A-Za-z]*[0-9][A-Za-z0-9]*")


def social_security_number(figures: Figures) -> Iterator[Place]:
    """R001: the social security number is a valid identity number (GB 11643), or has the foreign form."""
    if not identifiers.is_social_security_number(figures.record.person.social_security_number):
        yield Place(
            f"{_PERSON}/@socialSecurityNumber", "a number with its check digit, or country code and number", "neither"
        )


def birth_date(figures: Figures) -> Iterator[Place]:
    """R002: the date of birth is that of the social security number."""
    person = figures.record.person
    if identifiers.birth_date_of(person.social_security_number) not in ("", person.birth_date):
        yield Place(f"{_PERSON}/@birthDate", "the date in socialSecurityNumber", "another date")


def sex(figures: Figures) -> Iterator[Place]:
    """R003 (warning): the sex is that of the social security number. Real numbers are wrong here: never correct it."""
    person = figures.record.person
    if person.sex in _SEXES and identifiers.sex_of(person.social_security_number) not in ("", person.sex):
        yield Place(f"{_PERSON}/@sex", "the sex in socialSecurityNumber", "the other")


def first_work(figures: Figures) -> Iterator[Place]:
    """R004: the first work is after the birth."""
    person = figures.record.person
    if person.first_work_date and person.first_work_date <= person.birth_date:
        yield Place(f"{_PERSON}/@firstWorkDate", "after birthDate", "not after it")


def first_enrolment(figures: Figures) -> Iterator[Place]:
    """R005: the first enrolment is not before the month of the first work."""
    person = figures.record.person
    if person.first_enrolment_month and person.first_enrolment_month < person.first_work_date[:7]:
        yield Place(f"{_PERSON}/@firstEnrolmentMonth", "not before the month of firstWorkDate", "earlier")


def retirement(figures: Figures) -> Iterator[Place]:
    """R006: the retirement is after the first work."""
    person = figures.record.person
    if person.retirement_date and person.retirement_date <= person.first_work_date:
        yield Place(f"{_PERSON}/@retirementDate", "after firstWorkDate", "not after it")


def death(figures: Figures) -> Iterator[Place]:
    """R007: the month of death is not before the first enrolment."""
    person = figures.record.person
    if person.death_date and person.death_date[:7] < person.first_enrolment_month:
        yield Place(f"{_PERSON}/@deathDate", "not before firstEnrolmentMonth", "earlier")


def names(figures: Figures) -> Iterator[Place]:
    """R030: the names of person and employers hold only what an identity document or a licence can have.

    `·` and rare Hanzi are fine, and so are names in Latin letters; a number in the place of a name is not.
    """
    places = [(f"{_PERSON}/@name", figures.record.person.name)]
    for number, employer in enumerate(figures.record.employers, 1):
        places.append((f"/delivery/record/registration/employers/employer[{number}]/@name", employer.name))
    for path, name in places:
        found = _fault(name)
        if found:
            yield Place(path, "a name as on the document", found)


def _fault(name: str) -> str:
    """The kind of what a name should not be; empty for a good name."""
    if not name.strip():
        return "nothing"
    if _ONLY_A_NUMBER.fullmatch(name):
        return "a number"
    if any(unicodedata.category(character) in _FOREIGN_CATEGORIES for character in name):
        return "a control or private-use character"
    return "a replacement character" if not _REPLACEMENTS.isdisjoint(name) else ""
