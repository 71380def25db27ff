"""Whatever a program says about itself is text: markup in names, lines, attributes and policies."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from tests.browser.console_system import console_of, token_of
from tests.browser.rig import Visitor
from tests.driver import Driver
from tests.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.envoy, pytest.mark.xdist_group("system")]

HARM = '<img src=harm onerror="window.harmed=1"><script>window.harmed=1</script>\'"`{{7*7}}'
TRACE = "ab" * 16
"""The id of the trace that carries it."""


@pytest.fixture
def harmful(system: Driver) -> Iterator[Driver]:
    """The system, told harmful things in every way that there is."""
    endpoint = system.variables("orbit")["OTEL_EXPORTER_OTLP_ENDPOINT"]
    for kind, body in (("traces", spans()), ("logs", logs()), ("metrics", metrics())):
        httpx2.post(f"{endpoint}/v1/{kind}", json=body, timeout=20).raise_for_status()
    with api(system) as client:
        active = client.get("/api/v1/policy-sets").json()
        text = f'// {HARM}\n@id("harm")\n@note("{HARM_IN_CEDAR}")\n' + PERMIT
        made = client.post("/api/v1/policy-sets", json={"policies": text, "description": HARM})
        assert made.status_code == 201, (made.text, active)
        until(lambda: client.get(f"/api/v1/traces/{TRACE}").status_code == 200)
    yield system


HARM_IN_CEDAR = HARM.replace('"', '\\"')
PERMIT = 'permit (principal == Client::"web", action == Action::"dispatch", resource);'
PAGES = (
    "/",
    "/services",
    "/logs",
    f"/logs?text={quote(HARM)}&attr={quote(f'{HARM}={HARM}')}",
    "/traces",
    f"/traces?name={quote(HARM)}&service={quote(HARM)}",
    f"/traces/{TRACE}",
    f"/traces/{TRACE}?span={'cd' * 8}",
    "/metrics",
    f"/metrics?service={quote(HARM)}&caller={quote(HARM)}",
    "/metrics/custom",
    f"/metrics/custom?name={quote(HARM)}",
    "/deployments",
    "/policies",
    "/policies/2",
    "/policies/edit?base=2",
    "/policies/diff?before=1&after=2",
    f"/policies/audit?service={quote(HARM)}&caller={quote(HARM)}",
    f"/policies/simulate?kind=Service&name={quote(HARM)}&service=axon&intent=reason",
    f"/explorer?service=orbit&body.prompt={quote(HARM)}",
)


def test_nothing_that_a_program_says_runs_in_a_page(visitor: Visitor, harmful: Driver) -> None:
    visitor.expected += ["400", "404"]
    seen = ""
    for path in PAGES:
        page = visitor.open(path)
        page.locator("h1").first.wait_for()
        seen += page.content()
        assert page.locator("img[src=harm]").count() == 0, path
        assert page.evaluate("window.harmed") is None, path
        assert "49'" not in page.content(), path
    assert seen.count("&lt;img src=harm") > 10


def api(system: Driver) -> httpx2.Client:
    headers = {"authorization": f"Bearer {token_of(system)}"}
    return httpx2.Client(base_url=console_of(system), headers=headers, timeout=20)


def resource() -> dict[str, Any]:
    return {"attributes": [attribute("service.name", HARM), attribute(HARM, HARM)]}


def attribute(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}


def nanos() -> str:
    return str(time.time_ns())


def spans() -> dict[str, Any]:
    span = {
        "traceId": TRACE, "spanId": "cd" * 8, "name": HARM, "kind": 2,
        "startTimeUnixNano": nanos(), "endTimeUnixNano": nanos(),
        "attributes": [attribute(HARM, HARM), attribute("fairway.reason", HARM)],
        "events": [{"timeUnixNano": nanos(), "name": HARM, "attributes": [attribute("x", HARM)]}],
        "status": {"code": 2, "message": HARM},
    }  # fmt: skip
    scoped = [{"scope": {"name": HARM}, "spans": [span]}]
    return {"resourceSpans": [{"resource": resource(), "scopeSpans": scoped}]}


def logs() -> dict[str, Any]:
    record = {
        "timeUnixNano": nanos(), "severityNumber": 17, "severityText": HARM,
        "body": {"stringValue": HARM}, "traceId": TRACE, "spanId": "cd" * 8,
        "attributes": [attribute(HARM, HARM)],
    }  # fmt: skip
    scoped = [{"logRecords": [record]}]
    return {"resourceLogs": [{"resource": resource(), "scopeLogs": scoped}]}


def metrics() -> dict[str, Any]:
    point = {"timeUnixNano": nanos(), "asInt": "1", "attributes": [attribute(HARM, HARM)]}
    metric = {"name": HARM, "unit": HARM, "description": HARM, "gauge": {"dataPoints": [point]}}
    scoped = [{"metrics": [metric]}]
    return {"resourceMetrics": [{"resource": resource(), "scopeMetrics": scoped}]}
