"""Whole systems at their edges: nothing public, a mesh that cannot start, policies edited live."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
import psutil
import pytest
from tests.driver import Driver, clean_environment, running
from tests.waiting import until

pytestmark = [pytest.mark.envoy, pytest.mark.xdist_group("system")]

PROGRAM = """
async def app(scope, receive, send):
    if scope["type"] != "http":
        raise RuntimeError("only http")
    start = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
    await send(start)
    await send({"type": "http.response.body", "body": b"ok"})
"""
RUN = "uvicorn program:app --port $PORT --lifespan off --log-level warning"
TWO_SERVICES = f"""
app: edges
services:
  axon:
    run: {RUN}
    health: /health
    intents: {{reason: GET /reason}}
  orbit:
    run: {RUN}
    health: /health
    calls: {{axon: [reason]}}
"""
ALLOW = '@id("orbit-reasons") permit (principal == Service::"orbit", action, resource);\n'
FORBID = '@id("nobody-reasons") forbid (principal, action == Action::"reason", resource);\n'


TWO_SECRETS = f"""
app: edges
services:
  axon: {{run: {RUN}, health: /health, secrets: [AXON_KEY]}}
  orbit: {{run: {RUN}, health: /health, secrets: [ORBIT_KEY]}}
"""


def app_in(folder: Path, text: str, **variables: str) -> Driver:
    (folder / "program.py").write_text(PROGRAM)
    (folder / "fairway.yaml").write_text(text)
    return Driver(folder, clean_environment(**variables))


@pytest.fixture
def with_policies(tmp_path: Path) -> Iterator[Driver]:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "calls.cedar").write_text(ALLOW)
    with running(app_in(tmp_path, f"{TWO_SERVICES}\npolicies: policies/\n")) as driver:
        yield driver


def environment(driver: Driver, service: str) -> dict[str, str]:
    """What the only replica of a service runs with: replaced, its index is another one."""
    (pid,) = (pid for name, pid in driver.pids().items() if name.startswith(f"{service}."))
    return psutil.Process(pid).environ()


def ask(driver: Driver) -> int:
    url = driver.variables("orbit")["AXON_URL"]
    return httpx2.get(f"{url}/reason", timeout=5).status_code


def test_without_a_public_route_there_is_no_gateway(tmp_path: Path) -> None:
    with running(app_in(tmp_path, TWO_SERVICES)) as driver:
        status = driver.status()
        assert status["gateway_url"] is None
        assert {envoy["name"] for envoy in status["envoys"]} == {"axon", "orbit"}
        assert ask(driver) == 200


def test_a_mesh_that_cannot_start_leaves_nothing(tmp_path: Path) -> None:
    """The services are up already when it turns out that the mesh never will be."""
    envoy = tmp_path / "envoy"
    envoy.write_text("#!/bin/sh\necho 'no such luck' >&2\nexit 1\n")
    envoy.chmod(0o755)
    driver = app_in(tmp_path, TWO_SERVICES, FAIRWAY_ENVOY=str(envoy))
    done = driver.fairway("up", "-d", check=False)
    assert done.returncode == 5
    assert "no such luck" in done.stderr
    assert not (driver.state / "lock").exists()
    left = [p for p in psutil.process_iter(["cwd"]) if p.info["cwd"] == str(tmp_path)]
    assert left == []


def test_a_start_that_starts_nothing_says_only_why(tmp_path: Path) -> None:
    driver = app_in(tmp_path, TWO_SERVICES, FAIRWAY_ENVOY="/nowhere/envoy")
    done = driver.fairway("up", "-d", check=False)
    assert done.returncode == 5
    assert done.stderr.startswith("error: ")
    assert "stopped" not in done.stderr


def test_every_service_that_is_not_healthy_is_told_apart(tmp_path: Path) -> None:
    services = "  a: {kind: worker, run: no-such-a}\n  b: {kind: worker, run: no-such-b}\n"
    done = app_in(tmp_path, f"app: two\nservices:\n{services}").fairway("up", "-d", check=False)
    assert "error: 2 services are not healthy" in done.stderr
    assert done.stderr.count("\n\n") == 2


def test_edited_policy_files_decide_at_once(with_policies: Driver) -> None:
    assert ask(with_policies) == 200
    file = with_policies.folder / "policies" / "calls.cedar"
    file.write_text(ALLOW + FORBID)
    until(lambda: ask(with_policies) == 403)
    file.write_text(ALLOW)
    until(lambda: ask(with_policies) == 200)
    versions = [one["version"] for one in with_policies.json("policy", "list")]
    assert sorted(versions) == [1, 2, 3]


def test_wrong_policy_files_change_nothing(with_policies: Driver) -> None:
    file = with_policies.folder / "policies" / "calls.cedar"
    file.write_text(ALLOW + 'permit (principal == Service::"orbti", action, resource);')
    log = with_policies.state / "logs" / "control.log"
    until(lambda: "policies.invalid" in log.read_text())
    assert "calls.cedar:2:" in log.read_text()
    assert ask(with_policies) == 200
    assert len(with_policies.json("policy", "list")) == 1


def test_a_new_secret_restarts_who_reads_it_and_nobody_else(tmp_path: Path) -> None:
    """Without the library a program reads its secrets once, from its environment."""
    driver = app_in(tmp_path, TWO_SECRETS, AXON_KEY="from the shell", ORBIT_KEY="stays")
    with running(driver):
        before = driver.pids()
        assert "ORBIT_KEY" not in environment(driver, "axon"), "another service's secret"
        driver.fairway("secrets", "set", "AXON_KEY", stdin="a new one\n")
        after = driver.pids()
        assert after["orbit.0"] == before["orbit.0"]
        assert environment(driver, "axon")["AXON_KEY"] == "a new one"
