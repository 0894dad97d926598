"""Prefect as it is pinned works: a flow runs, a deployment deploys, a schedule schedules. Each failed with other pins."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from archive import journal
from flows import passes
from flows.upkeeping import UpkeepReport
from flows.wiring import Office
from tests.office import configure, fill, found_pair, open_approved, some_people, states
from tests.parts import ROOT
from tests.prefect_server import BIN, PrefectServer


def _until(condition: Callable[[], object], seconds: float = 90) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.5)
    return False


def _completed(server: PrefectServer, flow: str) -> int:
    """How many runs of a flow have completed; other tests use the same server."""
    runs = {"flow_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}, "flows": {"name": {"any_": [flow]}}}
    return len(server.ask("/flow_runs/filter", runs))


def test_a_flow_runs_on_the_temporary_server(tmp_path: Path) -> None:
    """With --engine embedded a pass runs as a Prefect flow and answers with its report."""
    pair = found_pair(tmp_path)
    done = subprocess.run(
        [BIN / "jiexu", "-C", pair.sender, "upkeep", "--engine", "embedded", "--json"],
        capture_output=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout) == UpkeepReport(share=1.0).document()


def test_a_pass_runs_on_a_prefect_server(tmp_path: Path, server: PrefectServer) -> None:
    """With PREFECT_API_URL set the same command runs on that server, which knows the run afterwards."""
    pair = found_pair(tmp_path)
    people = some_people(2)
    fill(pair.sender, people)
    open_approved(pair, [number for number, _ in people])
    command = [BIN / "jiexu", "-C", pair.sender, "send", "--json"]
    before = _completed(server, "send")
    done = subprocess.run(command, env=server.environ, capture_output=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr.decode()
    assert set(states(pair.sender).values()) == {"in_transit"}
    assert _completed(server, "send") == before + 1


def test_deployments_deploy_and_schedules_schedule(tmp_path: Path, server: PrefectServer) -> None:
    """The project's prefect.yaml deploys, and the server's scheduler creates runs for its schedules."""
    environ = {**server.environ, "JIEXU_HOME": str(tmp_path)}
    for arguments in (["work-pool", "create", "jiexu", "--type", "process"], ["--no-prompt", "deploy", "--all"]):
        done = subprocess.run([BIN / "prefect", *arguments], env=environ, cwd=ROOT, capture_output=True, check=False)
        assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    found = {str(item["entrypoint"]) for item in server.ask("/deployments/filter", {})}
    flows = ("send", "receive", "acknowledge", "upkeep")
    assert {f"flows.{flow}.{flow}" for flow in flows} <= found
    scheduled = {
        "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}},
        "work_pools": {"name": {"any_": ["jiexu"]}},
    }
    assert _until(lambda: server.ask("/flow_runs/filter", scheduled)), "the scheduler created no run"


def _audits(home: Path) -> int:
    """How many audits the journal of an office has."""
    with Office.at(home) as office:
        return sum(entry.kind == "audited" for entry in journal.entries(office.ledger))


def test_what_is_scheduled_happens(tmp_path: Path, server: PrefectServer) -> None:
    """Under `jiexu serve` a package in the mailbox is taken in and the archive is audited, with nobody asking."""
    pair = found_pair(tmp_path)
    people = some_people(1)
    fill(pair.sender, people)
    numbers = open_approved(pair, [number for number, _ in people])
    with Office.at(pair.sender) as office:
        passes.send(office)
    configure(pair.receiver, receive=5, upkeep=5)
    with (tmp_path / "serve.log").open("wb") as log:
        serving = subprocess.Popen(
            [BIN / "jiexu", "-C", pair.receiver, "serve"], env=server.environ, stdout=log, stderr=log
        )
        try:
            accepted = dict.fromkeys(numbers, "accepted")
            assert _until(lambda: states(pair.receiver) == accepted and _audits(pair.receiver)), (
                tmp_path / "serve.log"
            ).read_text()
        finally:
            serving.terminate()
            serving.wait(60)
