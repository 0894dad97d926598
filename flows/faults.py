"""Faults: every error on its way out of a case becomes one with a code and nothing of a person in it.

An exception of a library may quote a value in its text, and Prefect stores the text of exceptions. So nothing but a
ServiceError leaves a case, a task or the command line; of any other exception only its type and place remain.
"""

import traceback
from pathlib import Path

from formats.errors import ServiceError


def coded(error: Exception) -> ServiceError:
    """The error itself when it has a code, else S420 with the exception's type and the line it came from."""
    if isinstance(error, ServiceError):
        return error
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return ServiceError("S420", f"{type(error).__name__}{place}")
