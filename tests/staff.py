"""People of an office for tests: each with an OpenPGP key, and cases that they sign for."""

from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from pathlib import Path

from flows import approving
from flows.times import now
from flows.wiring import Office
from formats.messages import STAGES
from transfer.keys import OfficeKey, generate_key, load_secret

PASSPHRASE = "secret 电池"


@cache
def armored(person: str) -> str:
    """The locked secret key of a person, an hour old; the same one in the whole session."""
    return generate_key(person, PASSPHRASE, now() - timedelta(hours=1))


@cache
def key(person: str) -> OfficeKey:
    """The unlocked secret key of a person."""
    return load_secret(armored(person), PASSPHRASE)


def employed(home: Path, *people: str) -> None:
    """Put the people's certificates into an office's home."""
    (home / "staff").mkdir(exist_ok=True)
    for person in people or [f"staff-{stage}" for stage in STAGES]:
        (home / f"staff/{person}.asc").write_text(key(person).public.armored, encoding="ascii")


def sign(home: Path, numbers: Sequence[str], stages: Sequence[str] = STAGES, by: str = "") -> None:
    """Each stage signed by `staff-STAGE`, or by somebody else."""
    with Office.at(home) as office:
        for stage in stages:
            who = by or f"staff-{stage}"
            approving.sign(office, numbers, stage, who, key(who), now())
