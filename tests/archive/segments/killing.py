"""Starts acts on a store in other processes, and kills them."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.parts import ROOT


class Workers:
    """The parent of `worker.py`'s children."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self._said: list[str] = []  # and not yet asked for

    def start(self, *words: object) -> int:
        """Begin an act in a child; returns its process id once it has begun."""
        assert self._process.stdin
        self._process.stdin.write(" ".join(map(str, words)).encode() + b"\n")
        self._process.stdin.flush()
        child, others = "", []
        for _ in range(2):  # either may come first, and other children speak meanwhile
            while not (line := self.line()).startswith(("child", "begun")):
                others.append(line)
            child = line.removeprefix("child ") if line.startswith("child") else child
        self._said = others + self._said
        return int(child)

    def line(self) -> str:
        """The next line that a child says."""
        while not self._said:
            self._said += self._read()
        return self._said.pop(0)

    def kill(self, child: int) -> list[str]:
        """Kill a child (SIGKILL), unless it has done all before, and return what it had said."""
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        while Path(f"/proc/{child}").exists():
            time.sleep(0.001)
        assert self._process.stdout
        handle = self._process.stdout.fileno()
        while select.select([handle], [], [], 0)[0]:
            self._said += self._read()
        said, self._said = self._said, []
        return said

    def _read(self) -> list[str]:
        """What is in the pipe: whole lines, because each is one write."""
        assert self._process.stdout
        data = os.read(self._process.stdout.fileno(), 1 << 16)
        assert data, "the workers are gone"
        while not data.endswith(b"\n"):
            data += os.read(self._process.stdout.fileno(), 1 << 16)
        return data.decode().splitlines()


@contextmanager
def workers(url: str, folder: Path) -> Iterator[Workers]:
    """A process that forks children for acts on the store in `folder`; it ends with the block."""
    command = [sys.executable, "-m", "tests.archive.segments.worker", url, str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        made = Workers(process)
        assert made.line() == "ready"
        yield made
        assert process.stdin
        process.stdin.close()
