"""The page that shows two versions of a case's record side by side: old, new, place by place, with both digests."""

from collections.abc import Mapping

from flows.comparing import Comparison
from flows.sheet import Table
from flows.sheet import page as sheet
from formats.reasons import Language

WORDS: Mapping[Language, Mapping[str, str]] = {
    "en": {
        "title": "What changed in case {case}",
        "old": "Old: the delivery with SHA-256 {digest}.",
        "new": "New: the delivery with SHA-256 {digest}.",
        "now": "New: the records database as it is now.",
        "none": "Nothing differs.",
        "changes": "Old and new",
        "place": "place",
        "change": "change",
        "before": "old",
        "after": "new",
        "added": "added",
        "removed": "removed",
        "changed": "changed",
    },
    "zh": {
        "title": "业务 {case} 更正前后对照",
        "old": "更正前：转移报文，SHA-256 {digest}。",
        "new": "更正后：转移报文，SHA-256 {digest}。",
        "now": "现状：记录库当前内容。",
        "none": "没有差异。",
        "changes": "前后对照",
        "place": "位置",
        "change": "变动",
        "before": "原值",
        "after": "新值",
        "added": "增加",
        "removed": "删除",
        "changed": "修改",
    },
    "ko": {
        "title": "사건 {case}의 변경 전후 대조",
        "old": "변경 전: SHA-256 {digest}인 이전 문서.",
        "new": "변경 후: SHA-256 {digest}인 이전 문서.",
        "now": "현재: 기록 데이터베이스의 지금 내용.",
        "none": "다른 것이 없다.",
        "changes": "전후 대조",
        "place": "위치",
        "change": "변동",
        "before": "이전 값",
        "after": "새 값",
        "added": "추가",
        "removed": "삭제",
        "changed": "변경",
    },
}


def page(found: Comparison, language: Language) -> bytes:
    """The page in UTF-8. It is about a person: for the office's own work, and for nobody else."""
    words = WORDS[language]
    lines = [words["old"].format(digest=found.before.digest)]
    lines.append(words["now"] if found.after is None else words["new"].format(digest=found.after.digest))
    if not found.differences:
        lines.append(words["none"])
    table = Table(
        words["changes"],
        (words["place"], words["change"], words["before"], words["after"]),
        [(item.change.path, words[item.change.change], item.before, item.after) for item in found.differences],
    )
    return sheet(language, words["title"].format(case=found.case), lines, (table,))
