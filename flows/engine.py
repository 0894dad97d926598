"""Engines: the same pass run directly, on Prefect's own temporary server, or on a Prefect server.

    direct      the plain functions; Prefect is not even imported, so a command answers at once
    embedded    a temporary Prefect server for this one command: runs, states and retries without anything set up
    server      the Prefect server that PREFECT_API_URL names

Prefect's state is never the truth: the ledger is. Whatever engine died in the middle, the next pass of any engine goes
on from the ledger.
"""

import importlib
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from flows import passes, relocation, upkeeping
from flows.faults import coded
from flows.settings import Engine
from flows.steps import Steps, watched_by
from flows.wiring import Office
from formats.errors import ServiceError, UsageError
from migration.run import Folder

PassName = Literal["send", "receive", "acknowledge", "upkeep"]


def run_pass(
    name: PassName,
    office: Office,
    engine: Engine,
    steps: Steps,
    *,
    cases: Sequence[str] | None = None,
    workers: int = 0,
) -> dict[str, Any]:
    """Run one pass and give its report as a document. Raises ServiceError, S418 when the engine cannot be used."""
    parameters: dict[str, Any] = {"workers": workers} if name in {"send", "receive"} else {}
    if name == "send":
        parameters["cases"] = list(cases) if cases else None
    if engine == "direct":
        return _direct(name, office, steps, parameters)
    return in_prefect(f"flows.{name}", name, engine, office.settings.home, steps, parameters)


def run_migration(
    office: Office, engine: Engine, folder: Folder, steps: Steps, *, workers: int, keep: bool
) -> dict[str, Any]:
    """Run the migration in a folder and give its report as a document. Raises as its stages, S418 as `run_pass`."""
    if engine == "direct":
        return relocation.relocate(office, folder, workers=workers, keep=keep, steps=steps).document()
    parameters = {"folder": str(folder.path.absolute()), "workers": workers, "keep": keep}
    return in_prefect("flows.relocate", "relocate", engine, office.settings.home, steps, parameters)


def _direct(name: PassName, office: Office, steps: Steps, parameters: Mapping[str, Any]) -> dict[str, Any]:
    if name == "send":
        return passes.send(office, parameters["cases"], workers_wanted=parameters["workers"], steps=steps).document()
    if name == "receive":
        return passes.receive(office, workers_wanted=parameters["workers"], steps=steps).document()
    if name == "upkeep":
        return upkeeping.upkeep(office, steps=steps).document()
    return passes.acknowledge(office, steps=steps).document()


def in_prefect(
    module: str, name: str, engine: Engine, home: Path, steps: Steps, parameters: Mapping[str, Any]
) -> dict[str, Any]:
    """Call the flow `name` of `module` for a home. Raises ServiceError, S418 when Prefect cannot be used."""
    if engine == "server" and not os.environ.get("PREFECT_API_URL"):
        raise UsageError("S418", "PREFECT_API_URL is not set")
    prepare_prefect(home, temporary=engine == "embedded")
    prefect_settings = importlib.import_module("prefect.settings")
    flow: Callable[..., dict[str, Any]] = getattr(importlib.import_module(module), name)
    # Every synchronous flow run waits most of a second at its end for its heartbeat thread; only code can turn it off.
    quiet_heart = {prefect_settings.PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}
    try:
        with prefect_settings.temporary_settings(quiet_heart), watched_by(steps):
            return flow(home=str(home), **parameters)
    except ServiceError:
        raise
    except Exception as error:  # noqa: BLE001 - Prefect's own failures come in many types
        raise ServiceError("S418", coded(error).detail) from None


def prepare_prefect(home: Path, *, temporary: bool) -> None:
    """Set what Prefect reads from the environment when it is imported; what the operator has set stays.

    A temporary server listens on loopback, where any user of the machine could read it: it gets a password. Its files
    lie in the home and are this user's only. Nothing calls out.
    """
    os.umask(0o077)
    wanted = {
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "PREFECT_LOGGING_TO_API_ENABLED": "false",
        "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",
    }
    if temporary:
        password = f"jiexu:{secrets.token_urlsafe(24)}"
        os.environ.pop("PREFECT_API_URL", None)
        wanted |= {
            "PREFECT_HOME": str(home / "prefect"),
            "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
            "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
            "PREFECT_SERVER_API_AUTH_STRING": password,
            "PREFECT_API_AUTH_STRING": password,
        }
    for name, value in wanted.items():
        os.environ.setdefault(name, value)
