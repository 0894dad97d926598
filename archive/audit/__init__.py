"""The audit: what is kept, held against what the ledger and the journal say (art. 9(2)).

`auditing` is the whole; `findings`, `facts`, `rows`, `telling`, `evidence`, `belief` look at rows and entries,
`structure`, `objects`, `strays` at files, `pacing`, `contents`, `reading` at bytes, `drafts`, `cases` at the register,
`coverage` at what was read when.
"""

from archive.audit.auditing import audit
from archive.audit.report import AuditReport, Coverage, Problem, Progress, Store

__all__ = ["AuditReport", "Coverage", "Problem", "Progress", "Store", "audit"]
