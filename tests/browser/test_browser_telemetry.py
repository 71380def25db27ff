"""Logs, traces and metrics in a real browser, over a store that a real writer adds to meanwhile."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from playwright.sync_api import Browser, Page, expect
from tests.browser.rig import PHONE, Visitor, visiting
from tests.console_seed import (
    DENIED,
    EVIL,
    FAILED,
    GOOD,
    NOW,
    good,
    seeded,
    span_id,
    trace_of,
)
from tests.unit.api.rig import Rig
from tests.unit.console.console_rig import ConsoleRig

from fairway.console.site import Website
from fairway.delivery.port import Actor
from fairway.telemetry.entries import LogEntry
from fairway.telemetry.store.writing import Writer

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("system")]


@dataclass
class Store:
    """A console over a seeded store, and the writer of a run that goes on."""

    site: Website
    base: str
    writer: Writer
    said: int = 0

    def say(self, count: int = 1, text: str = "fresh line", level: str = "info") -> None:
        lines = []
        for _ in range(count):
            self.said += 1
            words = f"{text} {self.said}"
            lines.append(
                LogEntry(NOW, "axon", "axon.r7.0", "r7", level, words, {"n": self.said})  # type: ignore[arg-type]
            )
        self.writer.lines(lines)
        self.writer.flush()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("telemetry")
    parts = Rig(now=NOW)
    parts.control.told = seeded(folder)
    rig = ConsoleRig(parts)
    writer = Writer(folder, 2, lambda: NOW)
    with served(rig.site) as base:
        yield Store(rig.site, base, writer)
    writer.close()


@contextmanager
def served(site: Website) -> Iterator[str]:
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    server = uvicorn.Server(
        uvicorn.Config(site, log_level="error", lifespan="off", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])))
    thread.start()
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(timeout=20)


@pytest.fixture
def vera(browser: Browser, store: Store) -> Iterator[Visitor]:
    with visiting(browser, store.base) as visitor:
        visitor.open(store.site.login_path(Actor("vera", "viewer")))
        yield visitor


def records(page: Page):
    return page.locator("#records > li")


def test_logs_are_followed_paused_and_filtered(vera: Visitor, store: Store) -> None:
    page = vera.open("/logs")
    expect(records(page)).to_have_count(200)
    store.say(3)
    expect(records(page)).to_have_count(203)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("paused")).to_be_visible()
    store.say(5)
    page.get_by_role("button", name="Follow").click()
    expect(records(page)).to_have_count(208)
    ids = records(page).evaluate_all("rows => rows.map(row => Number(row.dataset.id))")
    assert len(ids) == len(set(ids))
    times = records(page).evaluate_all("rows => rows.map(row => Number(row.dataset.at))")
    assert times == sorted(times)
    page.get_by_label("Text").fill("fresh line")
    expect(records(page)).to_have_count(8)
    assert page.url.endswith("/logs?text=fresh+line")
    store.say(1, "something else")
    store.say(1)
    expect(records(page)).to_have_count(9)
    expect(page.locator("#following h2")).to_have_text("9 records")


def test_a_click_on_a_property_filters_and_the_record_leads_to_its_trace(vera: Visitor) -> None:
    page = vera.open("/logs?level=error")
    page.get_by_text("the model is overloaded").click()
    page.get_by_role("link", name="503", exact=True).click()
    expect(page.locator(".chip")).to_contain_text("http.response.status_code=503")
    assert "level=error" in page.url
    page.locator(".record summary").first.press("Enter")
    page.get_by_role("link", name="Trace", exact=True).click()
    expect(page.locator("#span-title")).to_have_text("POST /reason")
    assert page.url.endswith(f"/traces/{FAILED}?span={span_id(FAILED, 4)}")
    page.get_by_role("link", name="Logs of this trace").click()
    expect(records(page)).to_have_count(1)


def test_logs_are_downloaded(vera: Visitor) -> None:
    page = vera.open("/logs?service=orbit")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "fairway-logs.jsonl"
    assert len(Path(download.value.path()).read_text().splitlines()) == 301


def test_from_the_distribution_to_a_hop_and_back(vera: Visitor) -> None:
    page = vera.open("/traces")
    page.locator("svg.distribution a").last.click()
    expect(page.locator("[data-chosen]")).to_have_count(1)
    page.get_by_role("link", name="gateway: ingress").click()
    page.locator(".hop").nth(2).click()
    details = page.locator("#span")
    expect(details).to_contain_text("breaker open: the circuit breaker is open")
    page.locator(".hop").nth(2).press("ArrowDown")
    page.keyboard.press("Enter")
    expect(details).to_contain_text("the model is overloaded")
    page.go_back()
    expect(details).to_contain_text("breaker open")
    expect(page.get_by_role("navigation", name="Pages")).to_be_visible()


def test_a_fresh_trace_fills_in_and_keeps_what_is_selected(vera: Visitor, store: Store) -> None:
    fresh = "f5" * 16
    parts = [ExportTraceServiceRequest.FromString(trace_of(fresh, NOW - 2, good())) for _ in "12"]
    del parts[0].resource_spans[2:]
    del parts[1].resource_spans[:2]
    store.writer.traces(parts[0].SerializeToString())
    store.writer.flush()
    page = vera.open(f"/traces/{fresh}")
    expect(page.locator(".hop")).to_have_count(2)
    expect(page.get_by_text("Spans may still arrive")).to_be_visible()
    page.locator(".hop").first.click()
    expect(page.locator("#span h3").first).to_be_visible()
    store.writer.traces(parts[1].SerializeToString())
    store.writer.flush()
    expect(page.locator(".hop")).to_have_count(len(good()))
    expect(page.locator(".hop[aria-current]")).to_have_count(1)
    expect(page.locator("#span h3").first).to_be_visible()


def test_two_traces_that_are_chosen_are_compared(vera: Visitor) -> None:
    page = vera.open("/traces")
    boxes = page.locator("[data-chosen]")
    boxes.nth(0).check()
    boxes.nth(3).check()
    expect(boxes.nth(1)).to_be_disabled()
    page.get_by_role("button", name="Compare two").click()
    expect(page.get_by_role("heading", name="Two traces")).to_be_visible()
    expect(page.locator(".mark", has_text="only after").first).to_be_visible()


def test_charts_lead_to_traces_and_choose_a_time(vera: Visitor) -> None:
    page = vera.open("/metrics/custom?name=plan.duration&since=1h")
    plot = page.locator(".u-over")
    box = plot.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 200, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 500, box["y"] + 60, steps=4)
    page.mouse.up()
    page.wait_for_url(re.compile(r"since=\d+&until=\d+"))
    page.get_by_role("link", name="90 ms").first.click()
    expect(page.locator("#span-title")).to_have_text("plan")


def test_requests_by_version_and_against_an_earlier_run(vera: Visitor) -> None:
    page = vera.open("/metrics?since=1h")
    expect(page.locator(".u-over")).to_have_count(4)
    page.get_by_role("row", name="gateway → orbit").get_by_role("link").first.click()
    legend = page.locator(".u-legend").first
    expect(legend).to_contain_text("orbit r8")
    page.locator("select[name=compare]").select_option("1")
    expect(legend).to_contain_text("orbit (run 1)")
    assert "caller=gateway" in page.url


@pytest.mark.parametrize(
    "path",
    [
        "/logs?level=warning",
        f"/traces/{DENIED}?span={span_id(DENIED, 2)}",
        f"/traces/compare?a={GOOD}&b={DENIED}",
        f"/traces/compare?a={FAILED}",
        "/metrics?since=1h&compare=1",
        "/metrics/custom?name=plan.duration&since=1h",
    ],
)
def test_hostile_text_stays_text_and_pages_are_accessible(vera: Visitor, path: str) -> None:
    page = vera.open(path)
    for record in page.locator(".record summary").all():
        record.click()
    expect(page.locator(".body:empty")).to_have_count(0)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert vera.serious_violations() == []
    page.set_viewport_size(PHONE)
    assert vera.scrolls_sideways() == []
    assert page.locator("img[src=x]").count() == 0
    if "a0a0" not in path and DENIED in path:
        expect(page.locator("#span")).to_contain_text(EVIL)
