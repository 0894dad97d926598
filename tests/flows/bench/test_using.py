"""What a process is said to have used is its own."""

import subprocess
import sys

from flows.bench.using import cpu, peak
from tests.parts import ROOT


def test_a_peak_of_memory_is_the_process_s_own() -> None:
    """A process started by one that has used 300 MiB does not begin with that peak."""
    held = b"x" * (300 * 2**20)
    code = "from flows.bench.using import peak; print(peak())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)
    assert 1 < float(done.stdout) < 200
    assert peak() > 300
    assert len(held) == 300 * 2**20


def test_processor_time_has_that_of_children() -> None:
    """Time that a child has used counts once it has ended."""
    before = cpu()
    subprocess.run([sys.executable, "-c", "sum(range(10**7))"], check=True)
    assert cpu() - before > 0.1
