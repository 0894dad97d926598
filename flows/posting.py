"""Posting: sealed packages leave the archive, where they are kept as they leave, for the partners' mailboxes.

Only what the ledger calls sealed is posted, so nothing leaves before its original is kept. What waited until the
partner's key changed is sealed anew before (`resealing.py`). A process killed between
the upload and the ledger posts the same bytes under the same name again; the receiver answers a delivery that it has
already answered with the same receipt.
"""

from collections.abc import Sequence
from itertools import groupby

from archive import outgoing
from archive.outgoing import Post, PostKind
from flows import resealing
from flows.faults import coded
from flows.reports import Failed, PostReport
from flows.steps import Steps, quiet
from flows.times import now
from flows.wiring import SERVICE, Office
from formats.errors import ServiceError
from transfer.mailbox import Mailbox, Parcel


def post(office: Office, kind: PostKind, limit: int, *, steps: Steps = quiet) -> PostReport:
    """Post up to `limit` sealed messages of this kind, to each partner over one connection."""
    report = PostReport()
    mailboxes: dict[str, Mailbox | ServiceError] = {}
    try:
        while report.done < limit:
            batch = min(office.settings.work.task, limit - report.done)
            posts = outgoing.claim_posts(office.ledger, office.owner, batch, now(), kind)
            if not posts:
                break
            for partner, group in groupby(sorted(posts, key=_order), key=lambda item: item.partner):
                report += _post_to(office, _mailbox(office, mailboxes, partner), list(group), steps)
    finally:
        for mailbox in mailboxes.values():
            if not isinstance(mailbox, ServiceError):
                mailbox.close()
    return report


def _order(item: Post) -> tuple[str, str]:
    return item.partner, item.name


def _mailbox(office: Office, opened: dict[str, Mailbox | ServiceError], partner: str) -> Mailbox | ServiceError:
    """A partner who cannot be reached is not tried again in the same pass."""
    if partner not in opened:
        try:
            opened[partner] = office.partner_mailbox(partner)
        except ServiceError as error:
            opened[partner] = error
    return opened[partner]


def _post_to(office: Office, mailbox: Mailbox | ServiceError, posts: Sequence[Post], steps: Steps) -> PostReport:
    if isinstance(mailbox, ServiceError):
        return PostReport(failed=tuple(Failed.by(_subject(item), mailbox) for item in posts))
    parcels, troubles, resealed = _parcels(office, posts, steps)
    try:
        troubles |= dict(mailbox.put(parcels))
    except Exception as error:  # noqa: BLE001 - the partner's server may do anything; the others go on
        troubles |= {parcel.name: coded(error) for parcel in parcels}
    steps("uploaded", len(parcels))
    posted = [item.message_id for item in posts if troubles[item.name] is None]
    recorded = outgoing.record_posted(office.ledger, office.owner, posted, SERVICE, now())
    steps("posted", len(recorded))
    failed = [Failed.by(_subject(item), trouble) for item in posts if (trouble := troubles[item.name])]
    return PostReport(posted=tuple(recorded), resealed=resealed, failed=tuple(failed))


def _parcels(
    office: Office, posts: Sequence[Post], steps: Steps
) -> tuple[list[Parcel], dict[str, ServiceError | None], tuple[str, ...]]:
    """The packages that can leave, what is wrong with the others, by name, and the message ids of those sealed anew."""
    packages: dict[str, bytes] = {}
    troubles: dict[str, ServiceError | None] = {}
    for item in posts:
        try:
            packages[item.message_id] = office.store.read(item.package_digest)
        except ServiceError as error:
            troubles[item.name] = error
    anew = resealing.reseal(office, posts, packages, steps=steps)
    troubles |= anew.troubles
    ready = [item for item in posts if item.name not in troubles]
    parcels = [Parcel(item.name, anew.packages.get(item.message_id) or packages[item.message_id]) for item in ready]
    return parcels, troubles, tuple(anew.packages)


def _subject(item: Post) -> str:
    return item.case or item.message_id
