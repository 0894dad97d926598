"""The card that this office gives its partners, and its endorsement while the office's key is being changed."""

from datetime import datetime

from flows import keyring, own_keys
from flows.own_keys import OwnKey
from flows.wiring import Office
from transfer import cards
from transfer.cards import Card


def own_card(office: Office) -> Card:
    """The card with the office's next key, or with the present one when no change is under way.

    The key is unlocked for it: partners must not encrypt to a key that nobody can use. Raises UsageError S408.
    """
    settings = office.settings
    url = f"folder:{settings.mailbox_folder()}" if settings.mailbox.folder else settings.mailbox.url
    public = own_keys.unlocked(settings, _told(own_keys.listed(settings.home))).public
    return Card(
        code=settings.code,
        name=settings.name,
        mailbox=url,
        host_key=settings.mailbox.host_key,
        public_key=public.armored,
        fingerprint=public.fingerprint,
        journal=keyring.journal_verifier(settings.home),
    )


def card_text(office: Office, at: datetime) -> str:
    """The card as it is passed on: endorsed by the key before the one in it, as long as that one is not ended.

    Partners have that key pinned, so they can tell the card from a stranger's. Raises UsageError S408.
    """
    text = cards.render_card(own_card(office))
    keys = own_keys.listed(office.settings.home)
    earlier = _endorsing(keys, at)
    if earlier is None:
        return text
    signer = own_keys.unlocked(office.settings, earlier)
    return cards.endorse(text, signer, at)


def _told(keys: tuple[OwnKey, ...]) -> OwnKey:
    """The key in the card."""
    return next((key for key in keys if key.role == "next"), keys[0])


def _endorsing(keys: tuple[OwnKey, ...], at: datetime) -> OwnKey | None:
    """The key that partners know when the one in the card is new to them; None when no change is under way."""
    if _told(keys).role == "next":
        return keys[0]
    return next((key for key in keys if key.role == "earlier" and key.opens(at)), None)
