"""What runs on this machine is seen: programs with OpenTelemetry's SDKs and without any, whatever
is killed meanwhile.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.driver import Driver, clean_environment, copy_of, running
from tests.npm import npm_installed
from tests.waiting import until

pytestmark = [pytest.mark.envoy, pytest.mark.node, pytest.mark.xdist_group("system")]

TELLING = Path(__file__).with_name("telling")
TOLD = {"py": "python", "node": "nodejs"}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    if shutil.which("node") is None:
        pytest.fail("this needs Node.js 18 or newer on PATH")
    folder = copy_of(TELLING, tmp_path_factory.mktemp("telling") / "app")
    variables = clean_environment(NODE_PATH=str(npm_installed(TELLING)))
    with running(Driver(folder, variables)) as driver:
        yield driver


@pytest.fixture
def api(system: Driver) -> Iterator[httpx2.Client]:
    found = json.loads((system.state / "control.json").read_bytes())
    headers = {"authorization": f"Bearer {found['token']}"}
    with httpx2.Client(base_url=f"{found['url']}/api/v1", headers=headers, timeout=30) as client:
        yield client


def receiver(driver: Driver) -> int | None:
    """The receiver's process."""
    records = json.loads((driver.state / "ledger.json").read_bytes())["records"]
    return next((each["pid"] for each in records if each["kind"] == "telemetry"), None)


def lives(pid: int) -> bool:
    """Not a zombie either: in a container nobody may collect the orphans of a killed process."""
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def config(driver: Driver) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((driver.state / "telemetry" / "receiver.json").read_bytes())
    return found


def tell(driver: Driver, trace: bytes) -> int:
    """Send one span as any program would."""
    request = ExportTraceServiceRequest()
    now = time.time_ns()
    request.resource_spans.add().scope_spans.add().spans.append(
        Span(
            trace_id=trace, span_id=b"12345678", name="told", start_time_unix_nano=now - 1000,
            end_time_unix_nano=now,
        )
    )  # fmt: skip
    url = f"http://127.0.0.1:{config(driver)['http']['port']}/v1/traces"
    headers = {"content-type": "application/x-protobuf"}
    answer = httpx2.post(url, content=request.SerializeToString(), headers=headers, timeout=20)
    return answer.status_code


def known(driver: Driver, trace: bytes) -> bool:
    return driver.fairway("trace", trace.hex(), check=False).returncode == 0


@pytest.mark.parametrize("service", TOLD)
def test_any_sdk_works_with_the_standard_variables_alone(
    system: Driver, api: httpx2.Client, service: str
) -> None:
    found = until(lambda: system.json("traces", service)["traces"])
    (span,) = system.json("trace", found[0]["trace_id"])["spans"]
    assert (span["name"], span["service"]) == ("work", service)
    assert span["attributes"]["told.by"] == service
    assert span["instance"] == f"{service}.0", "as its log file is called"
    assert span["resource"]["telemetry.sdk.language"] == TOLD[service]
    assert span["resource"]["service.namespace"] == "told"
    asked = {"service": service, "text": "hello"}
    (record,) = until(lambda: api.get("/logs", params=asked).json()["records"])
    assert (record["level"], record["source"]) == ("warning", "otlp")
    assert record["trace_id"] == span["trace_id"]
    until(lambda: items(system, service))


def items(driver: Driver, service: str) -> bool:
    """Whether its counter is seen to grow."""
    done = driver.fairway("metrics", "told.items", "--service", service, "--json", check=False)
    if done.returncode:
        return False
    series = json.loads(done.stdout)["series"]
    return any(point["value"] for each in series for point in each["points"])


def test_a_program_without_any_sdk_is_in_traces_logs_and_traffic(
    system: Driver, api: httpx2.Client
) -> None:
    with system.gateway() as client:
        assert client.get("/hello.txt").status_code == 200
    found = until(lambda: system.json("traces", "front", "--name", "look")["traces"])
    spans = system.json("trace", found[0]["trace_id"])["spans"]
    assert [(span["service"], span["sidecar"]) for span in spans] == [
        ("gateway", True), ("front", True),
    ]  # fmt: skip
    assert spans[1]["name"] == "GET look"
    assert spans[1]["attributes"]["fairway.peer"] == "spiffe://told.local/gateway"
    assert spans[1]["attributes"]["fairway.version"] == "working-tree"
    edges = until(lambda: _edges(system) >= {("public", "gateway"), ("gateway", "front")})
    assert edges
    wrote = until(lambda: api.get("/logs", params={"service": "front"}).json()["records"])
    assert wrote[-1]["source"] == "file"
    looks, never = system.json("slo")
    assert (looks["name"], never["name"]) == ("looks", "never")
    assert looks["requests"] > looks["bad"] == 0


