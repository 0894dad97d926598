"""People as a home has them: this office's and its partners'.

`staff/<staff id>.asc` is a person's OpenPGP certificate, `partners/<code>.staff` a partner's staff card.
"""

from pathlib import Path
from typing import Final

from flows.settings import Settings
from formats.errors import UsageError
from formats.identifiers import is_staff_id
from transfer import staff_cards
from transfer.keys import PublicKey, load_public
from transfer.staff_cards import StaffCard

STAFF: Final = "staff"


def checked_id(person: str) -> str:
    """The staff id itself, when it is one. Raises UsageError S470."""
    if not is_staff_id(person):
        raise UsageError("S470", "letters, digits and ._@- only, at most 64")
    return person


def certificate(settings: Settings, person: str) -> PublicKey:
    """The certificate of this person, a staff id. Raises UsageError S470, S473 (there is none), S408 (damaged)."""
    name = f"{STAFF}/{checked_id(person)}.asc"
    try:
        armored = settings.path(name).read_text(encoding="ascii")
    except OSError:
        raise UsageError("S473", f"there is no certificate {name}") from None
    except UnicodeDecodeError:
        raise UsageError("S408", f"{name} is not an armored key") from None
    try:
        return load_public(armored)
    except UsageError as error:
        raise UsageError(error.code, f"{name}: {error.detail}") from None


def partner_card_path(home: Path, code: str) -> Path:
    """Where the staff card of the partner with this code lies."""
    return home / f"partners/{code}.staff"


def partner_card(home: Path, code: str) -> StaffCard | None:
    """The staff card on file of a partner, None where there is none. Raises UsageError S401, S417, S475."""
    path = partner_card_path(home, code)
    try:
        return staff_cards.parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError):
        raise UsageError("S417", path.name) from None
    except UsageError as error:
        raise UsageError(error.code, f"{path.name}: {error.detail}") from None
