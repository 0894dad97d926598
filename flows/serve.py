"""Serving: all flows of one office with their schedules, on a real Prefect server.

Prefect's temporary server has no scheduler: on it nothing would ever run, without an error. So serving asks for a
server (`prefect server start`) in PREFECT_API_URL. Workers on more machines join with the `prefect.yaml` instead.
"""

import os
from datetime import timedelta

from prefect import serve as prefect_serve

from flows.acknowledge import acknowledge
from flows.receive import receive
from flows.send import send
from flows.settings import Settings
from flows.upkeep import upkeep
from formats.errors import UsageError


def serve(settings: Settings) -> None:
    """Run the office's flows at their intervals until stopped. Raises UsageError S418 without PREFECT_API_URL."""
    if not os.environ.get("PREFECT_API_URL"):
        raise UsageError("S418", "set PREFECT_API_URL to a Prefect server; schedules do not run without one")
    parameters = {"home": str(settings.home)}
    every = settings.schedule
    flows = ((send, every.send), (receive, every.receive), (acknowledge, every.acknowledge), (upkeep, every.upkeep))
    deployments = [
        flow.to_deployment(
            name=settings.code,
            parameters=parameters,
            interval=timedelta(seconds=seconds),
            concurrency_limit=1,
            description=f"{flow.name} of office {settings.code}",
        )
        for flow, seconds in flows
    ]
    prefect_serve(*deployments, limit=len(deployments))
