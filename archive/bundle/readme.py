"""The text in every bundle that says what it is and how to check it with nothing but tar, sha256sum and gpg."""

from typing import Final

TEXT: Final = b"""\
Evidence of one transfer of social insurance records
====================================================

This file was made by Jiexu at the office that manifest.json names. It holds personal data: keep it as such.

What is in it
  manifest.json            what the parts are; signed in manifest.json.sig by the office that made the bundle
  SHA256SUMS               the digests of the parts
  documents/*.xml          the documents exactly as they were signed, each with its signature beside it (*.sig):
                           delivery (the record and its approvals) and receipts
  packages/*.pgp           the packages as they left or came, encrypted to their receiver
  keys/*.asc               the public keys of both offices
  journal/checkpoint.txt   the signed head of the office's journal (C2SP tlog-checkpoint), journal/key.txt its key;
                           journal/partner-key.txt the partner's, under which the heads in its receipts are signed

Check it with Jiexu, on any machine, with no network:
  jiexu archive verify FILE --trust FINGERPRINT

Check it by hand:
  1. tar xf FILE
  2. sha256sum -c SHA256SUMS
  3. gpg --import keys/*.asc
     Compare the fingerprints that gpg shows (gpg --fingerprint) with the offices, on a number known from elsewhere.
  4. gpg --verify manifest.json.sig manifest.json
     for each document:  gpg --verify documents/1-delivery.xml.sig documents/1-delivery.xml
     A key that has expired since is named as such: what counts is that it was valid on the day of the signature.
  5. In a receipt, digest="..." must be what sha256sum says of the delivery, answers="..." its messageId.
  6. sha256sum of an original must be its digest in manifest.json. With index, rows and batch it leads to the root in
     its entry of the journal, and the entry with its number and proof to the root in journal/checkpoint.txt
     (RFC 9162, section 2.1.3; the leaf of an original is its line: a JSON list of the eight fields digest, kind, size,
     direction, partner, case_number, message_id, kept_at, without spaces).

A received package can be opened only by its receiver. Its document and signature were taken out of it when the bundle
was made; what proves the document is the sender's signature over it.
"""
