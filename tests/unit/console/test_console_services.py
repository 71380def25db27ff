"""Services: what the table says, what the buttons do, and who may press them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.console.console_rig import ConsoleRig
from tests.unit.console.fake_telemetry import MemoryTelemetry, flow

from fairway.console.views.services import Measured, Usage, service_views, usages
from fairway.telemetry.port import (
    LogRecord,
    MetricAnswer,
    MetricPoint,
    MetricSeries,
    MetricSummary,
)


def gauge(name: str, **instances: tuple[float | None, ...]) -> MetricAnswer:
    """Values of instances, written `axon_0=(1, 2)`."""
    series = tuple(
        MetricSeries(
            {"service": label.partition("_")[0], "instance": label.replace("_", ".")},
            tuple(MetricPoint(float(at), value) for at, value in enumerate(values)),
        )
        for label, values in instances.items()
    )
    return MetricAnswer(MetricSummary(name, "gauge", "", "", ()), series)


def test_use_is_the_sum_of_the_replicas_and_the_last_that_is_known() -> None:
    cores = gauge("cpu", axon_0=(0.1, 0.2, None), axon_1=(0.3, 0.3, None), orbit_0=(None, None))
    found = usages(cores, None)
    assert found["axon"] == Usage(0.5, None, (0.4, 0.5, None), ())
    assert found["orbit"].cores is None


async def test_a_view_counts_replicas_restarts_and_versions() -> None:
    system = await ConsoleRig().parts.control.status()
    orbit = system.services[1]
    replicas = (
        replace(orbit.replicas[0], version="v1", restarts=2),
        replace(orbit.replicas[1], version="v2", state="failed", detail="exit code 1"),
    )
    system = replace(system, services=(replace(orbit, replicas=replicas),))
    (found,) = service_views(system, Measured(errors={"orbit": 120}))
    assert (found.healthy, found.restarts) == (1, 2)
    assert found.versions == (("v1", 1), ("v2", 1))
    assert found.errors_words == "99+"
    assert [each.detail for each in found.problems] == ["exit code 1"]


@pytest.fixture
def rig() -> ConsoleRig:
    rig = ConsoleRig()
    rig.parts.control.told = MemoryTelemetry(
        flows=(flow("orbit", "axon", 3.0, errors=90, p95=0.05),),
        records=tuple(
            LogRecord(n, 5.0, "axon", "axon.0", "", "error", f"line {n}", {"path": "/reason"})
            for n in range(3)
        ),
        answers={
            "process.cpu.utilization": gauge("process.cpu.utilization", axon_0=(0.25,)),
            "process.memory.usage": gauge("process.memory.usage", axon_0=(64 * 1024**2,)),
        },
    )
    return rig


async def test_the_table_has_it_all_and_errors_lead_to_the_logs(rig: ConsoleRig) -> None:
    page = (await (await rig.person()).get("/services")).text
    for said in ("axon", "orbit", "healthy", "3/s", "50 %", "25 %", "64.0 MiB", "50 ms"):
        assert said in page
    assert 'href="/logs?service=axon&amp;level=error&amp;since=15m"' in page


async def test_the_page_of_one(rig: ConsoleRig) -> None:
    page = (await (await rig.person()).get("/services/axon")).text
    for said in ("axon.0", "line 2", "path=/reason", "orbit → <strong>axon</strong>", "reason"):
        assert said in page
    missing = await (await rig.person()).get("/services/axxon")
    assert missing.status_code == 404
    assert "did you mean" in missing.text


async def test_a_deployer_stops_starts_scales_and_restarts(rig: ConsoleRig) -> None:
    dan = await rig.person("dan", "deployer")

    async def running(service: str) -> int:
        system = await rig.parts.control.status()
        return next(len(each.replicas) for each in system.services if each.name == service)

    assert "axon is stopped" in (await dan.post("/services/axon/stop")).text
    assert await running("axon") == 0
    assert "Start axon" in (await dan.get("/services/axon")).text
    await dan.post("/services/axon/start")
    assert await running("axon") == 1
    await dan.post("/services/axon/scale", replicas="3")
    assert await running("axon") == 3
    plain = await dan.post("/services/axon/restart", scripted=False)
    assert (plain.status_code, plain.headers["location"]) == (303, "/services/axon")
    assert "axon was restarted" in (await dan.get("/services/axon")).text
    assert "axon was restarted" not in (await dan.get("/services/axon")).text
    paths = [each.path for each in rig.parts.trail.writes]
    assert paths[1:] == [f"/services/axon/{what}" for what in ("stop", "start", "scale", "restart")]


async def test_a_viewer_looks_and_changes_nothing(rig: ConsoleRig) -> None:
    vera = await rig.person("vera", "viewer")
    page = (await vera.get("/services/axon")).text
    assert "/services/axon/stop" not in page
    for what in ("stop", "start", "restart", "scale"):
        answer = await vera.post(f"/services/axon/{what}", replicas="2")
        assert answer.status_code == 403
        assert answer.headers["hx-retarget"] == "#notices"
    system = await rig.parts.control.status()
    assert [len(each.replicas) for each in system.services] == [1, 2]


@pytest.mark.parametrize("replicas", ["-1", "many", "", "100000"])
async def test_a_number_that_is_none_is_refused(rig: ConsoleRig, replicas: str) -> None:
    answer = await (await rig.person()).post("/services/axon/scale", replicas=replicas)
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text


async def test_an_unknown_service_cannot_be_stopped(rig: ConsoleRig) -> None:
    answer = await (await rig.person()).post("/services/nobody/stop")
    assert answer.status_code == 404


async def test_secrets_stay_masked(rig: ConsoleRig) -> None:
    me = await rig.person()
    whole = (await me.get("/services/axon/environment")).text
    part = (await me.browser.get("/services/axon/environment", headers={"hx-request": "true"})).text
    for page in (whole, part):
        assert "FAIRWAY_SERVICE" in page
        assert "AXON_MODEL_KEY" in page
        assert "••••••" in page
    assert "<html" in whole
    assert "<html" not in part
