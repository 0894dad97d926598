"""A real Prefect server for tests: its own home, a free port of loopback, a password."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

PASSWORD = "jiexu:test"  # for a server of one test run on loopback
BIN = Path(sys.executable).parent


@dataclass(frozen=True, slots=True)
class PrefectServer:
    """A running server; `environ` lets a child process use it, `folder` holds all its files."""

    url: str
    folder: Path
    environ: Mapping[str, str]

    def ask(self, path: str, body: Mapping[str, object]) -> list[dict[str, object]]:
        """Post to the server's API and give its answer."""
        user, password = PASSWORD.split(":")
        answer = httpx.post(f"{self.url}{path}", json=body, auth=(user, password), timeout=30)
        answer.raise_for_status()
        found: list[dict[str, object]] = answer.json()
        return found


@contextmanager
def prefect_server(folder: Path) -> Iterator[PrefectServer]:
    """Start a server with all its services and stop it at the end."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    environ = {
        **os.environ,
        "PREFECT_HOME": str(folder),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_SERVER_API_AUTH_STRING": PASSWORD,
        "PREFECT_API_AUTH_STRING": PASSWORD,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_UI_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
    }
    log = (folder / "server.log").open("wb")
    process = subprocess.Popen([BIN / "prefect", "server", "start"], env=environ, stdout=log, stderr=log)
    try:
        _wait_until_healthy(f"http://127.0.0.1:{port}/api/health", process)
        yield PrefectServer(f"http://127.0.0.1:{port}/api", folder, environ)
    finally:
        process.terminate()
        process.wait(30)
        log.close()


def _wait_until_healthy(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.3)
    raise RuntimeError("the Prefect server did not start")
