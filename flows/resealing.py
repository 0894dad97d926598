"""Sealing anew what waits to leave: a key may have ended, been revoked or been replaced since it was sealed.

A package is encrypted to the key that was the partner's newest when it was sealed, and signed with the office's own key
of that time. When another is the partner's newest at the time of posting, or the own key has ended, in this order:

1. the document, which is kept, is signed and encrypted anew; id, number and name are those that it has;
2. the new signature and the new package are kept and flushed, beside the earlier ones (art. 10);
3. one transaction of the ledger says that the message leaves in the new package. Only then is it posted.

A process killed between two of these leaves a message that the next pass seals anew. Where a partner has no valid key
at all its messages stay, S408.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from archive.outgoing import Post
from archive.resealing import Resealed, record_resealed, signatures
from flows import own_keys
from flows.faults import coded
from flows.steps import Steps
from flows.times import now
from flows.wiring import SERVICE, Office
from formats.errors import ServiceError, UnreachableError
from transfer import detached, encryption, envelope
from transfer.envelope import Sealed
from transfer.keys import PublicKey


@dataclass(slots=True)
class Anew:
    """What came of sealing anew: packages by message id that are to be posted instead, and what went wrong, by name."""

    packages: dict[str, bytes] = field(default_factory=dict)
    troubles: dict[str, ServiceError | None] = field(default_factory=dict)


def reseal(office: Office, posts: Sequence[Post], packages: Mapping[str, bytes], *, steps: Steps) -> Anew:
    """Seal anew what is not encrypted to its partner's present key, or signed with a key of this office that has ended.

    `posts` are all to one partner and this process's.

    `packages` are those that would leave, by message id.
    """
    anew, at = Anew(), now()
    waiting = [item for item in posts if item.message_id in packages]
    if not waiting:
        return anew
    try:
        recipient = office.directory.partner(waiting[0].partner).recipient(at)
        ended = _by_ended_key(office, waiting, at)
        stale = [
            item
            for item in waiting
            if item.message_id in ended or not _is_for(packages[item.message_id], recipient, at)
        ]
    except ServiceError as error:
        anew.troubles.update((item.name, error) for item in waiting)
        return anew
    if not stale:
        return anew
    sealed: list[tuple[Post, Sealed]] = []
    for item in stale:
        try:
            sealed.append((item, envelope.seal(office.store.read(item.digest), office.key, recipient, at)))
        except ServiceError as error:
            anew.troubles[item.name] = error
    steps("sealed anew", len(sealed))
    try:
        anew.packages.update(_recorded(office, recipient, sealed, at, steps))
    except Exception as error:  # noqa: BLE001 - what need not be sealed anew is posted all the same
        anew.troubles.update((item.name, coded(error)) for item, _ in sealed)
        return anew
    taken = [item for item, _ in sealed if item.message_id not in anew.packages]
    anew.troubles.update((item.name, UnreachableError("S409", "another process posts it")) for item in taken)
    return anew


def _by_ended_key(office: Office, waiting: Sequence[Post], at: datetime) -> set[str]:
    """The ids of those of these messages that a key of this office signed which has ended: partners may refuse it."""
    ended = [key for key in own_keys.listed(office.settings.home) if not key.opens(at)]
    if not ended:
        return set()
    fingerprints = {signing.fingerprint for key in ended for signing in key.public.signing}
    # What was kept after the end of the last of them is not theirs; a key without an end may have signed until now.
    last = max(key.until or at for key in ended)
    kept = signatures(office.ledger, waiting[0].partner, [item.message_id for item in waiting], last)
    return {one for one, digest in kept.items() if detached.signer(office.store.read(digest)) in fingerprints}


def _is_for(package: bytes, recipient: PublicKey, at: datetime) -> bool:
    """Whether a package is encrypted to the partner's present key."""
    return encryption.key_ids(package) == (bytes.fromhex(recipient.recipient(at).fingerprint)[-8:],)


def _recorded(
    office: Office, recipient: PublicKey, sealed: Sequence[tuple[Post, Sealed]], at: datetime, steps: Steps
) -> dict[str, bytes]:
    """Keep what was sealed anew and enter it; the packages that are to leave now, by message id."""
    items = [part for _, one in sealed for part in (("signature-sent", one.signature), ("package-sent", one.package))]
    kept = office.store.keep(items, at)
    steps("kept anew", len(kept))
    entries = [
        Resealed(item.message_id, item.package_digest, kept[place : place + 2])
        for place, (item, _) in zip(range(0, len(kept), 2), sealed, strict=True)
    ]
    partner = sealed[0][0].partner if sealed else ""
    done = record_resealed(office.ledger, office.owner, partner, recipient.fingerprint, entries, SERVICE, now())
    steps("resealed", len(done))
    return {item.message_id: one.package for item, one in sealed if item.message_id in set(done)}
