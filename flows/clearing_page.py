"""The sheet by which an officer and the person agree how months that were paid twice are cleared (先转后清)."""

from collections.abc import Mapping

from flows.clearing import Proposal
from flows.sheet import Table
from flows.sheet import page as sheet
from formats.reasons import Language

WORDS: Mapping[Language, Mapping[str, str]] = {
    "en": {
        "title": "Clearing of months paid twice, case {case}",
        "kept": "Kept: {side}.",
        "delivered": "the relation that was transferred",
        "stored": "the relation at this office",
        "total": "Refund of the cleared months' account: {refund} yuan. Months that count afterwards: {months}.",
        "rule": "人社部发〔2010〕70号 art. 10: the relation moves first, then the receiving office clears; a month "
        "counts once. Refunds are booked as contributions of type 20.",
        "months": "Months that were paid twice",
        "month": "month",
        "side": "kept",
        "kinds": "cleared: kinds",
        "places": "cleared: places",
        "years": "How the refund comes about",
        "year": "year",
        "of": "cleared at",
        "credited": "principal",
        "interest": "interest",
        "closing": "balance",
        "resident": "Residents' pension for the same months (人社部发〔2014〕17号 art. 7)",
        "count": "months",
        "paid": "paid in the year",
        "back": "refund",
    },
    "zh": {
        "title": "重复缴费清理表（业务 {case}）",
        "kept": "保留：{side}。",
        "delivered": "转入的养老保险关系",
        "stored": "本机构的养老保险关系",
        "total": "清理月份个人账户应退 {refund} 元；清理后计算的缴费月数 {months} 个月。",
        "rule": "人社部发〔2010〕70号第十条：先转后清，由转入地清理，同一月份只计算一次。"
        "退费按缴费类型 20（退收）入账。",
        "months": "重复缴费的月份",
        "month": "月份",
        "side": "保留",
        "kinds": "清理险种",
        "places": "清理地区",
        "years": "应退金额的计算",
        "year": "年度",
        "of": "清理方",
        "credited": "本金",
        "interest": "利息",
        "closing": "余额",
        "resident": "同期城乡居民养老保险（人社部发〔2014〕17号第七条）",
        "count": "月数",
        "paid": "当年缴费",
        "back": "应退",
    },
    "ko": {
        "title": "중복 납부 정리표 (사건 {case})",
        "kept": "유지: {side}.",
        "delivered": "이전해 온 관계",
        "stored": "이 기관의 관계",
        "total": "정리한 달의 개인계좌 환급액 {refund}위안, 정리 후 인정되는 납부월 {months}개월.",
        "rule": "인사부발〔2010〕70호 제10조: 먼저 이전하고 그다음 수신 기관이 정리하며, 한 달은 한 번만 인정한다. "
        "환급은 납부 유형 20으로 기장한다.",
        "months": "두 번 납부한 달",
        "month": "월",
        "side": "유지",
        "kinds": "정리한 종류",
        "places": "정리한 지역",
        "years": "환급액의 계산",
        "year": "연도",
        "of": "정리한 쪽",
        "credited": "원금",
        "interest": "이자",
        "closing": "잔액",
        "resident": "같은 기간의 주민 양로보험 (인사부발〔2014〕17호 제7조)",
        "count": "월수",
        "paid": "그해 납부",
        "back": "환급",
    },
}


def page(proposal: Proposal, language: Language) -> bytes:
    """The sheet in UTF-8. It is about a person: for the person's file, and for nobody else."""
    words, clearing = WORDS[language], proposal.clearing
    lines = (
        words["kept"].format(side=words[proposal.keep]),
        words["total"].format(refund=clearing.refund, months=clearing.months),
        words["rule"],
    )
    months = Table(
        words["months"],
        (words["month"], words["side"], words["kinds"], words["places"]),
        [(one.month, words[one.kept], " ".join(one.kinds), " ".join(one.divisions)) for one in clearing.cleared],
    )
    years = Table(
        words["years"],
        (words["year"], words["of"], words["credited"], words["interest"], words["closing"]),
        [(one.year, words[one.side], one.credited, one.interest, one.closing) for one in clearing.years],
    )
    resident = Table(
        words["resident"],
        (words["year"], words["count"], words["paid"], words["back"]),
        [(one.year, str(one.months), one.paid, one.refund) for one in proposal.resident],
    )
    return sheet(language, words["title"].format(case=proposal.case.case), lines, (months, years, resident))
