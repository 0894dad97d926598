"""Prefect's side of a pass: one act of it as one task. Imported by the flows only, since importing Prefect is slow.

A task carries a batch of cases and nothing of them: no parameters, no persisted results, no cache, no printed lines in
Prefect's log. What fails leaves as an error with a code (`faults.py`); Prefect stores the text of exceptions.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.tasks import exponential_backoff

from flows.faults import coded
from formats.errors import ServiceError

T = TypeVar("T")


def as_task(name: str, act: Callable[[], T]) -> T:
    """Run one act of a pass as a task; an error marked retryable is tried again twice, 2 and 4 seconds later."""

    def guarded() -> T:
        """Let only coded errors out."""
        try:
            return act()
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not leave as it is
            raise coded(error) from None

    carrier = task(
        guarded,
        name=name,
        retries=2,
        retry_delay_seconds=exponential_backoff(backoff_factor=2),
        retry_condition_fn=_worth_retrying,
        cache_policy=NO_CACHE,
        persist_result=False,
        log_prints=False,
    )
    result: T = carrier()
    return result


def _worth_retrying(_task: Any, _run: Any, state: Any) -> bool:
    try:
        state.result()
    except ServiceError as error:
        return error.retryable
    except Exception:  # noqa: BLE001 - whatever else it is, trying again does not help
        return False
    return False
