"""Entries of the journal as values and as bytes: what is hashed, what is exported. Pure.

An entry's line is the canonical JSON (RFC 8785 for text and whole numbers: sorted keys, no blanks) of `at`, `how`,
`kind`, `n`, `what`, `who` and `why`; its leaf in the journal's tree is SHA-256 over a zero octet and the line.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from json.encoder import encode_basestring as quoted
from types import MappingProxyType
from typing import Any

from formats.merkle import leaf_hash

_CASES = ("cases", "first", "last")

# Every kind of entry, with the fields of `what`. The README's list is compared with this one.
EVENTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "opened": _CASES,
        "approved": ("stage", *_CASES),
        "held": (*_CASES, "codes"),
        "released": _CASES,
        "withdrawn": _CASES,
        "sealed": (*_CASES, "bytes"),
        "posted": (*_CASES, "deliveries", "receipts", "letters"),
        "closed": (*_CASES, "accepted", "rejected", "on_hold"),
        "arrived": ("packages", "bytes"),
        "quarantined": ("arrival", "digest", "code"),
        "answered": (*_CASES, "accepted", "rejected", "on_hold"),
        "repeated": ("arrival", "answers"),
        "office-created": ("office",),
        "objected": (*_CASES, "route"),
        "objection-decided": (*_CASES, "ending"),
        "reopened": (*_CASES, "code"),
        "remitted": (*_CASES, "kind"),
        "resumed": (*_CASES, "code"),
        "written": (*_CASES, "kind"),
        "egress-capped": ("cases", "partners"),
        "egress-cap-set": ("cap", "before", "now"),
        "extracted": ("persons", "left_out", "k", "digest", "with"),
        "overlap-agreed": (*_CASES, "kept", "months", "agreed"),
        "read": (*_CASES, "kind", "outcome"),
        "ledger-upgraded": ("version",),
        "partner-added": ("partner", "fingerprint"),
        "partner-key-ended": ("partner", "fingerprint", "until"),
        "partner-key-revoked": ("partner", "fingerprint"),
        "partner-staff-added": ("partner", "issued", "people", "digest"),
        "staff-added": ("person", "fingerprint"),
        "staff-role-given": ("person", "role", "from", "until"),
        "staff-role-ended": ("person", "role", "until"),
        "office-key-begun": ("fingerprint",),
        "office-key-changed": ("fingerprint", "earlier", "until"),
        "office-key-ended": ("fingerprint",),
        "key-rehearsed": ("partner", "theirs", "ours"),
        "resealed": (*_CASES, "partner", "fingerprint"),
        "retried": ("packages",),
        "kept": ("segment", "first", "members", "bytes", "root"),
        "registered": ("originals", "root"),
        "segment-opened": ("segment", "keys"),
        "segment-sealed": ("segment", "members", "bytes", "sha512", "inventory", "keys"),
        "segment-rekeyed": ("segment", "version", "inventory", "keys"),
        "segment-destroyed": ("segment", "members", "order"),
        "readme-written": ("version", "inventory"),
        "audited": ("segments", "members", "bytes", "cases", "problems"),
        "backed-up": ("place", "snapshot", "files", "bytes", "digest"),
        "pruned": ("place", "snapshots", "files"),
        "restored": ("snapshot", "cases", "originals"),
        "repaired": ("code", "subject", "snapshot"),
        "drilled": ("snapshot", "originals", "bytes", "problems"),
        "taken-out": ("digest", "kind"),
        "looked-up": ("lookup", "requester", "scope", "outcome", "row"),
        "exported": ("lookup", "case", "format", "digest"),
        "lookup-counted": ("lookup", "row"),
        "hold-placed": ("hold", "case", "row"),
        "hold-lifted": ("hold", "case", "row"),
        "destroyed": ("order", "originals", "bytes", "root"),
        "bundled": ("case", "digest"),
        "archive-key-changed": ("fingerprint",),
        "witnessed": ("partner", "size", "root", "note"),
        "plain-adopted": ("originals", "bytes"),
        "frozen": ("freeze", "tables", "rows", "bytes", "root"),
        "freeze-kept": ("freeze", "originals", "bytes"),
        "copied": ("run", "freeze", "tables", "rows", "altered"),
        "proved": ("run", "proof", "rows", "differences", "root"),
        "rechecked": ("run", "proof", "rows", "differences"),
        "rehearsed": ("run", "tables", "rows"),
        "relocated": ("files", "bytes", "root"),
    }
)

_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Entry:
    """One act of maintenance (art. 12): `at` (UTC text) when, `what` with the fields of its kind, why, how, who."""

    at: str
    kind: str
    what: Mapping[str, str | int]
    why: str
    how: str
    who: str


@dataclass(frozen=True, slots=True)
class Line:
    """One entry in its place: its number from 1, the fields of `Entry`, and its leaf hash (hex)."""

    n: int
    at: str
    kind: str
    what: Mapping[str, str | int]
    why: str
    how: str
    who: str
    leaf: str


def canonical(value: Mapping[str, str | int]) -> str:
    """JSON with sorted keys and no blanks (RFC 8785 for text and whole numbers)."""
    return _encode(value)


def line(n: int, at: str, kind: str, what: str, why: str, how: str, who: str) -> bytes:
    """The line of an entry; `what` is canonical JSON already, as it is stored. Raises TypeError for what is no text."""
    return (
        f'{{"at":{quoted(at)},"how":{quoted(how)},"kind":{quoted(kind)},"n":{n},'
        f'"what":{what},"who":{quoted(who)},"why":{quoted(why)}}}'
    ).encode()


def leaves(rows: Iterable[Sequence[Any]]) -> list[bytes]:
    """The leaf hashes of rows of the table, whose columns are in the order of `Line`: many at once, for speed.

    Raises TypeError for what is no text.
    """
    return [
        sha256(b"\0" + line(n, at, kind, what, why, how, who)).digest()
        for n, at, kind, what, why, how, who, _leaf in rows
    ]


def line_of(entry: Line) -> bytes:
    """The line of an entry in its place."""
    return line(entry.n, entry.at, entry.kind, canonical(entry.what), entry.why, entry.how, entry.who)


def rows(entries: Sequence[Entry], first: int) -> Iterator[dict[str, Any]]:
    """The entries as rows of the table, numbered from `first`. Raises ValueError for a kind or fields not in EVENTS."""
    for n, entry in enumerate(entries, start=first):
        if set(EVENTS.get(entry.kind, ())) != set(entry.what):
            raise ValueError(f"the journal knows no {entry.kind} with {', '.join(entry.what)}")
        what = canonical(entry.what)
        leaf = leaf_hash(line(n, entry.at, entry.kind, what, entry.why, entry.how, entry.who))
        yield {
            "n": n,
            "at": entry.at,
            "kind": entry.kind,
            "what": what,
            "why": entry.why,
            "how": entry.how,
            "who": entry.who,
            "leaf": leaf.hex(),
        }
