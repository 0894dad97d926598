"""The errors of the whole service.

    ServiceError            has a reason: code, what happened, what to do, whether trying again helps
    ├── UsageError          wrong usage or configuration                          exit status 2
    ├── UnreachableError    a partner or a service did not answer; retry later    exit status 3
    ├── RefusedError        a package or a document is not what it must be        exit status 4
    └── IntegrityError      something kept no longer holds                        exit status 4

An error carries a reason code (`reasons.py`) and a detail for the operator. The detail names paths, sizes, settings,
offices, cases: never anything of a person.
"""

from typing import ClassVar

from formats.reasons import Language, Reason, reason


class ServiceError(Exception):
    """Something the service could not do. `code` is in the table of reasons; `detail` is never personal."""

    exit_status: ClassVar[int] = 1

    def __init__(self, code: str, detail: str = "") -> None:
        """Raise KeyError if the code is not in the table of reasons."""
        self.reason: Reason = reason(code)
        self.detail = detail
        super().__init__(code, detail)

    @property
    def code(self) -> str:
        """The reason code, e.g. `T113`."""
        return self.reason.code

    @property
    def retryable(self) -> bool:
        """Whether the same act may succeed later with nothing changed."""
        return self.reason.retry == "later"

    def what(self, language: Language = "en") -> str:
        """What happened, with the detail behind it."""
        text = self.reason.what[language]
        return f"{text}: {self.detail}" if self.detail else text

    def todo(self, language: Language = "en") -> str:
        """What to do about it."""
        return self.reason.todo[language]

    def __str__(self) -> str:
        return f"{self.code} {self.what()}"

    def __reduce__(self) -> tuple[type["ServiceError"], tuple[str, str]]:
        """Errors cross process borders."""
        return (type(self), (self.code, self.detail))


class UsageError(ServiceError):
    """Wrong usage or configuration."""

    exit_status = 2


class UnreachableError(ServiceError):
    """A partner or a service could not be reached or did not answer in time."""

    exit_status = 3


class RefusedError(ServiceError):
    """A package or a document is not what it must be."""

    exit_status = 4


class IntegrityError(ServiceError):
    """Something kept is missing, changed or not accounted for."""

    exit_status = 4
