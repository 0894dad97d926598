"""Rehearsal of a key with a partner before it is used: a probe and an answer, two files that go by mail or any way.

1. *probe*: this office seals a random number to the partner's newest key and signs with its own next key, or with the
   present one when no change is under way.
2. *answer*: the partner opens the probe, which proves to it that this office's key is the one in the card that it
   added; it seals what it found back to this office's newest key, signed with its own next or present key.
3. *check*: this office opens the answer. Only who has the partner's secret key can know the random number: the partner
   has the key to which the probe was sealed, and signs with a key that is pinned here.

Nothing in either file is about a person, and neither is a message: no pass takes them up. What this office waits for
lies in `rehearsals/`, a file a probe with digests and fingerprints.
"""

import json
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, Literal

from archive import journal
from archive.entries import Entry
from archive.flushing import flush, write_file
from flows import own_keys
from flows.times import utc_text
from flows.wiring import Office
from formats.digest import sha256
from formats.errors import RefusedError, UsageError
from transfer import encryption, envelope
from transfer.cards import plain
from transfer.envelope import Opened
from transfer.keys import OfficeKey, PublicKey
from transfer.partners import Partner

_FORM: Final = "jiexu key rehearsal 1"
_FOLDER: Final = "rehearsals"
_OWNER_ONLY: Final = 0o600


@dataclass(frozen=True, slots=True)
class Note:
    """What stands in a probe or an answer.

    `sender` and `receiver` are agency codes, `made` UTC text, `opens` the fingerprint of the key it is sealed to,
    `signs` that of the key that signed it. `number` is the probe's random number, or in an answer the digest of the
    probe's note.
    """

    form: str
    kind: Literal["probe", "answer"]
    sender: str
    receiver: str
    made: str
    opens: str
    signs: str
    number: str


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """A step of a rehearsal that was done: the partner, its key and this office's as fingerprints, and what holds now.

    `package` is the file to be passed on, empty at the last step.
    """

    partner: str
    theirs: str
    ours: str
    proved: tuple[str, ...]
    package: bytes = b""


def probe(office: Office, code: str, at: datetime, fingerprint: str = "") -> Rehearsed:
    """A probe for this partner's newest key, or for the one of its keys with this fingerprint.

    Raises UsageError S403, S408, S481, S417.
    """
    partner = office.directory.partner(code)
    recipient = _key_of(partner, plain(fingerprint)) if fingerprint else partner.recipient(at)
    signer = _signer(office)
    note = _note("probe", office.code, code, at, recipient.fingerprint, signer.fingerprint, secrets.token_hex(32))
    document = _document(note)
    waiting = {"partner": code, "probe": sha256(document), "theirs": recipient.fingerprint, "ours": signer.fingerprint}
    _remember(office, sha256(document), waiting)
    sealed = envelope.seal(document, signer, recipient, at).package
    proved = (f"sealed to {code}'s key {recipient.fingerprint}", f"signed with our key {signer.fingerprint}")
    return Rehearsed(code, recipient.fingerprint, signer.fingerprint, proved, sealed)


def answer(office: Office, package: bytes, at: datetime) -> Rehearsed:
    """Open a partner's probe and answer it. Raises RefusedError T1xx as for any package; UsageError S484, S408."""
    opened, note = _opened(office, package, "probe", at)
    ours = _opened_with(office, package, at)
    if note.opens != ours.fingerprint:
        raise UsageError("S484", "it names another key than the one it is sealed to")
    recipient = office.directory.partner(note.sender).recipient(at)
    signer = _signer(office)
    told = sha256(opened.data)
    reply = _note("answer", office.code, note.sender, at, recipient.fingerprint, signer.fingerprint, told)
    sealed = envelope.seal(_document(reply), signer, recipient, at).package
    proved = (
        f"{note.sender} signed the probe with its key {note.signs}, pinned and valid here",
        f"our key {ours.fingerprint} opened it",
        f"the answer is sealed to {note.sender}'s key {recipient.fingerprint}",
        f"the answer is signed with our key {signer.fingerprint}",
    )
    return Rehearsed(note.sender, recipient.fingerprint, signer.fingerprint, proved, sealed)


