"""Founding an office: a new home with keys, ledger, folders and an `office.toml` that explains every setting."""

import os
import secrets
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from archive.ledger import Ledger
from flows import describing, new_keys
from flows import settings as settings_module
from flows.private import write_private
from flows.settings import Settings
from flows.wiring import Office
from formats.errors import UsageError
from formats.identifiers import is_agency_code
from formats.messages import Environment
from transfer.keys import generate_key, load_secret
from transfer.ssh_keys import new_ssh_key

FOLDERS = ("keys", "partners", "archive", "inbox", "quarantine")

TEMPLATE = """\
# The settings of one office. Paths are relative to this folder. Left out means the value shown.

[office]
code = "{code}"                # agency code, 8 digits
name = "{name}"
environment = "{environment}"  # "production" or "test": messages of the other kind are refused
stages = ["handler", "reviewer", "rechecker", "approver"]  # art. 7: initial review, review, recheck, approval
signatures = "optional"        # "required": approvals are signed with people's own keys (jiexu case approve --key)
language = "en"                # of reasons on screen: "zh", "ko" or "en"

[storage]
ledger = "{ledger}"            # "": ledger.db here; or postgresql+psycopg://... (or JIEXU_LEDGER_URL)
records = "{records}"          # "": records.db here; or postgresql+psycopg://... (or JIEXU_RECORDS_URL)
folder = ""                    # "": here; or a folder for archive/, inbox/, quarantine/ that machines share
archive = ""                   # "": archive/ there; or the archive's own folder (jiexu migrate home sets it)
profile = ""                   # "": the canonical tables and columns; else a shipped profile's name, or a file

[keys]
passphrase_file = "keys/passphrase"  # or JIEXU_PASSPHRASE in the environment
overlap_days = 30              # how long an earlier key, own or a partner's, counts beside the one after it
warn_days = [60, 30, 7]        # before a key's end: passes warn, and say how near it is

[mailbox]                      # where this office collects
url = "{mailbox}"              # folder:PATH or sftp://user@host:port/folder
host_key = "{host_key}"        # the server's key, pinned: "ssh-ed25519 AAAA..."
ssh_key = "keys/ssh"           # the key with which this office logs in, here and at partners
timeout = 30.0                 # seconds without progress after which a connection is given up

[limits]                       # what a partner's package may cost
package_bytes = 67108864
document_bytes = 67108864
rows = 200000

[work]
engine = "direct"              # "direct", "embedded" (a temporary Prefect server) or "server" (PREFECT_API_URL)
batch = 25                     # cases in one transaction of the ledger
task = 500                     # cases in one task of Prefect
workers = 1                    # processes side by side

[schedule]                     # seconds between passes of jiexu serve
send = 600
receive = 300
acknowledge = 300
upkeep = 86400                 # sealing, audit and backup of the archive

[archive]                      # originals and their upkeep (arts. 9, 10)
segment_bytes = 268435456      # a segment is sealed at this size
segment_hours = 24             # or at this age
audit_minutes = 10             # time that one scheduled audit may take
audit_days = 90                # every segment is read at least so often
backup = ""                    # "": no scheduled backup; else a folder, sftp://user@host:port/folder, or an fsspec URL
backup_host_key = ""           # the key of that SSH server, pinned: "ssh-ed25519 AAAA..."

[lookup]                       # caps on lookups (arts. 14-22)
person_per_day = 20            # different persons that one user may look up in a day
per_day = 200                  # lookups of the whole office in a day

[egress]                       # caps on what leaves (arts. 17-22)
cases_per_day = 20000          # deliveries of the whole office in a day
cases_per_partner_per_day = 10000
bytes_per_package = 16777216   # a larger one is not sent

[contact]                      # what contact letters say of this office
phone = ""                     # needed before a record can be asked for: jiexu case request
address = ""
postcode = ""

[payee]                        # the account into which transferred funds are paid; all four or none
account_name = ""
bank = ""
bank_number = ""               # twelve digits
account = ""

[calendar]                     # working days, by which limits run (jiexu case chase)
days = ""                      # "": as published; else this office's own days: CSV with date,working,why
limits = ""                    # "": the rules' limits; else this office's own: CSV with scheme,leg,days
remind = 5                     # working days until a partner is reminded again of what is overdue
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a new office is told.

    `key` is an armored secret key to use instead of a new one, `escrow` an armored public key to encrypt originals to
    instead of a new one's; `ledger` and `records` are URLs of databases, empty for files in the home.
    """

    code: str
    name: str
    mailbox: str = "folder:mailbox"
    host_key: str = ""
    environment: Environment = "production"
    key: str = ""
    ledger: str = ""
    records: str = ""
    escrow: str = ""


def found(home: Path, plan: Plan, at: datetime) -> Settings:
    """Make a home, or leave everything as it was.

    Raises UsageError S414 (something is there already), S401 (code or name), S408 (a key given), S417 (no folder can
    be made there); UnreachableError S409 (the database of the ledger).
    """
    if home.exists() and (not home.is_dir() or any(path.name != "keys" for path in home.iterdir())):
        raise UsageError("S414", str(home))
    if not is_agency_code(plan.code):
        raise UsageError("S401", "the code must be an 8-digit agency code")
    there = {home, *home.rglob("*")} if home.exists() else set()
    try:
        return _furnish(home, plan, at)
    except BaseException as error:
        _remove(home, there)
        if isinstance(error, OSError):
            raise UsageError("S417", f"{home}: {error.strerror}") from None
        raise


def _remove(home: Path, but: Collection[Path]) -> None:
    """Remove what is in a home that could not be founded, but for what was there before."""
    for path in sorted({home, *home.rglob("*")} - set(but), reverse=True):
        with suppress(OSError):
            if path.is_dir():
                path.rmdir()
            else:
                path.unlink()


def _furnish(home: Path, plan: Plan, at: datetime) -> Settings:
    for folder in FOLDERS:
        (home / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    home.chmod(0o700)
    passphrase = _passphrase(home)
    armored = plan.key or generate_key(f"{plan.code} <{plan.code}@jiexu>", passphrase, at)
    load_secret(armored, passphrase)
    write_private(home / "keys/office.asc", armored.encode("ascii"), replace=False)
    new_keys.make_missing(home, plan.code, passphrase, at, plan.escrow)
    login_key(home)
    text = TEMPLATE.format(
        code=plan.code,
        name=_toml_text(plan.name),
        environment=plan.environment,
        mailbox=_toml_text(plan.mailbox),
        host_key=_toml_text(plan.host_key),
        ledger=_toml_text(plan.ledger),
        records=_toml_text(plan.records),
    )
    (home / settings_module.FILE).write_text(text, encoding="utf-8")
    settings = settings_module.load(home)
    if settings.mailbox.folder:
        settings.mailbox_folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    Ledger.create(settings.ledger_url).close()
    with Office(settings) as office:
        describing.describe(office, at)
    return settings


def login_key(home: Path) -> str:
    """The public line of the key with which this home's office logs in at SSH servers; made if there is none yet."""
    public = home / "keys/ssh.pub"
    if not public.exists():
        public.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        public.write_text(f"{new_ssh_key(home / 'keys/ssh')}\n", encoding="ascii")
    return public.read_text(encoding="ascii").strip()


def _passphrase(home: Path) -> str:
    """The passphrase given in the environment, else a new one in a file that only this user can read."""
    given = os.environ.get("JIEXU_PASSPHRASE")
    if given:
        return given
    made = secrets.token_urlsafe(32)
    write_private(home / "keys/passphrase", f"{made}\n".encode("ascii"), replace=False)
    return made


def _toml_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