def _edges(driver: Driver) -> set[tuple[str, str]]:
    return {(each["caller"], each["service"]) for each in driver.json("metrics", "--traffic")}


def test_a_denied_call_is_a_denied_trace(system: Driver) -> None:
    system.fairway("call", "front", "/secret", "--as", "web")
    (found,) = until(lambda: system.json("traces", "--outcome", "denied")["traces"])
    (span,) = system.json("trace", found["trace_id"])["spans"]
    assert "rbac" in span["attributes"]["fairway.details"]
    assert span["attributes"]["fairway.peer"] == "spiffe://told.local/web"


def test_the_control_plane_shows_stops_starts_and_calls_a_service(api: httpx2.Client) -> None:
    drawn = api.get("/topology").json()
    nodes = {node["name"]: node for node in drawn["nodes"]}
    assert nodes["front"]["versions"] == [
        {"name": "working-tree", "weight": 100, "replicas": 1, "healthy": 1}
    ]
    calls = {(edge["source"], edge["target"]): edge for edge in drawn["edges"]}
    assert calls["web", "front"]["mutual_tls"]
    assert calls["gateway", "front"]["intents"] == ["look"]
    variables = api.get("/services/front/variables").json()["variables"]
    assert "hunter2" not in json.dumps(variables)
    asked = {"identity": "web", "service": "front", "intent": "look"}
    assert api.post("/call", json=asked).json()["status"] == 200
    assert api.get("/services/front/openapi").json()["code"] == "no-openapi"
    stopped = api.post("/services/front/stop").json()["services"]
    assert next(each for each in stopped if each["name"] == "front")["state"] == "stopped"
    started = api.post("/services/front/start").json()["services"]
    assert next(each for each in started if each["name"] == "front")["state"] == "healthy"
    assert api.post("/call", json=asked).json()["status"] == 200


def test_an_error_budget_that_burns_is_a_warning(system: Driver, api: httpx2.Client) -> None:
    with system.gateway() as client:
        for _ in range(3):
            client.get("/hello.txt")
    burning = until(lambda: [w for w in api.get("/status").json()["warnings"] if "SLO" in w])
    assert burning[0].startswith("SLO never: 100 % of")
    assert "took longer than 0.001ms" in burning[0]
    alerts = {each["name"]: each["alert"] for each in system.json("slo")}
    assert alerts == {"looks": "", "never": "critical"}


def test_nobody_is_refused_while_the_receiver_is_dead_and_it_comes_back(system: Driver) -> None:
    before = receiver(system)
    assert before is not None
    os.kill(before, signal.SIGKILL)
    assert tell(system, b"a" * 16) == 200, "the connection waits for the next receiver"
    assert receiver(system) not in (None, before)
    until(lambda: known(system, b"a" * 16))


def test_it_outlives_the_control_plane_and_goes_on_with_the_next(system: Driver) -> None:
    pid, run = receiver(system), config(system)["run"]
    os.kill(json.loads((system.state / "control.json").read_bytes())["pid"], signal.SIGKILL)
    assert tell(system, b"b" * 16) == 200
    system.up()
    assert (receiver(system), config(system)["run"]) == (pid, run)
    assert tell(system, b"c" * 16) == 200
    until(lambda: known(system, b"b" * 16) and known(system, b"c" * 16))


def test_after_down_nothing_is_left_and_the_next_run_is_another(system: Driver) -> None:
    pid, run = receiver(system), config(system)["run"]
    assert pid is not None
    assert tell(system, b"d" * 16) == 200
    system.down()
    assert not lives(pid)
    assert known(system, b"d" * 16), "what was told last is kept"
    assert system.fairway("run", "py", "--", "printenv", "OTEL_SERVICE_NAME").stdout == "py\n"
    nobody = system.fairway(
        "run", "py", "--", "printenv", "OTEL_EXPORTER_OTLP_ENDPOINT", check=False
    )
    assert nobody.stdout == "", "an SDK would only complain"
    system.up()
    assert config(system)["run"] == run + 1
