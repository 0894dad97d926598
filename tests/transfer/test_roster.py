"""The roster and the staff card: what they hold, what they refuse, who signed the card."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from formats.errors import RefusedError, UsageError
from tests.transfer.keyring import NOW, RECEIVER, SENDER, office
from transfer import roster, staff_cards, toml_text
from transfer.keys import public_part
from transfer.partner import FOREVER
from transfer.roster import ADMINISTRATORS, BUSINESS, ROLES, Person, Role, Roster, StaffKey
from transfer.staff_cards import StaffCard

DAY = timedelta(days=1)
KEY = StaffKey("A" * 40, "armor")

times = st.integers(0, 20).map(lambda days: NOW + days * DAY)
spans = st.tuples(times, times | st.just(FOREVER)).filter(lambda span: span[0] < span[1])
role_lists = st.lists(st.builds(lambda role, span: Role(role, *span), st.sampled_from(ROLES), spans), max_size=4)


def one(*roles: Role, name: str = "staff-1", keys: tuple[StaffKey, ...] = (KEY,)) -> Roster:
    """A roster of one person."""
    return {name: Person(name, keys, roles)}


def code(people: Roster) -> str:
    """The code with which a roster is refused, empty for none."""
    try:
        roster.check(people)
    except UsageError as error:
        return error.code
    return ""


@given(role_lists)
def test_administrators_do_not_handle_cases(roles: list[Role]) -> None:
    """S475 exactly where on some day one person has an administrator's and a business role; auditors go with both."""
    person = Person("staff-1", (KEY,), tuple(roles))
    days = [set(person.roles_at(NOW + day * DAY)) for day in range(22)]
    together = any(held & set(BUSINESS) and held & set(ADMINISTRATORS) for held in days)
    assert code({"staff-1": person}) == ("S475" if together else "")


@given(role_lists)
def test_a_roster_comes_back_as_it_was_written(roles: list[Role]) -> None:
    """Ids, keys and roles with their times, an open end too."""
    people = one(*roles, keys=(KEY, StaffKey("B" * 40, "newer\narmor\n")))
    if not code(people):
        assert roster.parse(toml_text.table(roster.render(people.values()), "")) == people


def test_two_ids_have_no_key_in_common() -> None:
    """Who stands on the roster twice could approve two stages: S475, also where the key is an earlier one."""
    other = StaffKey("B" * 40, "")
    assert code({**one(keys=(other, KEY)), **one(name="staff-2", keys=(KEY,))}) == "S475"
    assert code({**one(keys=(other,)), **one(name="staff-2", keys=(KEY,))}) == ""


@pytest.mark.parametrize(
    "text",
    [
        '[[person]]\nid = "Li Si"',
        '[[person]]\nid = "a"\n[[person]]\nid = "a"',
        '[[person]]\nid = "a"\n[[person.role]]\nrole = "boss"\nvalid_from = 2026-11-23T00:00:00Z',
        '[[person]]\nid = "a"\n[[person.role]]\nrole = "handler"\nvalid_from = 2026-11-23T00:00:00',
        (
            '[[person]]\nid = "a"\n[[person.role]]\nrole = "handler"\n'
            "valid_from = 2026-11-23T00:00:00Z\nvalid_to = 2026-11-23T00:00:00Z"
        ),
        '[[person]]\nid = "a"\n[[person.key]]\nfingerprint = "a"',
        'person = "a"',
    ],
)
def test_what_is_no_roster_is_refused(text: str) -> None:
    """No id, one that stands twice, no role, a time without a zone, an end before the beginning: S401."""
    with pytest.raises(UsageError, match="S401"):
        roster.parse(toml_text.table(text, ""))


def staff_card(**changes: str) -> StaffCard:
    """A card of the sender, whose one person has the office's own key, for brevity."""
    own = office(SENDER)
    key = StaffKey(changes.get("fingerprint", own.fingerprint), public_part(own))
    return StaffCard(SENDER, NOW, one(Role("handler", NOW), keys=(key,)))


CARD = staff_cards.render(staff_card(), office(SENDER), NOW)


def test_a_card_is_signed_by_the_office() -> None:
    """It says who signed and when, reads back, and mail may change its line ends."""
    for text in (CARD, CARD.replace("\n", "\r\n")):
        signed = staff_cards.signer(text, office(SENDER).public)
        assert (signed.fingerprint, signed.created) == (office(SENDER).fingerprint, NOW)
    found = staff_cards.parse(CARD)
    assert (found.office, found.issued, set(found.people)) == (SENDER, NOW, {"staff-1"})
    staff_cards.fit(found)
    with pytest.raises(RefusedError, match="T130"):
        staff_cards.signer(CARD, office(RECEIVER).public)


def test_a_card_without_a_signature_or_with_more_behind_it_is_none() -> None:
    """T121 without one; T122 where a line was added in front or behind; S401 for a fingerprint of another key."""
    body, _, signature = CARD.partition("\n[signed]\n")
    for text, wanted in (
        (body, "T121"),
        (f"{body}\n[signed]\n", "T121"),
        (f"{body}\n[signed]\nsignature = 'ü'\n", "T121"),
        (f"{CARD}\n[[person]]\nid = 'staff-2'\n", "T122"),
        (f"# more\n{CARD}", "T122"),
        (f"{body}\n[[person]]\nid = 'staff-2'\n\n[signed]\n{signature}", "T122"),
    ):
        with pytest.raises(RefusedError, match=wanted):
            staff_cards.signer(text, office(SENDER).public)
    with pytest.raises(UsageError, match="S401"):
        staff_cards.fit(staff_card(fingerprint="A" * 40))
    with pytest.raises(UsageError, match="S401"):
        staff_cards.parse(CARD.replace(SENDER, "3301", 1))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(CARD.partition("\n[signed]\n")[0].encode()) - 1), st.integers(0, 7))
def test_no_bit_of_a_card_can_be_changed(place: int, bit: int) -> None:
    """Whatever is changed before the signature, nobody signed it, or it is no card."""
    data = bytearray(CARD.encode())
    data[place] ^= 1 << bit
    with pytest.raises((RefusedError, UsageError, UnicodeDecodeError)):
        staff_cards.signer(data.decode(), office(SENDER).public)
