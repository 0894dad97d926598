"""Copying: frozen chunks into a target, by a plan and declared rules, resumable at any instant."""

from migration.copying.altering import Alterations, Use
from migration.copying.copy import CopyReport, TableCopy, copy, finish
from migration.copying.progress import Advance, Progress
from migration.copying.rules import check_rules

__all__ = ["Advance", "Alterations", "CopyReport", "Progress", "TableCopy", "Use", "check_rules", "copy", "finish"]
