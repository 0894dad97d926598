"""The night of the switch: what to do in which order, and how to get back, in the office's language."""

from collections.abc import Mapping
from typing import Final

from formats.reasons import Language
from migration.proof import Proof, Verdict

_CUT_OVER: Final[Mapping[Language, tuple[str, ...]]] = {
    "en": (
        "Stop every program that writes to the source ({source}); set the source to read-only.",
        (
            "Run jiexu migrate prove once more on this folder: it must say equal, and that the source is as it "
            "was frozen. If the source has changed, begin a new migration into an empty target."
        ),
        "Have two people look at this proof: verdict, tables, declared rules, what is not carried.",
        (
            "Make by hand what the list of things not carried says is needed; give programs their accounts in "
            "the target."
        ),
        "Point the programs to {target}, one first; look up and compare three known records; then the others.",
        "Back up the target, and jiexu archive backup: the freeze is among the originals.",
        "Keep the source read-only until the next audit at least; the freeze stays for good (art. 9).",
    ),
    "zh": (
        "停止所有写入源环境（{source}）的程序，并将源环境设为只读。",
        (
            "对本目录再次运行 jiexu migrate prove：结论必须为相等，且源数据与冻结时相同。如源数据已变化，请"
            "向空的目标环境重新迁移。"
        ),
        "由两人查看本证明：结论、数据表、声明的规则、未迁移的内容。",
        "按未迁移内容清单，手工补建所需对象；在目标环境中为应用程序建立账户。",
        "先将一个应用程序指向 {target}，查询并比对三条已知记录，再切换其余应用程序。",
        "备份目标环境，并运行 jiexu archive backup：冻结数据已在备查原件中。",
        "源环境至少保持只读至下次核查；冻结数据长期保存（第九条）。",
    ),
    "ko": (
        "원본({source})에 쓰는 모든 프로그램을 멈추고 원본을 읽기 전용으로 한다.",
        (
            "이 폴더에 jiexu migrate prove를 다시 실행한다. 결과가 같음이고 원본이 동결 때와 같아야 한다. 원본이 "
            "바뀌었으면 빈 대상으로 다시 이관한다."
        ),
        "두 사람이 이 증명을 본다: 결과, 테이블, 선언된 규칙, 옮기지 않은 것.",
        "옮기지 않은 것의 목록에서 필요한 것을 손으로 만들고, 대상에 프로그램의 계정을 만든다.",
        "먼저 한 프로그램을 {target}에 연결해 아는 기록 세 건을 조회해 비교한 뒤 나머지를 전환한다.",
        "대상을 백업하고 jiexu archive backup을 실행한다. 동결은 원본들 가운데 있다.",
        "원본은 적어도 다음 감사까지 읽기 전용으로 두고, 동결은 계속 보존한다(제9조).",
    ),
}
_WAY_BACK: Final[Mapping[Language, tuple[str, ...]]] = {
    "en": (
        (
            "Stop every program that writes to {target}; set it to read-only, and keep it: what was written there "
            "since the cut-over is nowhere else."
        ),
        "Point the programs back to {source} and allow writing again.",
        "Run jiexu migrate verify proof.json: its differences are exactly what was written to the target since.",
        "Decide with the business side which of these are entered again in the source; log the decision.",
    ),
    "zh": (
        "停止所有写入 {target} 的程序，将其设为只读并保留：切换后写入的内容别处没有。",
        "将应用程序指回 {source}，恢复写入。",
        "运行 jiexu migrate verify proof.json：所列差异正是切换后写入目标环境的内容。",
        "与业务部门商定哪些内容需在源环境补录，并记入日志。",
    ),
    "ko": (
        "{target}에 쓰는 모든 프로그램을 멈추고 읽기 전용으로 보존한다. 전환 뒤에 쓴 것은 다른 곳에 없다.",
        "프로그램을 {source}로 되돌리고 쓰기를 다시 허용한다.",
        "jiexu migrate verify proof.json을 실행한다. 그 차이가 바로 전환 뒤 대상에 쓴 것이다.",
        "업무 부서와 그중 무엇을 원본에 다시 입력할지 정하고 기록한다.",
    ),
}


def steps(proof: Proof, language: Language) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Cut-over and way back for this migration; none of a target that may not be used."""
    if proof.verdict is not Verdict.EQUAL:
        return (), ()
    places = {"source": proof.source.shown, "target": proof.target.shown}
    cut_over, way_back = _CUT_OVER[language], _WAY_BACK[language]
    return tuple(text.format(**places) for text in cut_over), tuple(text.format(**places) for text in way_back)
