"""The settings of one office: the only reader of `office.toml` and of the environment.

A home is one office's folder. `office.toml` in it holds every setting; what must not lie in a file beside the data can
come from the environment instead:

    JIEXU_HOME             the home, when -C is not given
    JIEXU_PASSPHRASE       the passphrase of the office's key
    JIEXU_LEDGER_URL       the ledger, e.g. postgresql+psycopg://user:password@host/ledger
    JIEXU_RECORDS_URL      the records database
    PREFECT_API_URL        a Prefect server; the engine is then `server` unless another is asked for
"""

import math
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

from archive.egress import Caps
from formats.errors import UsageError
from formats.identifiers import is_agency_code
from formats.messages import STAGES, Environment
from formats.profile import SHIPPED
from formats.reasons import LANGUAGES, Language

Engine = Literal["direct", "embedded", "server"]
ENGINES: tuple[Engine, ...] = ("direct", "embedded", "server")
# Whether each approval must be signed with the person's own key.
Signing = Literal["required", "optional"]
SIGNING: tuple[Signing, ...] = ("required", "optional")
FILE = "office.toml"

# The settings in office.toml that are not fields of a class of their own, by section.
NAMES: Mapping[str, tuple[str, ...]] = {
    "office": ("code", "name", "environment", "stages", "signatures", "language"),
    "storage": ("ledger", "records", "folder", "archive", "profile"),
    "keys": ("passphrase_file", "overlap_days", "warn_days"),
}

# The sections whose settings are the fields of a class.
_SECTIONS = "mailbox", "limits", "work", "schedule", "archive", "lookup", "egress", "calendar", "contact", "payee"

T = TypeVar("T", bound=str)
S = TypeVar(
    "S",
    "LimitSettings",
    "WorkSettings",
    "MailboxSettings",
    "ScheduleSettings",
    "ArchiveSettings",
    "LookupSettings",
    "EgressSettings",
    "CalendarSettings",
    "ContactSettings",
    "PayeeSettings",
)


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """What a partner's package may cost: sizes in bytes, rows in number."""

    package_bytes: int = 64 * 2**20
    document_bytes: int = 64 * 2**20
    rows: int = 200_000


@dataclass(frozen=True, slots=True)
class WorkSettings:
    """How work is cut up: cases in one transaction, cases in one task, processes side by side."""

    engine: Engine = "direct"
    batch: int = 25
    task: int = 500
    workers: int = 1


@dataclass(frozen=True, slots=True)
class ScheduleSettings:
    """How often `jiexu serve` starts each pass, in seconds."""

    send: int = 600
    receive: int = 300
    acknowledge: int = 300
    upkeep: int = 86_400


@dataclass(frozen=True, slots=True)
class ArchiveSettings:
    """How originals are kept (arts. 9, 10): a segment's size in bytes and age in hours, and the upkeep's share.

    `audit_minutes` is the time one scheduled audit takes, `audit_days` the longest that a segment stays unread.
    `backup` is where the scheduled backup goes, empty for nowhere: the path of a folder (absolute once it is read from
    the file), an `sftp://` URL whose host key is `backup_host_key`, or a URL that fsspec knows.
    """

    segment_bytes: int = 256 * 2**20
    segment_hours: int = 24
    audit_minutes: int = 10
    audit_days: int = 90
    backup: str = ""
    backup_host_key: str = ""


@dataclass(frozen=True, slots=True)
class LookupSettings:
    """The caps on lookups: different persons by one user in a day, and lookups by the whole office in a day."""

    person_per_day: int = 20
    per_day: int = 200


@dataclass(frozen=True, slots=True)
class EgressSettings:
    """How much may leave: deliveries in a day, of the office and to one partner; bytes of a package."""

    cases_per_day: int = 20_000
    cases_per_partner_per_day: int = 10_000
    bytes_per_package: int = 16 * 2**20

    @property
    def caps(self) -> Caps:
        """Those of a day."""
        return Caps(self.cases_per_day, self.cases_per_partner_per_day)


@dataclass(frozen=True, slots=True)
class CalendarSettings:
    """Files of the office's own days and of its own limits, empty for none (`flows.working_calendar`).

    `remind` is the number of working days after which a partner is reminded again of what is overdue.
    """

    days: str = ""
    limits: str = ""
    remind: int = 5


@dataclass(frozen=True, slots=True)
class ContactSettings:
    """What the office's contact letters say of itself: telephone, address, postcode of six digits."""

    phone: str = ""
    address: str = ""
    postcode: str = ""


@dataclass(frozen=True, slots=True)
class PayeeSettings:
    """The bank account into which transferred funds are to be paid; a letter asks for money where all is given."""

    account_name: str = ""
    bank: str = ""
    bank_number: str = ""
    account: str = ""