def check(office: Office, package: bytes, who: str, at: datetime) -> Rehearsed:
    """Check a partner's answer, and enter it in the journal.

    Raises RefusedError T1xx; UsageError S484 (it answers no probe of this office, or not this partner's), S408;
    UnreachableError S409.
    """
    _, note = _opened(office, package, "answer", at)
    ours = _opened_with(office, package, at)
    waiting = _remembered(office, note.number)
    if (waiting["partner"], note.opens) != (note.sender, ours.fingerprint):
        raise UsageError("S484", "it is the answer of another office, or to another key")
    theirs = str(waiting["theirs"])
    what: dict[str, str | int] = {"partner": note.sender, "theirs": theirs, "ours": ours.fingerprint}
    why, how = "an exchange with the partner's key was rehearsed", "the partner opened a probe and answered it"
    journal.record(office.ledger, [Entry(utc_text(at), "key-rehearsed", what, why, how, who)])
    proved = (
        f"{note.sender} opened the probe: it has the secret key of {theirs}",
        f"{note.sender} knows our key {waiting['ours']}, with which the probe was signed",
        f"{note.sender} signed the answer with its key {note.signs}, pinned and valid here",
        f"our key {ours.fingerprint} opened the answer",
    )
    return Rehearsed(note.sender, theirs, ours.fingerprint, proved)


def _signer(office: Office) -> OfficeKey:
    """The key that is to be proved: the next one while a change is under way, else the present one."""
    keys = own_keys.listed(office.settings.home)
    following = next((key for key in keys if key.role == "next"), keys[0])
    return own_keys.unlocked(office.settings, following)


def _key_of(partner: Partner, fingerprint: str) -> PublicKey:
    found = [known.key for known in partner.keys if known.key.fingerprint == fingerprint]
    if not found:
        raise UsageError("S481", f"partner {partner.code}")
    return found[0]


def _note(
    kind: Literal["probe", "answer"], sender: str, receiver: str, at: datetime, opens: str, signs: str, number: str
) -> Note:
    return Note(_FORM, kind, sender, receiver, utc_text(at), opens, signs, number)


def _document(note: Note) -> bytes:
    return json.dumps(asdict(note), sort_keys=True, indent=1).encode("ascii")


def _opened(office: Office, package: bytes, kind: str, at: datetime) -> tuple[Opened, Note]:
    """A file of this kind for this office, signed by the partner that it names, with the key that it names."""
    opened = envelope.unseal(
        package,
        office.opening_keys(at),
        office.directory.pins(),
        at,
        office.envelope_limits,
        require_intended=True,
    )
    note = _parsed(opened.data)
    signed_by = office.directory.pins()[opened.fingerprint].key.fingerprint
    if (note.kind, note.sender, note.receiver) != (kind, opened.office, office.code) or note.signs != signed_by:
        raise UsageError("S484", f"it is no {kind} for this office")
    return opened, note


def _parsed(document: bytes) -> Note:
    try:
        values = json.loads(document)
        note = Note(**values)
    except (ValueError, TypeError, RecursionError):
        raise UsageError("S484", "it cannot be read") from None
    if note.form != _FORM or not all(isinstance(value, str) for value in values.values()):
        raise UsageError("S484", "it is of another form")
    return note


def _opened_with(office: Office, package: bytes, at: datetime) -> PublicKey:
    """The key of this office to which a package is encrypted."""
    ids = encryption.key_ids(package)
    for key in office.opening_keys(at):
        if set(ids) & set(key.decryption):
            return key.public
    raise RefusedError("T111")


def _remember(office: Office, digest: str, waiting: dict[str, str]) -> None:
    folder = office.settings.path(_FOLDER)
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        file = folder / f"{digest}.json"
        write_file(file, json.dumps(waiting, sort_keys=True, indent=1).encode("ascii"), _OWNER_ONLY)
        flush(folder)
    except OSError as error:
        raise UsageError("S417", f"{_FOLDER}: {error.strerror}") from None


def _remembered(office: Office, digest: str) -> dict[str, Any]:
    """What the probe with this digest was. Only a digest's characters are taken for a name."""
    file = office.settings.path(_FOLDER) / f"{digest}.json"
    if len(digest) != 64 or not set(digest) <= set("0123456789abcdef") or not file.exists():
        raise UsageError("S484", "it answers no probe of this office")
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        raise UsageError("S417", f"{_FOLDER}/{file.name}") from None
    return found
