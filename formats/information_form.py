"""The information form of a pension transfer (基本养老保险关系转移接续信息表): form one and form two as values.

The sending office fills it in from the record; it travels in the delivery beside the record, and the receiving office
computes it again. Every value is text as in `record.py`: money in yuan with two places, rates as fractions with four,
months `YYYY-MM`; a value that is absent is the empty text. Codes of LD/T 92 in brackets.
"""

from dataclasses import dataclass
from typing import NamedTuple


class FormPeriod(NamedTuple):
    """One row of form two (信息表二): months of one year at one place."""

    division: str  # AAB299 行政区划代码
    division_name: str  # AAB300 地区名称
    year: str  # AAE001 年度
    first: str  # AAE041 起始年月
    last: str  # AAE042 终止年月
    months: str  # AAE202 月数
    base: str  # AAE180 月缴费基数
    employer_rate: str  # AAA042 单位缴费比例
    account_rate: str  # AAA043 划入账户比例
    person_rate: str  # AAA041 个人缴费比例
    credited: str  # AAE381 当年记账金额
    credited_person: str  # AAE264 其中个人
    interest: str  # AAE269 当年记账利息
    interest_person: str  # AAE265 其中个人
    closing: str  # AAE382 年末累计储存额
    closing_person: str  # AAE273 其中个人
    remark: str = ""  # AAE013 备注


class FormSums(NamedTuple):
    """Form one (信息表一): what the person has at the sending office, and what is moved.

    account = before_1998 + until_last_year + this_year; total = account + pooled.
    """

    kind: str  # AAE140 险种类型
    first: str  # AAE030 本地缴费起始年月
    last: str  # AAE031 本地缴费终止年月
    months: str  # AAE201 本地实际缴费月数
    transferred: str  # AAE035 转移时间 (date)
    before_1998: str  # AIC093 1998年1月1日前个人缴费累计储存额
    until_last_year: str  # AIC089 1998年1月1日至调转上年末账户累计储存额
    this_year: str  # AIC082 调转当年记入本金
    account: str  # AIC083 个人账户转移额
    pooled: str  # AIC084 统筹基金转移额
    total: str  # AIC102 转移基金总额
    employer: str = ""  # AAB004 转出单位名称
    first_work_date: str = ""  # AAC007 参加工作时间
    first_person_month: str = ""  # AAB305 首次参保地实行个人缴费时间
    first_contribution: str = ""  # AAC049 本人首次缴费时间
    account_opened: str = ""  # AAC032 建立个人账户时间
    temporary: str = "0"  # 临时基本养老保险缴费账户: 1 where what is moved is one


@dataclass(frozen=True, slots=True)
class InformationForm:
    """Both forms of one insurance kind."""

    sums: FormSums
    periods: tuple[FormPeriod, ...] = ()
