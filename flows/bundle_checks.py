"""Checking an evidence bundle: with no ledger, no home and no network, by what is in it and whom the reader trusts.

Nobody's clock is asked: a signature is right when its key was valid at the time of signing, whatever has expired since.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from archive.bundle import checking, parts
from archive.bundle.checking import Check
from archive.bundle.parts import Bundle, DocumentNote, KeyNote
from archive.checkpoints import Checkpoint
from flows.times import utc_text
from formats import xml
from formats.digest import sha256
from formats.errors import IntegrityError, RefusedError, UsageError
from formats.messages import STAGES, ContactLetter, Delivery, Message, Receipt
from formats.xml import Limits
from transfer import detached, framing, signatures
from transfer.framing import FramingError
from transfer.keys import PublicKey, load_public

Keys = list[tuple[KeyNote, PublicKey]]
Head = Literal["none", "unknown", "holds", "wrong"]
# A document was within some office's limits when it was sent; these only bound the work.
_LIMITS: Final = Limits(document_bytes=2**30, rows=10_000_000)

# The checks of `verify` for people, by their numbers.
STEPS: Final = {
    1: "the parts are complete and unharmed",
    2: "the manifest is signed by the office that made the bundle",
    3: "the keys that signed are trusted",
    4: "the head of the journal is signed",
    5: "the originals are the registered ones",
    6: "the register's lines are under the signed head of the journal",
    7: "the documents are of this case, from and to these offices",
    8: "the documents are signed by their senders, with keys valid then",
    9: "the receipts answer what was sent",
    10: "four people approved in order before the sending (art. 7)",
    11: "the journals' heads in the receipts are signed",
}


@dataclass(frozen=True, slots=True)
class SignedBy:
    """A signature that holds: of which part, whose (primary key's fingerprint), when (UTC text)."""

    part: str
    office: str
    fingerprint: str
    at: str


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    """What a receipt in the bundle says. `checkpoint`: the signed head of its sender's journal as it came, or empty.

    `head` says of it: `none` came, its journal's key is `unknown`, its signature `holds` or is `wrong`.
    """

    part: str
    office: str
    answers: str
    outcome: str
    decided: str
    checkpoint: str
    head: Head


@dataclass(frozen=True, slots=True)
class BundleReport:
    """What came of the checks. `compared`: whether the keys were held against trusted ones."""

    digest: str
    office: str = ""
    partner: str = ""
    direction: str = ""
    case: str = ""
    made: str = ""
    entries: int = 0  # how many entries of the journal its signed head covers
    compared: bool = False
    signatures: tuple[SignedBy, ...] = ()
    receipts: tuple[ReceiptLine, ...] = ()
    checks: tuple[Check, ...] = ()

    @property
    def first(self) -> Check | None:
        """The first check that does not hold, None when all hold."""
        return next((item for item in self.checks if item.code), None)


class Read(NamedTuple):
    """A document of the bundle with what was found in it; None where it cannot be read."""

    note: DocumentNote
    data: bytes
    message: Message | None


Judged = tuple[Check, SignedBy | None]


def verify(
    data: bytes, trusted: Mapping[str, str] | None = None, journals: Mapping[str, str] | None = None
) -> BundleReport:
    """Check a bundle, with every check whose ground is there; their results are listed in this order.

     1. A520  it is in its exact form; the parts are those that the manifest names, each with its size and digest; each
              key can be read and stands for one office; the manifest's signature is in its exact form
     2. A522  the manifest is signed by a key of the office that made it;   A523 that was valid when it signed
     3. A522  each key that signed anything in it is among the trusted ones, when any are given
     4. A527  the head of the journal is signed by that office's journal key, the one of its card when that is given
     5. A521  each original is the bytes of its line in the register of originals, and of this case
     6. A526  each line is under the root of its journal entry, and the entry under the signed head
     7. A521  each document is one of these originals or came in one, and says itself that it is this message of this
              case, from and to these offices
     8. A522  each document is signed by the office that it says it is from;   A523 whose key was valid then
     9. A524  each receipt answers a delivery in the bundle, by its message id and its digest
    10. A525  each delivery was approved in all stages of art. 7 by four different people, in order, before it was sent
    11. A527  each head of a journal that came in a receipt is signed by its office's journal key: that of its card,
              else that of the bundle; without either the receipt's line says `unknown`

    `trusted`: fingerprints of primary keys (40 upper-case hex digits), each with the office whose it must be or an
    empty text; `journals`: the public lines of journals' keys by office. Raises nothing for whatever bytes: what cannot
    be read fails check 1.
    """
    digest = sha256(data)
    try:
        bundle = checking.take_apart(data)
    except IntegrityError as error:
        return BundleReport(digest, checks=(Check(1, parts.MANIFEST, error.code, error.detail),))
    keys, unread = _keys(bundle)
    head, head_check = _head(bundle, journals or {})
    documents = [_read(bundle, note) for note in bundle.manifest.documents]
    own = _judge_manifest(bundle, keys)
    judged = [_judge_document(bundle, item, keys) for item in documents]
    signatures = [signature for _, signature in (own, *judged) if signature]
    lines = list(_receipt_lines(bundle, documents, journals or {}))
    checks = [
        *checking.check_parts(bundle, 1),
        *unread,
        _check_form(bundle),
        own[0],
        *_check_trust(signatures, bundle, trusted),
        head_check,
        *checking.check_originals(bundle, 5),
        *checking.check_proofs(bundle, head, 6),
        *(_check_document(bundle, item) for item in documents),
        *(check for check, _ in judged),
        *_check_receipts(documents),
        *_check_approvals(documents),
        *(check for _, check in lines if check),
    ]
    told = tuple(line for line, _ in lines)
    return _report(bundle, digest, head, signatures, told, checks, compared=bool(trusted))


def _report(
    bundle: Bundle,
    digest: str,
    head: Checkpoint | None,
    signatures: Sequence[SignedBy],
    receipts: tuple[ReceiptLine, ...],
    checks: Sequence[Check],
    *,
    compared: bool,
) -> BundleReport:
    manifest = bundle.manifest
    return BundleReport(
        digest=digest,
        office=manifest.office,
        partner=manifest.partner,
        direction=manifest.direction,
        case=manifest.case,
        made=manifest.made,
        entries=head.size if head else 0,
        compared=compared,
        signatures=tuple(signatures),
        receipts=receipts,
        checks=tuple(checks),
    )


def _keys(bundle: Bundle) -> tuple[Keys, list[Check]]:
    """The certificates of the bundle that can be read, and what is wrong with the others (A520)."""
    keys: Keys = []
    unread = []
    offices: dict[str, str] = {}
    for note in bundle.manifest.keys:
        try:
            key = load_public(bundle.parts.get(note.part, b"").decode("ascii"))
        except (UsageError, UnicodeDecodeError):
            unread.append(Check(1, note.part, "A520", "the key cannot be read"))
            continue
        if key.fingerprint != note.fingerprint:
            unread.append(Check(1, note.part, "A520", "the key is not the one that the manifest names"))
        elif offices.setdefault(key.fingerprint, note.office) != note.office:
            unread.append(Check(1, note.part, "A520", "the key stands for two offices"))
        else:
            keys.append((note, key))
    return keys, unread


def _head(bundle: Bundle, journals: Mapping[str, str]) -> tuple[Checkpoint | None, Check]:
    try:
        return checking.open_head(bundle, journals.get(bundle.manifest.office, "")), Check(4, parts.CHECKPOINT)
    except IntegrityError as error:
        return None, Check(4, parts.CHECKPOINT, error.code, error.detail)


def _read(bundle: Bundle, note: DocumentNote) -> Read:
    data = bundle.parts.get(note.part, b"")
    try:
        return Read(note, data, xml.decode(data, _LIMITS))
    except RefusedError:
        return Read(note, data, None)


def _check_form(bundle: Bundle) -> Check:
    """The manifest's signature is as we write one: no digest covers it, and OpenPGP lets some of its octets vary."""
    data = bundle.parts.get(parts.SIGNATURE, b"")
    try:
        (packet,) = framing.packets(data, 1)
        found = signatures.parse(bytes(packet.body))
        body = signatures.complete(found.head, found.check, found.issuer, found.numbers)
        exact = framing.encode(framing.SIGNATURE, body) == data
    except (FramingError, ValueError):
        exact = False
    return Check(1, parts.SIGNATURE, "" if exact else "A520", "" if exact else "it is not in its exact form")


def _judge_manifest(bundle: Bundle, keys: Keys) -> Judged:
    data, signature = (bundle.parts.get(name, b"") for name in (parts.MANIFEST, parts.SIGNATURE))
    return _judged(Check(2, parts.MANIFEST), data, signature, bundle.manifest.office, keys)


def _judge_document(bundle: Bundle, item: Read, keys: Keys) -> Judged:
    signature = bundle.parts.get(item.note.signature, b"")
    office = item.message.header.sender if item.message else ""
    return _judged(Check(8, item.note.part), item.data, signature, office, keys)


def _judged(check: Check, data: bytes, signature: bytes, office: str, keys: Keys) -> Judged:
    """Whether a key of this office signed these bytes while it counted, and if so which and when."""
    if not signature:
        return check._replace(code="A522", detail="there is no signature over it"), None
    failed = check._replace(code="A522", detail=f"no key of office {office or 'unknown'} in the bundle signed it")
    for note, key in keys:
        if note.office != office:
            continue
        try:
            at = utc_text(detached.verify(data, signature, key).created)
        except RefusedError as error:
            if error.code == "T131":
                failed = check._replace(code="A523", detail=f"key {note.fingerprint}")
            elif error.code != "T130":
                failed = check._replace(code="A522", detail=error.what())
            continue
        if note.revoked or not note.not_before <= at or (note.not_after and at >= note.not_after):
            failed = check._replace(code="A523", detail=f"key {note.fingerprint}")
            continue
        return check, SignedBy(check.part, office, note.fingerprint, at)
    return failed, None


def _check_trust(signatures: Sequence[SignedBy], bundle: Bundle, trusted: Mapping[str, str] | None) -> Iterator[Check]:
    if not trusted:
        return
    names = {(note.office, note.fingerprint): note.part for note in bundle.manifest.keys}
    for office, fingerprint in sorted({(item.office, item.fingerprint) for item in signatures}):
        part = names[office, fingerprint]
        if trusted.get(fingerprint, "nobody's") in ("", office):
            yield Check(3, part)
        else:
            yield Check(3, part, "A522", f"key {fingerprint} of office {office} is not among the trusted ones")


def _check_document(bundle: Bundle, item: Read) -> Check:
    manifest, note, message = bundle.manifest, item.note, item.message
    original = next((found for found in manifest.originals if found.part == note.original), None)
    if original is None:
        return Check(7, note.part, "A521", "the original that it comes from is not in the bundle")
    if original.kind.endswith("-sent") and note.part != note.original:
        return Check(7, note.part, "A521", "it is not the registered original")
    if message is None:
        return Check(7, note.part, "A521", "it is not a message")
    outward = original.kind.endswith("-sent")
    if note.kind != _kind(message) or (note.kind == "delivery" and outward != (manifest.direction == "out")):
        return Check(7, note.part, "A521", f"it is no {note.kind}")
    header = message.header
    offices = (manifest.office, manifest.partner) if outward else (manifest.partner, manifest.office)
    if (header.sender, header.receiver) != offices:
        return Check(7, note.part, "A521", "it is from or to another office")
    if header.case != manifest.case and (header.case or note.kind != "receipt"):
        return Check(7, note.part, "A521", "it is of another case")
    if header.message_id != original.message_id:
        return Check(7, note.part, "A521", "it was registered as another message")
    return Check(7, note.part)


def _kind(message: Message) -> str:
    """What a manifest calls a message."""
    if isinstance(message, Delivery):
        return "delivery"
    return "receipt" if isinstance(message, Receipt) else "letter"


def _check_receipts(documents: Sequence[Read]) -> Iterator[Check]:
    asking = [item for item in documents if item.message and not isinstance(item.message, Receipt)]
    sent = {item.message.header.message_id: item for item in asking if item.message}
    for item in documents:
        if not isinstance(item.message, Receipt):
            continue
        answered = sent.get(item.message.header.answers)
        if answered is None:
            yield Check(9, item.note.part, "A524", "it answers nothing in the bundle")
        elif item.message.digest != sha256(answered.data):
            yield Check(9, item.note.part, "A524", "it is for other bytes than were sent")
        else:
            yield Check(9, item.note.part)


def _check_approvals(documents: Sequence[Read]) -> Iterator[Check]:
    for item in documents:
        if isinstance(item.message, (Delivery, ContactLetter)):
            detail = _approval_flaw(item.message)
            yield Check(10, item.note.part, "A525" if detail else "", detail)


def _approval_flaw(message: Delivery | ContactLetter) -> str:
    """What is wrong with the approvals of a delivery or a contact letter (arts. 7, 26), empty if nothing."""
    given = message.approvals
    if tuple(item.stage for item in given) != STAGES:
        return f"the stages are not {', '.join(STAGES)}"
    if len({item.person for item in given}) != len(STAGES):
        return "one person signed two stages"
    times = [*(item.at for item in given), message.header.sent]
    return "" if times == sorted(times) else "they are not in order, or not before the sending"


def _receipt_lines(
    bundle: Bundle, documents: Sequence[Read], journals: Mapping[str, str]
) -> Iterator[tuple[ReceiptLine, Check | None]]:
    """What each receipt says, and the check of the head in it where there is one and its journal's key is known."""
    known = checking.known_journals(bundle, journals)
    for item in documents:
        if not isinstance(item.message, Receipt):
            continue
        part, receipt, office = item.note.part, item.message, item.message.header.sender
        check: Check | None = None
        head: Head = "unknown" if receipt.checkpoint else "none"
        if receipt.checkpoint and office in known:
            check = checking.check_head(part, receipt.checkpoint, office, known[office], 11)
            head = "wrong" if check.code else "holds"
        told = (receipt.header.answers, receipt.outcome, receipt.decided, receipt.checkpoint)
        yield ReceiptLine(part, office, *told, head), check
