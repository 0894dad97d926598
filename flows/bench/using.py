"""What a process has used of the machine so far."""

import resource
from pathlib import Path


def cpu() -> float:
    """Seconds of processor time, user and system, of this process and of those that it started and that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(item.ru_utime + item.ru_stime for item in used)


def peak() -> float:
    """This process's peak of memory in MiB, 0 where the system does not say.

    `ru_maxrss` would not do: in a process just started it begins with the memory of the one that started it.
    """
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="utf-8").splitlines() if status.exists() else []
    return sum(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))
