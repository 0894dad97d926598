"""A sheet of tables for a person's file: one page of well-formed XHTML, without scripts and from nowhere else."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib import resources
from string import Template

from formats.reasons import Language

_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_LANG: Mapping[Language, str] = {"zh": "zh-CN", "ko": "ko", "en": "en"}


@dataclass(frozen=True, slots=True)
class Table:
    """A caption, the names of the columns, the rows; without rows it is left out."""

    caption: str
    headings: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def page(language: Language, title: str, lines: Sequence[str], tables: Sequence[Table]) -> bytes:
    """The page in UTF-8: the title, lines of text, the tables."""
    template = resources.files("flows").joinpath("sheet.html").read_text(encoding="utf-8")
    return (
        Template(template)
        .substitute(
            lang=_LANG[language],
            title=_text(title),
            lines="\n".join(f"<p>{_text(line)}</p>" for line in lines),
            tables="\n".join(_table(table) for table in tables if table.rows),
        )
        .encode("utf-8")
    )


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{_text(name)}</th>' for name in table.headings)
    rows = "\n".join(f"<tr>{''.join(f'<td>{_text(cell)}</td>' for cell in row)}</tr>" for row in table.rows)
    body = f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>"
    return f"<h2>{_text(table.caption)}</h2>\n{body}"


def _text(text: str) -> str:
    """As it stands in XML 1.0, which has no way to write a control character: U+FFFD stands for each."""
    return escape(_UNWRITABLE.sub("\ufffd", text))
