"""Rehearsal: a de-identified sample of a source, so that a new environment is tried without people's data (art. 17).

The sample is a source like any other: it is planned, frozen, copied, verified and proved as the real data will be.

    rules.py      which column is changed how; every column needs a rule
    disguise.py   the changes: pseudonyms that stay the same wherever a value occurs, generalised dates and amounts
    sampling.py   which rows: so many of each table, and none that refers to a row outside the sample
    source.py     the sample as a source
"""

from migration.rehearsal.rules import Rules, draft, parse
from migration.rehearsal.sampling import sample
from migration.rehearsal.source import SampledSource

__all__ = ["Rules", "SampledSource", "draft", "parse", "sample"]
