"""The proof of a migration as one page: the verdict, what was compared, what is not as it was, how to check it again.

One file of well-formed XHTML without scripts and without anything from elsewhere; nothing of a row stands in it.
"""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib import resources
from string import Template

from flows.proof_words import WORDS
from formats.reasons import Language, reason
from migration.proof import Drift, Proof, Verdict

_LANG: Mapping[Language, str] = {"zh": "zh-CN", "ko": "ko", "en": "en"}


def page(proof: Proof, fingerprint: str, language: Language) -> bytes:
    """The page in UTF-8. `fingerprint`: of the key that signs the proof."""
    words = WORDS[language]
    template = resources.files("flows").joinpath("proof_page.html").read_text(encoding="utf-8")
    sections = (
        _table(words, "facts", ("what", ""), _facts(proof, fingerprint, words)),
        _paragraph(words["roots"]),
        _table(words, "tables",
               ("table", "in target", "rows", "found", "chunks", "altered", "spelled", "differences", "equal?"),
               _tables(proof, words)),
        _table(words, "uses", ("rule", "place", "detail", "cells"),
               [(use.rule, use.place, use.detail, use.cells) for use in proof.uses]),
        _table(words, "losses", ("code", "place", "meaning", "detail", "rows"), _losses(proof, language)),
        _table(words, "changes", ("place", "change"), _changes(proof, words)),
        _table(words, "structure", ("place", "detail"), [(one.place, one.detail) for one in proof.structure]),
        _table(words, "lists", ("file", "lines", "digest"),
               [(one.file, one.lines, one.sha256) for one in (proof.alterations, proof.differences)]),
        _steps(words["cut over"], proof.cut_over),
        _steps(words["way back"], proof.way_back),
        _paragraph(words["again"]),
    )  # fmt: skip
    text = Template(template).substitute(
        lang=_LANG[language],
        title=escape(words["title"].format(source=proof.source.shown, target=proof.target.shown)),
        about=escape(words["about"].format(office=proof.office, by=proof.by, began=proof.began, ended=proof.ended)),
        state=proof.verdict.value,
        verdict=escape(_verdict(proof, words)),
        sections="\n".join(sections),
    )
    return text.encode("utf-8")


def _verdict(proof: Proof, words: Mapping[str, str]) -> str:
    text = words[proof.verdict.value].format(
        rows=f"{proof.rows:,}", tables=len(proof.tables), differences=proof.differences.lines + len(proof.structure)
    )
    mark = "✓" if proof.verdict is Verdict.EQUAL else "✗"
    if proof.drift is not Drift.CHANGED:
        return f"{mark} {text}"
    found = proof.changes
    counts = {"gone": found.gone, "new": found.new, "other": found.other}
    drifted = words["drifted"].format(**counts, tables=len(found.tables), numbered=len(found.numbered))
    return f"{mark} {text} {drifted}"


def _facts(proof: Proof, fingerprint: str, words: Mapping[str, str]) -> list[tuple[object, ...]]:
    phases = ", ".join(f"{words[f'phase {phase.name}']} {phase.milliseconds / 1000:,.1f} s" for phase in proof.phases)
    return [
        (words["run"], proof.run),
        *((words[name], f"{place.engine} {place.version}, {place.name}, {place.shown}")
          for name, place in (("source", proof.source), ("target", proof.target))),
        (words["snapshot"], f"{proof.snapshot.at} {proof.snapshot.token}".strip()),
        (words["drift"], words[proof.drift.value]),
        (words["plan"], proof.plan),
        (words["mapping"], proof.mapping or words["none"]),
        (words["freeze"], proof.freeze),
        (words["freeze root"], proof.freeze_root),
        (words["root"], proof.root),
        (words["target root"], proof.target_root),
        (words["took"], phases),
        (words["software"], f"jiexu {proof.software}"),
        (words["signed"], fingerprint),
    ]  # fmt: skip


def _tables(proof: Proof, words: Mapping[str, str]) -> list[tuple[object, ...]]:
    return [
        (
            one.source,
            one.target,
            one.rows,
            one.target_rows,
            f"{one.equal_chunks} / {one.chunks}",
            one.altered,
            one.spelled,
            one.differences,
            words["yes"] if one.equal_chunks == one.chunks and not one.differences else words["no"],
        )
        for one in proof.tables
    ]


def _changes(proof: Proof, words: Mapping[str, str]) -> list[tuple[object, ...]]:
    """The tables and sequences of the source that changed, by their names; rows are in drift.csv alone."""
    return [
        *((name, words["table changed"]) for name in proof.changes.tables),
        *((name, words["sequence changed"]) for name in proof.changes.numbered),
    ]


def _losses(proof: Proof, language: Language) -> list[tuple[object, ...]]:
    return [(one.code, one.place, reason(one.code).what[language], one.detail, one.rows) for one in proof.losses]


def _table(words: Mapping[str, str], name: str, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A heading and a table, or the word for nothing. The first cell of a row is its heading."""
    title = f"<h2>{escape(words[f'{name} title'])}</h2>"
    lines = "\n".join(f"<tr>{''.join(map(_cell, range(len(row)), row))}</tr>" for row in rows)
    if not lines:
        return f"{title}\n<p>{escape(words['none'])}</p>"
    heads = "".join(f'<th scope="col">{escape(words[heading]) if heading else ""}</th>' for heading in headings)
    return f"{title}\n<table><thead><tr>{heads}</tr></thead><tbody>\n{lines}\n</tbody></table>"


def _cell(place: int, value: object) -> str:
    if isinstance(value, int):
        return f'<td class="n">{value:,}</td>'
    text = _shown(str(value))
    return f'<th scope="row">{text}</th>' if place == 0 else f"<td>{text}</td>"


def _shown(text: str) -> str:
    digest = len(text) in (40, 64) and all(character in "0123456789abcdefABCDEF" for character in text)
    return f"<code>{escape(text)}</code>" if digest else escape(text)


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _steps(title: str, steps: Sequence[str]) -> str:
    items = "\n".join(f"<li>{escape(step)}</li>" for step in steps)
    return f"<h2>{escape(title)}</h2>\n<ol>\n{items}\n</ol>" if steps else ""
