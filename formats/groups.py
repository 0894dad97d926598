"""The five groups of the rights record (art. 2 of the Measures), by which a lookup's scope is named."""

from collections.abc import Mapping
from types import MappingProxyType

# Group -> the fields of `formats.record.Record` that are its rows, in the order of art. 2.
PARTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "registration": ("person", "employers", "enrolments"),  # art. 2(1) 登记信息
        "contributions": ("contributions", "subsidies"),  # art. 2(2) 缴费和补贴
        "benefits": ("benefits",),  # art. 2(3) 待遇
        "account": ("months", "account"),  # art. 2(4) 缴费年限和个人账户
        "other": ("other",),  # art. 2(5) 其他
    }
)
GROUPS: tuple[str, ...] = tuple(PARTS)
