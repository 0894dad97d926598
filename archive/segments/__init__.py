"""Originals in segments: tars of encrypted members, each sealed into one OCFL object when it is full or old.

`store` is what the rest of the service uses. Below it: `members` (a member's bytes), `layout` (where files lie),
`keys`, `catalog` (the ledger's rows), `writing`, `reading`, `sealing`, `recovery`; beside it `rekey`, `readme`,
`rebuild` and `adoption`.

Locks, always in this order: `backup.lock` (backups, and taking old ones away), `seal.lock` (sealing, key changes and
all else that writes OCFL objects), `lock` (the single writer of the open segment), the segment's row in the ledger, the
journal's head.
"""
