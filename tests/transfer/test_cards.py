"""A card that is endorsed by the key before: what it proves, to whom, and that gpg sees the same."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from formats.errors import RefusedError, UsageError
from tests.transfer.gnupg import gnupg
from tests.transfer.keyring import NOW, RECEIVER, SENDER, foreign_public, office
from transfer.cards import Card, endorse, endorser, parse_card, plain, render_card, statement
from transfer.keys import public_part


def card() -> Card:
    """The card of an office."""
    key = office(SENDER)
    return Card(SENDER, "杭州 'B' C:\\", "sftp://x/in", "", public_part(key), key.fingerprint)


TEXT = render_card(card())
ENDORSED = endorse(TEXT, office(RECEIVER), NOW)


def test_an_endorsed_card_says_who_endorsed_it() -> None:
    """The card reads as without it; the signature is that of the endorsing key, and of no other."""
    assert replace(parse_card(ENDORSED), public_key="") == replace(parse_card(TEXT), public_key="")
    signed = endorser(ENDORSED, office(RECEIVER).public)
    assert signed is not None
    assert (signed.fingerprint, signed.created) == (office(RECEIVER).fingerprint, NOW)
    with pytest.raises(RefusedError, match="T130"):
        endorser(ENDORSED, office(SENDER).public)
    assert endorser(TEXT, office(RECEIVER).public) is None
    assert statement(TEXT) == statement(ENDORSED) == TEXT.encode()


def test_mail_may_change_the_line_ends() -> None:
    """A card that came with CRLF is endorsed all the same."""
    assert endorser(ENDORSED.replace("\n", "\r\n"), office(RECEIVER).public) is not None


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(TEXT.encode()) - 1), st.integers(0, 7))
@example(len(TEXT.encode()) - 2, 0)
def test_no_bit_of_an_endorsed_card_can_be_changed(place: int, bit: int) -> None:
    """Whatever is changed before the endorsement, it is no card, or one that nobody endorsed."""
    data = bytearray(ENDORSED.encode())
    data[place] ^= 1 << bit
    assert verdict(bytes(data)) in {"none", "S401", "T122", "not UTF-8"}


def verdict(text: bytes) -> str:
    """What comes of the endorsement of a card that came as these bytes."""
    try:
        return "none" if endorser(text.decode(), office(RECEIVER).public) is None else "endorsed"
    except (RefusedError, UsageError) as error:
        return error.code
    except UnicodeDecodeError:
        return "not UTF-8"


def test_an_endorsement_that_is_none() -> None:
    """Other text, other characters and another's signature in its place are refused by code."""
    for wrong, code in (('"x"', "T121"), ('"签"', "T121"), ("5", "S401")):
        with pytest.raises((RefusedError, UsageError), match=code):
            endorser(f"{TEXT}endorsement = {wrong}\n", office(RECEIVER).public)
    with pytest.raises(RefusedError, match="T122"):
        endorser(ENDORSED.replace("sftp://x/in", "sftp://y/in"), office(RECEIVER).public)
    with pytest.raises(RefusedError, match="T122"):
        endorser(f'{ENDORSED}journal = "somebody else"\n', office(RECEIVER).public)
    early = endorse(TEXT, replace(office(RECEIVER)), NOW + timedelta(days=1))
    signed = endorser(early, office(RECEIVER).public)
    assert signed is not None
    assert signed.created == NOW + timedelta(days=1)


def test_gpg_sees_the_endorsement() -> None:
    """What stands before the line is the file, what stands in it the detached signature: gpg says it is good."""
    with gnupg(NOW + timedelta(days=1)) as gpg:
        gpg.run("--import", data=public_part(office(RECEIVER)).encode())
        armored = ENDORSED.split("'''")[-2].strip().encode() + b"\n"
        (gpg.home / "card").write_bytes(statement(ENDORSED))
        (gpg.home / "card.sig").write_bytes(armored)
        said = gpg.run("--verify", str(gpg.home / "card.sig"), str(gpg.home / "card")).stderr.decode()
        assert f"VALIDSIG {office(RECEIVER).fingerprint}" in said
        (gpg.home / "card").write_bytes(statement(ENDORSED) + b" ")
        assert gpg.try_run("--verify", str(gpg.home / "card.sig"), str(gpg.home / "card")).returncode != 0


def test_a_fingerprint_is_compared_without_its_dress() -> None:
    """Blanks and lower case do not matter."""
    fingerprint = foreign_public("expired").fingerprint
    assert plain(f" {fingerprint[:4].lower()} {fingerprint[4:]}\n") == fingerprint
