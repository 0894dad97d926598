"""Making an evidence bundle: a case's originals, what was inside those that came encrypted, keys, and proofs.

For an outgoing case: the delivery as signed, its signature, the package as sent, and the partner's receipts, taken out
of the packages that they came in. For an incoming one: the package as received with the delivery and signature that
were in it, and this office's receipts. For both what else was said, as letters. The manifest is signed by the office,
and the journal says that it was made.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, NamedTuple

from archive import cases, checkpoints, journal
from archive.bundle import container, parts, proofs, readme
from archive.bundle.parts import DocumentNote, KeyNote, Manifest, RegisteredNote
from archive.journal import Entry
from flows import own_keys, reopening
from flows.times import utc_text
from flows.wiring import Office
from formats.digest import sha256
from formats.errors import UsageError
from transfer import detached
from transfer.envelope import OfficeKey, PublicKey
from transfer.partners import FOREVER, Partner

_SENT: Final = {"delivery-sent": "delivery", "receipt-sent": "receipt", "letter-sent": "letter"}
_RECEIVED: Final = {"package-received": "delivery", "receipt-received": "receipt", "letter-received": "letter"}


class Gathered(NamedTuple):
    """The parts of a bundle so far, and what its manifest says of them."""

    parts: dict[str, bytes]
    documents: list[DocumentNote]
    originals: list[RegisteredNote]


def make(office: Office, case: str, who: str, at: datetime) -> bytes:
    """The bundle of a case, this office's outgoing one first; `who` asked for it, `at` is now (UTC).

    Raises UsageError S412 (unknown case, or nothing was kept of it), S403, S408 (a key is missing); IntegrityError
    A501, A502, A504, A507 (what is kept no longer holds); RefusedError (a package cannot be opened any more);
    UnreachableError S409.
    """
    row = cases.find(office.ledger, case)
    head = journal.checkpoint(office.ledger, office.journal_key, at)
    registered = proofs.prove(office.ledger, row.direction, row.partner, row.case, checkpoints.parse(head).size)
    if not registered:
        raise UsageError("S412", f"{case}: nothing is kept of it")
    keys = own_keys.every(office.settings)
    gathered = _gather(office, keys, registered)
    partner = office.directory.partner(row.partner)
    own, theirs = list(_own_notes(office, keys)), list(_partner_notes(partner))
    found = {
        parts.README: readme.TEXT,
        parts.VERIFIER: f"{office.journal_key.verifier}\n".encode(),
        parts.CHECKPOINT: head.encode(),
        **({parts.PARTNER_VERIFIER: f"{partner.journal}\n".encode()} if partner.journal else {}),
        **{note.part: certificate.armored.encode("ascii") for note, certificate in (*own, *theirs)},
        **gathered.parts,
    }
    found = {parts.SUMS: parts.sums(found), **found}
    manifest = parts.render(
        Manifest(
            format=parts.FORMAT,
            office=office.code,
            partner=row.partner,
            direction=row.direction,
            case=row.case,
            made=utc_text(at),
            keys=tuple(note for note, _ in (*own, *theirs)),
            documents=tuple(gathered.documents),
            originals=tuple(gathered.originals),
            parts=tuple(parts.note(name, data) for name, data in found.items()),
        )
    )
    signed = {parts.MANIFEST: manifest, parts.SIGNATURE: detached.sign(manifest, office.key, at)}
    bundle = container.pack({**signed, **found})
    what: dict[str, str | int] = {"case": row.case, "digest": sha256(bundle)}
    entry = Entry(utc_text(at), "bundled", what, "evidence of a case", "written to a file", who)
    journal.record(office.ledger, [entry])
    return bundle


def _gather(office: Office, keys: Sequence[OfficeKey], registered: Sequence[RegisteredNote]) -> Gathered:
    """The originals, and the documents that they are or that came in them."""
    gathered = Gathered({}, [], [])
    names = _names(registered)
    for number, (name, item) in enumerate(zip(names, registered, strict=True), start=1):
        data = office.store.read(item.digest)
        gathered.parts[name] = data
        gathered.originals.append(replace(item, part=name))
        if item.kind in _SENT:
            beside = f"{name}.sig"
            gathered.documents.append(DocumentNote(_SENT[item.kind], name, beside if beside in names else "", name))
        elif item.kind in _RECEIVED:
            opened = reopening.reopen(office, keys, data, item.kept_at)
            document = f"documents/{number}-{_RECEIVED[item.kind]}.xml"
            gathered.parts.update({document: opened.data, f"{document}.sig": opened.signature})
            gathered.documents.append(DocumentNote(_RECEIVED[item.kind], document, f"{document}.sig", name))
    return gathered


def _names(registered: Sequence[RegisteredNote]) -> list[str]:
    """The originals' names in the bundle: numbered as they were kept, a signature beside its document."""
    documents = {
        item.message_id: f"documents/{number}-{_SENT[item.kind]}.xml"
        for number, item in enumerate(registered, start=1)
        if item.kind in _SENT
    }
    names: list[str] = []
    for number, item in enumerate(registered, start=1):
        beside = f"{documents.get(item.message_id, '')}.sig"
        if item.kind in _SENT:
            name = f"documents/{number}-{_SENT[item.kind]}.xml"
        elif item.kind == "signature-sent":
            name = f"documents/{number}.sig" if beside == ".sig" or beside in names else beside
        else:
            name = f"packages/{number}-{'received' if item.kind in _RECEIVED else 'sent'}.pgp"
        names.append(name)
    return names


def _own_notes(office: Office, keys: Sequence[OfficeKey]) -> Iterator[tuple[KeyNote, PublicKey]]:
    """This office's certificates; they say themselves from when to when they count."""
    for key in keys:
        part = _key_part(office.code, key.public)
        yield KeyNote(office.code, part, key.fingerprint, "", "", ""), key.public


def _partner_notes(partner: Partner) -> Iterator[tuple[KeyNote, PublicKey]]:
    """The partner's pinned certificates with the bounds of this office's own file on it."""
    for known in partner.keys:
        until = "" if known.not_after >= FOREVER else utc_text(known.not_after)
        revoked = "" if known.revoked is None else utc_text(known.revoked)
        part = _key_part(partner.code, known.key)
        note = KeyNote(partner.code, part, known.key.fingerprint, utc_text(known.not_before), until, revoked)
        yield note, known.key


def _key_part(office: str, key: PublicKey) -> str:
    return f"keys/{office}-{key.fingerprint}.asc"
