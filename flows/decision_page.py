"""The written result of an objection (异议复核结果, art. 16) for the person who made it: one page."""

from collections.abc import Mapping
from datetime import datetime

from archive import cases
from archive.objections import Objection
from flows import comparing, documents, objections
from flows.sheet import Table
from flows.sheet import page as sheet
from flows.wiring import Office
from formats import xml
from formats.errors import UsageError
from formats.messages import Delivery
from formats.reasons import Language
from formats.workdays import beijing_day

WORDS: Mapping[Language, Mapping[str, str]] = {
    "en": {
        "title": "Result of the review of an objection",
        "office": "Office: {name} ({code}). Date: {day}. Case: {case}.",
        "person": "To {name}, social security number {number}.",
        "entered": "Your objection of {day} was reviewed (社会保险个人权益记录管理办法, art. 16).",
        "corrected": "Result: the record was wrong in part and is corrected.",
        "stands": "Result: the record is right and stands as it is.",
        "reasons": "Reasons: {text}",
        "remedy": "If you disagree, you may apply for administrative reconsideration or bring an administrative suit.",
        "changes": "What was corrected",
        "place": "place",
        "before": "old",
        "after": "new",
    },
    "zh": {
        "title": "社会保险个人权益记录异议复核结果",
        "office": "经办机构：{name}（{code}）。日期：{day}。业务编号：{case}。",
        "person": "{name}，社会保障号码 {number}：",
        "entered": "您于 {day} 提出的异议已经复核（《社会保险个人权益记录管理办法》第十六条）。",
        "corrected": "复核结果：记录确有错误，予以更正。",
        "stands": "复核结果：记录无误，不予更正。",
        "reasons": "理由：{text}",
        "remedy": "如有异议，可依法申请行政复议或者提起行政诉讼。",
        "changes": "更正内容",
        "place": "位置",
        "before": "原值",
        "after": "新值",
    },
    "ko": {
        "title": "사회보험 개인 권익 기록 이의 재확인 결과",
        "office": "기관: {name} ({code}). 날짜: {day}. 사건: {case}.",
        "person": "{name} 님, 사회보장번호 {number}",
        "entered": "{day}에 제기하신 이의를 재확인하였다(《사회보험가입자 개인권익기록 관리방법》 제16조).",
        "corrected": "결과: 기록에 잘못이 있어 정정한다.",
        "stands": "결과: 기록에 잘못이 없어 그대로 둔다.",
        "reasons": "이유: {text}",
        "remedy": "동의하지 않으면 법에 따라 행정재심을 신청하거나 행정소송을 제기할 수 있다.",
        "changes": "정정한 내용",
        "place": "위치",
        "before": "이전 값",
        "after": "새 값",
    },
}


def decision(office: Office, number: str, text: str, language: Language, who: str, at: datetime) -> bytes:
    """The page in UTF-8 for the objection to a case that was decided last; the journal says who took the record out.

    `text` are the reasons; empty for those that were written when the record was stood by. Raises UsageError S411 (no
    objection is decided), S412, S421 (nobody wrote any reasons); as `documents.of_case`.
    """
    row = cases.find(office.ledger, number)
    decided = [item for item in objections.of_case(office, row) if item.ending]
    if not decided:
        raise UsageError("S411", f"{number} has no objection that was decided")
    last = decided[-1]
    said = text or (objections.reasons(office, row) if last.ending == "stands" else "")
    if last.ending == "stands" and not said:
        raise UsageError("S421", "--text: why the record stands is written nowhere")
    document = documents.of_case(office, number)
    documents.note_taken_out(office, document.original, who, at)
    delivery = xml.decode(document.data, office.document_limits)
    words = WORDS[language]
    lines = [*_heading(office, number, delivery, last, words, at), words[last.ending]]
    if said:
        lines.append(words["reasons"].format(text=said))
    lines.append(words["remedy"])
    tables = (_changes(office, number, words),) if _corrects(delivery, last) else ()
    return sheet(language, words["title"], lines, tables)


def _corrects(delivery: object, last: Objection) -> bool:
    """Whether the newest delivery is the correction for this objection, and not one of before, or none yet."""
    return (
        last.ending == "corrected"
        and isinstance(delivery, Delivery)
        and delivery.correction is not None
        and delivery.header.sent >= last.entered
    )


def _heading(
    office: Office, number: str, delivery: object, last: Objection, words: Mapping[str, str], at: datetime
) -> list[str]:
    """Who writes to whom, and about which objection."""
    day = beijing_day(at).isoformat()
    lines = [words["office"].format(name=office.settings.name, code=office.code, day=day, case=number)]
    if isinstance(delivery, Delivery):
        person = delivery.record.person
        lines.append(words["person"].format(name=person.name, number=person.social_security_number))
    entered = beijing_day(datetime.fromisoformat(last.entered or last.decided)).isoformat()
    return [*lines, words["entered"].format(day=entered)]


def _changes(office: Office, number: str, words: Mapping[str, str]) -> Table:
    """Old and new of the correction."""
    found = comparing.of_case(office, number).differences
    headings = (words["place"], words["before"], words["after"])
    return Table(words["changes"], headings, [(item.change.path, item.before, item.after) for item in found])