@dataclass(frozen=True, slots=True)
class MailboxSettings:
    """Where this office collects: `folder:PATH` or `sftp://user@host:port/folder`; timeout in seconds."""

    url: str = "folder:mailbox"
    host_key: str = ""
    ssh_key: str = "keys/ssh"
    timeout: float = 30.0

    @property
    def folder(self) -> str:
        """The path in a `folder:` URL, empty for any other."""
        return self.url.removeprefix("folder:") if self.url.startswith("folder:") else ""


@dataclass(frozen=True, slots=True)
class Settings:
    """One office's settings, checked. Relative paths in the file are relative to the home."""

    home: Path
    code: str
    name: str
    environment: Environment = "production"
    stages: tuple[str, ...] = STAGES
    signatures: Signing = "optional"
    language: Language = "en"
    ledger_url: str = ""
    records_url: str = ""
    folder: str = ""
    archive_folder: str = ""
    profile: str = ""
    passphrase_file: str = "keys/passphrase"  # noqa: S105 - where it lies, not what it is
    overlap_days: int = 30  # for which a key counts beside the one that takes its place
    warn_days: tuple[int, ...] = (60, 30, 7)  # before a key's end at which passes begin to warn, and say how near it is
    mailbox: MailboxSettings = field(default_factory=MailboxSettings)
    limits: LimitSettings = field(default_factory=LimitSettings)
    work: WorkSettings = field(default_factory=WorkSettings)
    schedule: ScheduleSettings = field(default_factory=ScheduleSettings)
    archive: ArchiveSettings = field(default_factory=ArchiveSettings)
    lookup: LookupSettings = field(default_factory=LookupSettings)
    egress: EgressSettings = field(default_factory=EgressSettings)
    calendar: CalendarSettings = field(default_factory=CalendarSettings)
    contact: ContactSettings = field(default_factory=ContactSettings)
    payee: PayeeSettings = field(default_factory=PayeeSettings)

    def path(self, relative: str) -> Path:
        """A path of the home."""
        return self.home / relative

    def stored(self, name: str) -> Path:
        """Where `archive`, `inbox` or `quarantine` lies: in the home, or in the folder of `storage.folder`.

        The archive has a place of its own once `jiexu migrate home` has moved it: `storage.archive`.

        Machines that share a ledger must share that folder, since what one machine seals or fetches another posts or
        settles.
        """
        own = self.archive_folder if name == "archive" else ""
        return self.home / (own or Path(self.folder) / name)

    @property
    def profile_file(self) -> Path | None:
        """The file of the office's own mapping profile; None where it uses one that is shipped."""
        return None if self.profile in ("", *SHIPPED) else self.path(self.profile)

    def mailbox_folder(self) -> Path:
        """Where a mailbox that is a folder lies."""
        return (self.home / self.mailbox.folder).resolve()

    def passphrase(self) -> str:
        """The passphrase of the office's key, from the environment or its file. Raises UsageError S408."""
        given = os.environ.get("JIEXU_PASSPHRASE")
        if given:
            return given
        try:
            return self.path(self.passphrase_file).read_text(encoding="utf-8").rstrip("\n")
        except OSError as error:
            raise UsageError("S408", f"no JIEXU_PASSPHRASE and {self.passphrase_file}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise UsageError("S408", f"no JIEXU_PASSPHRASE and {self.passphrase_file} is not text") from None

    def engine(self, asked: str = "") -> Engine:
        """The engine to use: the one asked for, else `server` when a Prefect server is named, else the setting."""
        if asked:
            return _choice("engine", asked, ENGINES)
        return "server" if os.environ.get("PREFECT_API_URL") else self.work.engine


def home_of(option: str | Path | None) -> Path:
    """The home from the option -C, else JIEXU_HOME, else the current folder."""
    return Path(option or os.environ.get("JIEXU_HOME") or ".").absolute()


def load(home: Path) -> Settings:
    """Read and check a home's settings. Raises UsageError S402 (no office there) or S401 (which setting is wrong)."""
    try:
        text = (home / FILE).read_text(encoding="utf-8")
    except OSError:
        raise UsageError("S402", str(home)) from None
    except UnicodeDecodeError:
        raise UsageError("S401", f"{FILE} is not UTF-8") from None
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError("S401", f"{FILE}: {error}") from None
    settings = parse(home, data, os.environ)
    if not settings.path(settings.folder).is_dir():  # a shared folder that is not mounted must not be made here
        raise UsageError("S401", f"storage.folder: there is no folder {settings.folder}")
    if not settings.path(settings.archive_folder).is_dir():  # nor an archive begin anew
        raise UsageError("S401", f"storage.archive: there is no folder {settings.archive_folder}")
    return settings


def parse(home: Path, data: Mapping[str, Any], environ: Mapping[str, str]) -> Settings:
    """Settings from the parsed file and the environment. Raises UsageError S401."""
    _known("", data, (*NAMES, *_SECTIONS))
    office, storage, keys = (_section(data, name) for name in ("office", "storage", "keys"))
    for section, names in NAMES.items():
        _known(section, _section(data, section), names)
    code = _text("office.code", office.get("code", ""))
    if not is_agency_code(code):
        raise UsageError("S401", "office.code is not an 8-digit agency code")
    return Settings(
        home=home,
        code=code,
        name=_name(office.get("name", "")),
        environment=_choice("office.environment", office.get("environment", "production"), ("production", "test")),
        stages=_stages(office.get("stages", STAGES)),
        signatures=_choice("office.signatures", office.get("signatures", "optional"), SIGNING),
        language=_choice("office.language", office.get("language", "en"), LANGUAGES),
        ledger_url=environ.get("JIEXU_LEDGER_URL") or _database(home, "ledger", storage),
        records_url=environ.get("JIEXU_RECORDS_URL") or _database(home, "records", storage),
        folder=_text("storage.folder", storage.get("folder", "")),
        archive_folder=_text("storage.archive", storage.get("archive", "")),
        profile=_text("storage.profile", storage.get("profile", "")),
        passphrase_file=_text("keys.passphrase_file", keys.get("passphrase_file", "keys/passphrase")),
        overlap_days=_days("keys.overlap_days", (keys.get("overlap_days", 30),))[0],
        warn_days=_days("keys.warn_days", keys.get("warn_days", (60, 30, 7))),
        mailbox=_positive("mailbox", _values("mailbox", MailboxSettings, data)),
        limits=_positive("limits", _values("limits", LimitSettings, data)),
        work=_work(data),
        schedule=_positive("schedule", _values("schedule", ScheduleSettings, data)),
        archive=_archive(home, data),
        lookup=_positive("lookup", _values("lookup", LookupSettings, data)),
        egress=_positive("egress", _values("egress", EgressSettings, data)),
        calendar=_positive("calendar", _values("calendar", CalendarSettings, data)),
        contact=_values("contact", ContactSettings, data),
        payee=_values("payee", PayeeSettings, data),
    )


def _database(home: Path, name: str, storage: Mapping[str, Any]) -> str:
    return _text(f"storage.{name}", storage.get(name, "")) or f"sqlite:///{home / name}.db"


def _name(value: object) -> str:
    """An office's name: partners get it in one line of the card."""
    name = _text("office.name", value)
    if not name.strip() or not name.isprintable():
        raise UsageError("S401", "office.name must be one line of text")
    return name


def _work(data: Mapping[str, Any]) -> WorkSettings:
    work = _values("work", WorkSettings, data)
    _choice("work.engine", work.engine, ENGINES)
    return _positive("work", work)


def _archive(home: Path, data: Mapping[str, Any]) -> ArchiveSettings:
    """A folder for backups is relative to the home, like every path in the file, wherever the process was started."""
    own = _positive("archive", _values("archive", ArchiveSettings, data))
    folder = own.backup and "://" not in own.backup
    return replace(own, backup=str(home / own.backup)) if folder else own


def _positive(name: str, values: S) -> S:
    for item in fields(values):
        value = getattr(values, item.name)
        if isinstance(value, (int, float)) and not 0 < value < math.inf:
            raise UsageError("S401", f"{name}.{item.name} must be more than 0")
    return values


def _section(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = data.get(name, {})
    if not isinstance(section, dict):
        raise UsageError("S401", f"[{name}] is not a table")
    return section


def _known(where: str, data: Mapping[str, Any], names: Sequence[str]) -> None:
    """A setting with a slip of the pen must not be passed over in silence."""
    for name in data:
        if name not in names:
            raise UsageError("S401", f"unknown setting {where}{'.' if where else ''}{name}")


def _values(name: str, kind: type[S], data: Mapping[str, Any]) -> S:
    section = _section(data, name)
    wanted = {item.name: type(item.default) for item in fields(kind)}
    _known(name, section, tuple(wanted))
    for key, value in section.items():
        if type(value) is not wanted[key] and not (wanted[key] is float and type(value) is int):
            raise UsageError("S401", f"{name}.{key} must be of type {wanted[key].__name__}")
    return kind(**section)


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise UsageError("S401", f"{name} must be text")
    return value


def _choice(name: str, value: object, choices: Sequence[T]) -> T:
    if value not in choices:
        raise UsageError("S401", f"{name} must be one of {', '.join(choices)}")
    return cast("T", value)


def _days(name: str, value: object) -> tuple[int, ...]:
    """Numbers of days, the most first; a century is for ever."""
    days = tuple(value) if isinstance(value, (list, tuple)) else ()
    if not days or any(type(day) is not int or not 0 < day <= 36_525 for day in days):
        raise UsageError("S401", f"{name} must be days, more than 0")
    return tuple(sorted(days, reverse=True))


def _stages(value: object) -> tuple[str, ...]:
    stages = tuple(value) if isinstance(value, (list, tuple)) else ()
    if not stages or any(stage not in STAGES for stage in stages) or len(set(stages)) != len(stages):
        raise UsageError("S401", f"office.stages must be some of {', '.join(STAGES)}, each once")
    return stages
