"""The insured person's rights record (个人权益记录): the five groups of art. 2 of the Measures.

Every value is the text that stands in the XML, as its XSD type says: money in yuan with two places (`7416.25`), rates
as fractions with four (`0.0800`), months `YYYY-MM`, dates `YYYY-MM-DD`, codes as in `codes.py`. A value that is absent
is the empty text. Values are carried from database to XML and back without conversion, so that no conversion can change
a working life's figures; `rules.py` computes with them in integers (fen).

Rows are named tuples, not dataclasses: a record has thousands, and a frozen dataclass takes six times as long to make.
The names of fields, turned into camelCase, are the attribute names in XML (`employer_due`, `employerDue`).
"""

from dataclasses import dataclass
from typing import NamedTuple


class Person(NamedTuple):
    """The insured person (art. 2(1)); codes of LD/T 92 in brackets."""

    social_security_number: str  # AAC002 社会保障号码
    name: str  # AAC003 姓名
    sex: str  # AAC004 性别, GB/T 2261.1
    ethnic_group: str  # AAC005 民族, GB/T 3304
    birth_date: str  # AAC006 出生日期
    first_work_date: str  # AAC007 参加工作日期
    document_type: str  # AAC058 证件类型
    document_number: str  # AAC147 证件号码
    nationality: str  # AAC161 国籍(地区)
    household_place: str = ""  # AAC010 户籍所在地 (division code)
    personal_status: str = ""  # AAC012 个人身份
    employment_status: str = ""  # AAC016 就业状态
    first_enrolment_month: str = ""  # AAC049 首次参保年月
    retirement_date: str = ""  # AIC162 离退休日期
    death_date: str = ""  # AAE138 死亡日期


class Employer(NamedTuple):
    """An employer (用人单位) that rows refer to by `employer_id`."""

    employer_id: str  # AAB001 单位编码
    name: str  # AAB004 单位名称
    credit_code: str  # AAB998 统一社会信用代码, GB 32100
    employer_type: str = ""  # AAB019 单位类型
    economic_type: str = ""  # AAB020 经济类型
    industry: str = ""  # AAB022 行业代码
    division: str = ""  # AAB301 行政区划代码


class Enrolment(NamedTuple):
    """One enrolment spell (参保) in one insurance kind."""

    kind: str  # AAE140 险种类型
    division: str  # AAB301 行政区划代码
    enrolment_status: str  # AAC008 个人参保状态
    contribution_status: str  # AAC031 个人缴费状态
    started: str  # AAE030 本次开始日期
    ended: str = ""  # AAE031 本次终止日期
    employer_id: str = ""  # AAB001 单位编码
    base: str = ""  # AAE180 缴费基数 (current)
    retired: str = "0"  # AAC084 离退休标志


class Contribution(NamedTuple):
    """What was due and paid for one month, kind and place (art. 2(2)). Money in yuan, rates as fractions."""

    kind: str  # AAE140 险种类型
    month: str  # AAE003 对应费款所属期: the month the money is for
    settled: str  # AAE002 结算年月: when it was settled
    contribution_type: str  # AAA115 应缴类型
    division: str  # AAB301 行政区划代码
    employer_id: str  # AAB001 单位编码
    wage: str  # AAC040 工资
    base: str  # AAE180 缴费基数
    employer_rate: str  # AAA042 单位缴费比例
    person_rate: str  # AAA041 个人缴费比例
    employer_due: str  # AAE020 单位应缴
    employer_due_account: str  # AAE021 单位应缴划入个人账户
    person_due: str  # AAE022 个人应缴
    person_due_account: str  # AAE023 个人应缴划入个人账户
    employer_paid: str  # AAE080 单位实缴
    employer_paid_account: str  # AAE081 单位实缴划入个人账户
    person_paid: str  # AAE082 个人实缴
    person_paid_account: str  # AAE083 个人实缴划入个人账户
    received: str  # AAE079 到账日期


class Subsidy(NamedTuple):
    """A subsidy (补贴) credited to the person (art. 2(2))."""

    kind: str  # AAE140 险种类型
    month: str  # AAE003 对应费款所属期
    funding_item: str  # AAE341 筹资项目
    amount: str  # AAE019 金额
    division: str  # AAB301 行政区划代码
    received: str = ""  # AAE079 到账日期


class Benefit(NamedTuple):
    """One benefit paid (art. 2(3))."""

    kind: str  # AAE140 险种类型
    item: str  # AAA036 待遇项目代码
    month: str  # EAC064 待遇年月
    amount: str  # AAE019 待遇金额
    from_account: str  # EIC013 个账支付金额
    status: str  # AAE116 待遇发放状态
    division: str  # AAB301 行政区划代码


class MonthTotal(NamedTuple):
    """Contribution months (缴费年限) of one kind (art. 2(4)); numbers of months as text."""

    kind: str  # AAE140 险种类型
    first: str  # AAE041 起始年月
    last: str  # AAE042 终止年月
    actual: str  # AAE201 实际缴费月数: months fully paid
    deemed: str  # AAE200 视同缴费月数
    total: str  # EAC047 累计缴费月数


class AccountYear(NamedTuple):
    """One year of the personal account (个人账户) of one kind (art. 2(4)); money in yuan.

    closing = opening + credited + interest - paid, and the same for the person's part.
    """

    kind: str  # AAE140 险种类型
    year: str  # AAE001 年度
    months: str  # AIC079 本年缴费月数
    rate: str  # 记账利率 of the year, as a fraction with six places
    opening: str  # AIC200 年初金额
    credited: str  # AAE381 当年记账金额
    interest: str  # AAE269 当年记账利息
    paid: str  # AIC340 本年支出
    closing: str  # AAE382 年末累计储存额
    opening_person: str  # of it the person's part
    credited_person: str  # AAE264 其中个人
    interest_person: str  # AAE265 个人
    paid_person: str  # of it the person's part
    closing_person: str  # AAE273 个人


class OtherEntry(NamedTuple):
    """Other information that shows the person's rights (art. 2(5)), as text."""

    topic: str  # what it is about, e.g. `deemed-service`
    date: str
    text: str  # AAE013 备注


@dataclass(frozen=True, slots=True)
class Record:
    """One insured person's rights record."""

    person: Person
    employers: tuple[Employer, ...] = ()
    enrolments: tuple[Enrolment, ...] = ()
    contributions: tuple[Contribution, ...] = ()
    subsidies: tuple[Subsidy, ...] = ()
    benefits: tuple[Benefit, ...] = ()
    months: tuple[MonthTotal, ...] = ()
    account: tuple[AccountYear, ...] = ()
    other: tuple[OtherEntry, ...] = ()
