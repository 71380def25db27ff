"""What changes or breaks while axon-orbit serves: a killed axon, a new secret, a new policy."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx2
import psutil
import pytest
from tests.driver import Driver
from tests.traffic import ORDER, Traffic, traffic
from tests.waiting import until

pytestmark = [pytest.mark.envoy, pytest.mark.xdist_group("system")]


def test_the_breaker_opens_while_axon_is_down_and_closes_again(axon_orbit: Driver) -> None:
    with traffic(axon_orbit.status()["gateway_url"]) as seen:
        until(lambda: len(seen.answers) > 20)
        refused = until(lambda: killed_until_refused(axon_orbit, seen))
        assert int(refused.headers["retry-after"]) >= 1
        until(lambda: recovered(seen))
    assert not seen.dropped
    assert seen.statuses() <= {200, 502, 503}


def test_a_rotated_secret_is_used_without_a_restart(
    axon_orbit: Driver, gateway: httpx2.Client
) -> None:
    before, pids = key_id(gateway), axon_orbit.pids()
    axon_orbit.fairway("secrets", "rotate", "AXON_MODEL_KEY")
    until(lambda: key_id(gateway) != before)
    assert axon_orbit.pids() == pids


def test_a_replica_started_after_a_rotation_has_the_new_value_in_its_environment(
    axon_orbit: Driver,
) -> None:
    axon_orbit.fairway("secrets", "set", "AXON_MODEL_KEY", stdin="newer than the start\n")
    axon_orbit.fairway("restart", "axon")
    (pid,) = (pid for name, pid in axon_orbit.pids().items() if name.startswith("axon."))
    assert psutil.Process(pid).environ()["AXON_MODEL_KEY"] == "newer than the start"


def test_a_secret_shows_nowhere_in_the_state_but_where_it_is_kept(axon_orbit: Driver) -> None:
    value = "a value that is easy to find"
    axon_orbit.fairway("secrets", "set", "AXON_MODEL_KEY", stdin=f"{value}\n")
    found = {
        file.relative_to(axon_orbit.state).parts[0]
        for file in axon_orbit.state.rglob("*")
        if file.is_file() and value.encode() in file.read_bytes()
    }
    assert found <= {"secrets", "secrets.json"}
    assert value not in axon_orbit.fairway("secrets", "list").stdout


def test_a_policy_takes_effect_under_load_and_nothing_is_dropped(axon_orbit: Driver) -> None:
    control = api(axon_orbit)
    active = next(s["version"] for s in control.get("/api/v1/policy-sets").json() if s["active"])
    with traffic(axon_orbit.status()["gateway_url"]) as seen:
        until(lambda: len(seen.answers) > 20)
        activate(control, forbidding(control, active))
        forbidden = time.monotonic()
        until(lambda: len(seen.since(forbidden)) > 20)
        assert seen.statuses(forbidden) == {403}, "it was said to be in force"
        activate(control, active)
        back = time.monotonic()
        until(lambda: len(seen.since(back)) > 20)
        assert seen.statuses(back) == {200}, "it was said to be in force"
    assert not seen.dropped
    assert seen.statuses() == {200, 403}


def test_denials_are_audited_again_after_the_audit_could_not_be_kept(axon_orbit: Driver) -> None:
    cursor = axon_orbit.state / "audit" / "mesh-cursor.json"
    cursor.unlink(missing_ok=True)
    cursor.mkdir()
    log = axon_orbit.state / "logs" / "control.log"
    until(lambda: "audit.failed" in log.read_text())
    cursor.rmdir()
    before = len(refused_by_the_mesh(axon_orbit))
    axon_orbit.fairway(
        "call", "axon", "/reason", "--as", "intruder", "--intent", "reason", check=False
    )
    until(lambda: len(refused_by_the_mesh(axon_orbit)) > before)


def refused_by_the_mesh(driver: Driver) -> list[dict[str, Any]]:
    """The denials that the mesh decided, in the audit log."""
    entries = driver.json("policy", "audit", "--verdict", "deny")["entries"]
    return [entry for entry in entries if entry["writer"] == "mesh"]


def killed_until_refused(driver: Driver, seen: Traffic) -> Any:
    """Kill axon, again if it is back; the first answer that an open breaker gave."""
    for process in psutil.process_iter(["environ"]):
        if serves_axon(process, driver):
            process.kill()
    return next(
        (a for a in list(seen.answers) if a.status == 503 and "retry-after" in a.headers), None
    )


def serves_axon(process: psutil.Process, driver: Driver) -> bool:
    """Whether it is an axon of this very system (and not, say, of a test beside this one)."""
    variables = process.info["environ"] or {}
    identity = variables.get("FAIRWAY_IDENTITY_DIR", "")
    return variables.get("FAIRWAY_SERVICE") == "axon" and identity.startswith(str(driver.folder))


def recovered(seen: Traffic) -> bool:
    """Whether the last twenty answers were all good."""
    return {answer.status for answer in seen.answers[-20:]} == {200}


def key_id(gateway: httpx2.Client) -> str:
    """Which key axon signs its conclusions with."""
    found: str = gateway.post("/dispatch", json=ORDER).json()["axon"]["result"]["key_id"]
    return found


def api(driver: Driver) -> httpx2.Client:
    """A client of the control plane."""
    control = json.loads((driver.state / "control.json").read_text())
    headers = {"authorization": f"Bearer {control['token']}"}
    return httpx2.Client(base_url=control["url"], headers=headers, timeout=10)


def forbidding(control: httpx2.Client, version: int) -> int:
    """A new policy set: like `version`, but orbit may no longer ask axon to reason."""
    text = control.get(f"/api/v1/policy-sets/{version}").json()["policies"]
    forbid = 'forbid (principal, action == Action::"reason", resource == Service::"axon");'
    new = {"policies": f'{text}\n@id("frozen")\n{forbid}\n', "author": "test"}
    created: int = (
        control.post("/api/v1/policy-sets", json=new).raise_for_status().json()["version"]
    )
    return created


def activate(control: httpx2.Client, version: int) -> None:
    """Make a version decide; returns once the control plane says that it is in force."""
    answer = control.post(f"/api/v1/policy-sets/{version}/activate", json={"author": "test"})
    answer.raise_for_status()
