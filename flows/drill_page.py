"""The report of a drill: as text to be signed, and as one page in the office's language.

The page is one file of well-formed XHTML without scripts and without anything from elsewhere; the signed text is what
counts. Neither names anything of a person.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from importlib import resources
from string import Template

from archive.audit import Problem
from flows.backups import Drilled
from flows.reports import plain
from formats.reasons import Language, reason

_LANG: Mapping[Language, str] = {"zh": "zh-CN", "ko": "ko", "en": "en"}

WORDS: Mapping[Language, Mapping[str, str]] = {
    "en": {
        "title": "Emergency drill of office {office}",
        "sound": "The whole office was restored elsewhere; every original and row compared equals the office's own.",
        "damaged": "The drill found {count} problems.",
        "place": "backup",
        "snapshot": "snapshot",
        "began": "began",
        "ended": "ended",
        "originals": "originals restored, decrypted and compared",
        "bytes": "their bytes",
        "rows": "rows of archive and journal compared",
        "newer": "originals kept since the snapshot",
        "segments": "segments audited",
        "cases": "cases restored",
        "problems": "Problems",
        "none": "None.",
        "proof": "This page shows the signed report {name}; only that one proves anything. Check it with the journal's "
        "public key.",
    },
    "zh": {
        "title": "机构 {office} 应急演练报告",
        "sound": "全部数据已在异地恢复；所比对的每份原件和每条记录均与本机构现有数据一致。",
        "damaged": "演练发现 {count} 个问题。",
        "place": "备份位置",
        "snapshot": "快照",
        "began": "开始时间",
        "ended": "结束时间",
        "originals": "恢复、解密并比对的原件",
        "bytes": "其字节数",
        "rows": "比对的存储记录和日志记录",
        "newer": "快照之后新存的原件",
        "segments": "核查的段",
        "cases": "恢复的业务",
        "problems": "问题",
        "none": "无。",
        "proof": "本页仅为已签名报告 {name} 的展示，证明效力以该报告为准，请用日志公钥验证。",
    },
    "ko": {
        "title": "기관 {office} 비상 복구 훈련 보고서",
        "sound": "기관 전체를 다른 곳에 복원하였고, 비교한 모든 원본과 행이 기관의 것과 같다.",
        "damaged": "훈련에서 문제 {count}건이 발견되었다.",
        "place": "백업 위치",
        "snapshot": "스냅숏",
        "began": "시작",
        "ended": "종료",
        "originals": "복원·복호화하여 비교한 원본",
        "bytes": "그 바이트 수",
        "rows": "비교한 보관소 및 일지 행",
        "newer": "스냅숏 이후 보관된 원본",
        "segments": "점검한 세그먼트",
        "cases": "복원된 사건",
        "problems": "문제",
        "none": "없음.",
        "proof": "이 페이지는 서명된 보고서 {name}을(를) 보여 줄 뿐이며, 증명력은 그 보고서에 있다. "
        "일지의 공개키로 검증한다.",
    },
}


def text(drilled: Drilled) -> str:
    """The report as JSON text that ends its line: what is signed."""
    outcome = "failed" if drilled.problems else "held"
    return json.dumps({"outcome": outcome, **plain(drilled)}, ensure_ascii=False, indent=1) + "\n"


def page(drilled: Drilled, name: str, language: Language) -> bytes:
    """The page in UTF-8; `name` is the file of the signed report beside it."""
    words = WORDS[language]
    template = resources.files("flows").joinpath("drill_page.html").read_text(encoding="utf-8")
    verdict = words["damaged" if drilled.problems else "sound"].format(count=len(drilled.problems))
    return (
        Template(template)
        .substitute(
            lang=_LANG[language],
            title=escape(words["title"].format(office=drilled.office)),
            state="damaged" if drilled.problems else "sound",
            verdict=escape(verdict),
            facts="\n".join(_facts(drilled, words)),
            problems_title=escape(words["problems"]),
            problems=_problems(drilled.problems, words, language),
            proof=escape(words["proof"].format(name=name)),
        )
        .encode("utf-8")
    )


def _facts(drilled: Drilled, words: Mapping[str, str]) -> Iterator[str]:
    compared = drilled.compared
    figures = {
        "place": drilled.place,
        "snapshot": drilled.snapshot,
        "began": drilled.began,
        "ended": drilled.ended,
        "originals": f"{compared.originals:,}",
        "bytes": f"{compared.bytes:,}",
        "rows": f"{compared.rows:,}",
        "newer": f"{compared.newer:,}",
        "segments": f"{drilled.audit.segments:,}",
        "cases": f"{drilled.audit.cases:,}",
    }
    for name, value in figures.items():
        yield f'<tr><th scope="row">{escape(words[name])}</th><td>{escape(value)}</td></tr>'


def _problems(problems: Sequence[Problem], words: Mapping[str, str], language: Language) -> str:
    if not problems:
        return f"<p>{escape(words['none'])}</p>"
    rows = "\n".join(
        f"<tr><td>{item.code}</td><td>{escape(item.subject)}</td><td>{escape(reason(item.code).what[language])}</td></tr>"
        for item in problems
    )
    return f"<table>\n<tbody>\n{rows}\n</tbody>\n</table>"
