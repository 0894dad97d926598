"""Change of the archive key: a new key in the place of the present one, and every segment's key wrapped for it.

1. the new key is written beside the present one (`keys/archive-next.asc`); this begins the change;
2. the present key gets a number, the new one its place: from now on all that is new is wrapped for the new key;
3. each segment's key is wrapped anew (`archive.segments.rekey`); no original is touched;
4. the archive's readme object gets the new public key;
5. `keys/archive-next.asc` goes: the change has ended.

A process killed anywhere leaves an archive that can be read, and the next call goes on. The earlier key stays: backups
and the older versions of segments' objects are wrapped for it.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from archive.segments.files import held
from archive.segments.rekey import rekey
from flows import describing, keyring, new_keys
from flows.wiring import Office
from transfer.keys import load_public


@dataclass(frozen=True, slots=True)
class KeyChange:
    """What a change of key came to. Keys by fingerprint, `earlier` by its file in the home.

    `segments` were wrapped anew by this call; `take_away` are the escrow's secrets that should not be in the home.
    """

    archive_key: str
    escrow_key: str
    earlier: str
    segments: int
    take_away: tuple[str, ...]


def change_archive_key(office: Office, by: str, at: datetime, escrow: str = "") -> KeyChange:
    """Change the archive key, or go on with a change that was begun; `by` is the staff id of who does it.

    `escrow` is an armored public key that becomes the escrow key too. Raises UsageError S408, S417; IntegrityError
    A506, A509; UnreachableError S409, S416. What was done by then holds.
    """
    home = office.settings.home
    with held(office.settings.path("keys/change.lock")):
        segments = 0
        if escrow and load_public(escrow).fingerprint != keyring.recipients(home)[1].fingerprint:
            if new_keys.change_begun(home):
                segments += _change(office, by, at)  # under the escrow key with which it was begun
            new_keys.replace_escrow(home, escrow, at)
        segments += _change(office, by, at)
    archive, kept = keyring.recipients(home)
    earlier = keyring.archive_keys(home)[1].relative_to(home)
    return KeyChange(archive.fingerprint, kept.fingerprint, str(earlier), segments, keyring.escrow_at_home(home))


def _change(office: Office, by: str, at: datetime) -> int:
    home = office.settings.home
    new_keys.begin_change(home, office.code, office.settings.passphrase(), at)
    fingerprint = keyring.recipients(home)[0].fingerprint
    # The office's wrap opens what the earlier keys wrapped and wraps for the present one: it is the old and the new.
    done = rekey(replace(office.store.context, who=by), office.wrap, office.wrap, fingerprint, at)
    describing.describe(office, at)
    new_keys.end_change(home)
    return len(done)
