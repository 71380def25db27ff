"""The pages of logs, traces and metrics over a real store, as they are answered."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.console_seed import (
    DENIED,
    EVIL,
    FAILED,
    GOOD,
    NOW,
    START,
    failed,
    good,
    seeded,
    span_id,
    trace_of,
)
from tests.unit.api.rig import Rig
from tests.unit.console.console_rig import ConsoleRig, Person
from tests.waiting import PATIENCE, eventually

from fairway.console.views.arriving import Watched
from fairway.delivery.port import Actor
from fairway.telemetry.entries import LogEntry
from fairway.telemetry.port import BurnRate, SloStatus, TraceSummary
from fairway.telemetry.store.reading import StoredTelemetry
from fairway.telemetry.store.writing import Writer


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> StoredTelemetry:
    return seeded(tmp_path_factory.mktemp("telemetry"))


@pytest.fixture
async def vera(store: StoredTelemetry) -> AsyncIterator[Person]:
    parts = Rig(now=NOW)
    parts.control.told = store
    person = await ConsoleRig(parts).person("vera", "viewer")
    yield person
    await person.browser.aclose()


async def page(person: Person, path: str) -> str:
    answer = await person.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


def links(html: str, having: str) -> list[str]:
    found = [unescape(each) for each in re.findall(r'(?:href|data-live)="([^"]+)"', html)]
    return [each for each in found if having in each]


@pytest.mark.parametrize(
    "path",
    [
        "/logs", "/traces", f"/traces/{GOOD}", f"/traces/{FAILED}?span={span_id(FAILED, 3)}",
        f"/traces/{DENIED}?span={span_id(DENIED, 2)}", f"/traces/compare?a={GOOD}",
        f"/traces/compare?a={GOOD}&b={FAILED}", "/metrics", "/metrics?service=orbit&since=1h",
        "/metrics/processes", "/metrics/custom", "/metrics/custom?name=plan.duration",
    ],
)  # fmt: skip
async def test_pages_answer_without_anything_inline(vera: Person, path: str) -> None:
    """The Content-Security-Policy would refuse it, and hostile text stays text."""
    html = await page(vera, path)
    assert not re.search(r"<[^>]+\sstyle=|<style|<script(?![^>]+src=)|\son\w+=\"", html)
    assert EVIL not in html


async def test_logs_show_the_newest_and_lead_to_the_older_ones(vera: Person) -> None:
    html = await page(vera, "/logs")
    assert html.count('class="record record-') == 200
    assert "the model is overloaded" in html
    assert "POST /dispatch 200" not in html  # access logs only when they are asked for
    older = await page(vera, links(html, "before=")[0])
    assert "dispatched order 103" in older
    assert "dispatched order 105" not in older
    assert "To the newest" in older


async def test_logs_are_filtered_by_what_the_address_says(vera: Person) -> None:
    html = await page(vera, "/logs?level=warning")
    assert html.count('class="record record-') == 2
    html = await page(vera, "/logs?service=orbit&attr=kind%3Dparcel&text=ORDER+3")
    assert sorted(re.findall(r"dispatched order (\d+)", html)) == ["3", "30", "33", "36", "39"]
    assert 'title="Remove this filter">kind=parcel' in html


async def test_a_property_of_a_record_is_a_filter(vera: Person) -> None:
    html = await page(vera, "/logs?level=error")
    record = await page(vera, unescape(re.search(r'hx-get="(/logs/[^"]+)"', html)[1]))
    assert f'href="/traces/{FAILED}?span={span_id(FAILED, 4)}"' in record
    wanted = next(each for each in links(record, "attr=") if "status_code" in each)
    assert "level=error" in wanted
    filtered = await page(vera, wanted)
    assert filtered.count('class="record record-') == 1
    assert "http.response.status_code=503" in filtered
    by_correlation = links(record, "correlation_id=c-bad")[0]
    assert (await page(vera, by_correlation)).count('class="record record-') == 1


async def test_hostile_log_lines_are_text_without_colour_codes(vera: Person) -> None:
    html = await page(vera, "/logs?level=warning")
    assert "denied &lt;script&gt;" in html
    assert "\x1b" not in html
    record = await page(vera, unescape(re.findall(r'hx-get="(/logs/[^"]+)"', html)[-1]))
    assert EVIL not in record
    evil = next(each for each in links(record, "attr=") if "onerror" in each)
    assert (await page(vera, evil)).count('class="record record-') == 1


async def test_records_are_downloaded_as_json_lines(vera: Person) -> None:
    answer = await vera.get("/logs/download?service=orbit")
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    records = [json.loads(line) for line in answer.text.splitlines()]
    assert len(records) == 301
    assert records[0]["text"] == "dispatched order 0"
    assert records[-1]["trace_id"] == GOOD


async def test_logs_are_followed_from_where_the_page_ends(store: StoredTelemetry) -> None:
    async with surfing(store) as browser:
        live = links((await browser.get("/logs?level=error")).text, "/logs/live")[0]
        after = re.search(r"after=(\d+)", live)[1]
        earlier = live.replace(after, str(int(after) - 5))
        number, found = await asyncio.wait_for(first_message(browser, earlier), PATIENCE)
    assert found["count"] == 1
    assert "the model is overloaded" in found["html"]
    assert found["last"] == number == int(after)


@asynccontextmanager
async def surfing(store: StoredTelemetry) -> AsyncIterator[httpx2.AsyncClient]:
    """Over a real socket: an answer that does not end cannot be had in process."""
    parts = Rig(now=NOW)
    parts.control.told = store
    rig = ConsoleRig(parts)
    server = uvicorn.Server(uvicorn.Config(rig.site, port=0, log_level="error", lifespan="off"))
    serving = asyncio.ensure_future(server.serve())
    await eventually(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as browser:
        await browser.get(rig.site.login_path(Actor("vera", "viewer")))
        yield browser
    server.should_exit = True
    await serving


async def first_message(browser: httpx2.AsyncClient, path: str) -> tuple[int, Any]:
    number = 0
    async with browser.stream("GET", path) as answer:
        async for line in answer.aiter_lines():
            if line.startswith("id: "):
                number = int(line.removeprefix("id: "))
            if line.startswith("data: "):
                return number, json.loads(line.removeprefix("data: "))
    raise AssertionError("the stream ended")


async def test_traces_have_their_durations_as_filters(vera: Person) -> None:
    html = await page(vera, "/traces")
    assert html.count("data-chosen>") == 50
    slow = links(html, "min_duration=0.5")[0]
    html = await page(vera, slow)
    assert html.count("data-chosen>") == 1
    assert f"/traces/{FAILED}" in html
    html = await page(vera, "/traces?outcome=denied&min_duration=1ms")
    assert f"/traces/{DENIED}" in html
    assert html.count("data-chosen>") == 1


async def test_newer_traces_are_announced(store: StoredTelemetry) -> None:
    async with surfing(store) as browser:
        live = links((await browser.get("/traces?outcome=ok")).text, "/traces/live")[0]
        earlier = re.sub(r"than=[^&]+", f"than={NOW - 100}", live)
        _, html = await asyncio.wait_for(first_message(browser, earlier), PATIENCE)
    assert ">4 newer traces<" in html


async def test_the_older_traces_are_one_page_away(vera: Person) -> None:
    first = await page(vera, "/traces")
    second = await page(vera, links(first, "cursor=")[0])
    pattern = r'href="/traces/([0-9a-f]{32})"'
    assert not set(re.findall(pattern, first)) & set(re.findall(pattern, second))


async def test_a_waterfall_tells_what_happened_on_each_hop(vera: Person) -> None:
    html = await page(vera, f"/traces/{FAILED}")
    for words in ("breaker open", "2 retries", "error 503", "every allowed attempt failed"):
        assert words in html, words
    html = await page(vera, f"/traces/{GOOD}")
    for words in ("cohort r8", "allowed", "allowed by intent-web-dispatch", "of the wait"):
        assert words in html, words


async def test_a_span_tells_its_attributes_events_and_logs(vera: Person) -> None:
    html = await page(vera, f"/traces/{GOOD}?span={span_id(GOOD, 3)}")
    for words in ("http.route", "plan chosen", "shortest"):
        assert words in html, words
    assert "reasoned" not in html  # that is another span's
    assert links(html, "/traces?attr=http.route")
    denied = await page(vera, f"/traces/{DENIED}?span={span_id(DENIED, 2)}")
    assert "denied by no-night-calls: &lt;script&gt;" in denied


async def test_two_traces_are_compared(vera: Person) -> None:
    html = await page(vera, f"/traces/compare?a={GOOD}&b={FAILED}")
    for words in ("only after", "only before", "slower"):
        assert words in html, words
    choice = await page(vera, f"/traces/compare?a={FAILED}")
    assert len(links(choice, f"b={FAILED}")) == 19


async def test_requests_are_told_by_service_and_edge(vera: Person) -> None:
    html = await page(vera, "/metrics?since=1h")
    for words in ("orbit → axon", "intruder → axon", "public → gateway"):
        assert words in html, words
    assert links(html, "caller=intruder")


async def test_objectives_show_what_is_left_of_their_budget(store: StoredTelemetry) -> None:
    class Promising:
        """The store, and objectives as its receiver would have been told of them."""

        def __getattr__(self, name: str) -> Any:
            return getattr(store, name)

        async def slos(self) -> tuple[SloStatus, ...]:
            burn = (BurnRate(3600, 20.0), BurnRate(300, 0.5))
            told = {"kind": "availability", "objective": 0.999, "threshold": None}
            return tuple(
                SloStatus(
                    name, "orbit", "dispatch", window=30 * 86_400.0, requests=1000, bad=5,
                    budget_left=left, burn=burn, alert=alert, words=f"{name} in words", **told,
                )
                for name, left, alert in (("a", 0.4, ""), ("b", 0.1, "critical"), ("c", -0.5, ""))
            )  # fmt: skip

    parts = Rig(now=NOW)
    parts.control.told = Promising()
    person = await ConsoleRig(parts).person("vera", "viewer")
    html = await page(person, "/metrics")
    await person.browser.aclose()
    for words in ("kept", "budget burns fast", "missed", "b in words", "99.9 % without errors"):
        assert words in html, words
    assert re.search("1 h: <strong[^>]*>20\u00d7", html)


async def chart(person: Person, path: str) -> dict:
    answer = await person.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_charts_of_requests(vera: Person) -> None:
    found = await chart(vera, "/metrics/requests.json?measure=rate&since=15m")
    assert {line["label"] for line in found["lines"]} == {"gateway", "orbit", "axon"}
    assert found["unit"] == "/s"
    by_version = await chart(vera, "/metrics/requests.json?measure=p95&service=orbit&since=15m")
    assert {line["label"] for line in by_version["lines"]} == {"orbit r7", "orbit r8"}
    edges = await chart(vera, "/metrics/requests.json?measure=denied&split=caller&since=15m")
    denied = next(line for line in edges["lines"] if line["label"] == "intruder → axon")
    assert max(value or 0 for value in denied["values"]) == 1


async def test_a_run_is_compared_with_an_earlier_one(vera: Person) -> None:
    found = await chart(
        vera, "/metrics/requests.json?measure=p95&service=orbit&compare=1&since=30m"
    )
    assert found["relative"]
    labels = {line["label"]: line["dashed"] for line in found["lines"]}
    assert labels == {"orbit": False, "orbit (run 1)": True}
    assert 0 <= found["x"][0] < 60
    html = await page(vera, "/metrics?service=orbit&compare=1&since=10m")
    assert "Run 2 against run 1" in html
    assert "the first 10 min of each" in html
    answer = await vera.get("/metrics/requests.json?measure=rate&compare=9")
    assert answer.status_code == 404


async def test_charts_of_metrics_with_exemplars(vera: Person) -> None:
    path = "/metrics/series.json?name=plan.duration&statistic=p95&since=30m"
    found = await chart(vera, path)
    assert found["unit"] == "s"
    assert found["dots"][-1]["href"] == f"/traces/{GOOD}?span={span_id(GOOD, 4)}"
    orders = await chart(vera, "/metrics/series.json?name=orders&by=kind&since=30m")
    assert {line["label"] for line in orders["lines"]} == {"kind=express", "kind=parcel"}
    assert links(await page(vera, "/metrics/custom?name=orders"), "by=kind")
    assert orders["unit"] == "/s"
    answer = await vera.get("/metrics/series.json?name=nothing")
    assert answer.status_code == 404


async def test_what_happened_meanwhile_is_marked(vera: Person) -> None:
    found = await chart(vera, f"/metrics/requests.json?measure=rate&since={START - 600:.0f}")
    assert [mark["label"] for mark in found["marks"] if mark["kind"] == "run"] == ["run 2"]
    assert "run 2 begins" in await page(vera, f"/metrics/happened?since={START - 600:.0f}")


@pytest.mark.parametrize(
    "path",
    [
        "/logs?attr=nothing", "/logs?since=soon", "/logs?run=one", "/traces?min_duration=fast",
        "/metrics?since=5m&until=10m", "/metrics/requests.json?measure=joy",
    ],
)  # fmt: skip
async def test_what_makes_no_sense_is_told(vera: Person, path: str) -> None:
    answer = await vera.get(path)
    assert answer.status_code == 400
    assert "remedy" in answer.text.lower() or "no" in answer.text


async def test_what_is_no_longer_stored_is_told(vera: Person) -> None:
    assert (await vera.get("/logs/7")).status_code == 404
    assert (await vera.get("/traces/ffff")).status_code == 404


@asynccontextmanager
async def vera_at(store: StoredTelemetry, now: float) -> AsyncIterator[Person]:
    parts = Rig(now=now)
    parts.control.told = store
    person = await ConsoleRig(parts).person("vera", "viewer")
    yield person
    await person.browser.aclose()


async def test_records_are_shown_in_the_order_of_their_times(tmp_path: Path) -> None:
    """Two replicas are read one after the other, so ids step back in time."""
    writer = Writer(tmp_path, 1, lambda: NOW)
    for first in (0, 10):
        writer.lines(
            LogEntry(NOW - 60 + first + step, "orbit", f"orbit.{replica}", "", "info", "said", {})
            for replica in (0, 1)
            for step in range(5)
        )
    writer.flush()
    writer.close()
    store = StoredTelemetry(tmp_path, lambda: NOW)
    async with surfing(store) as browser:
        html = (await browser.get("/logs")).text
        live = links(html, "/logs/live")[0]
        last = int(re.search(r"after=(\d+)", live)[1])
        _, found = await asyncio.wait_for(
            first_message(browser, live.replace(f"after={last}", "after=0")), 20
        )
    assert found["last"] == last
    for shown in (html, found["html"]):
        times = [float(at) for at in re.findall(r'data-at="([^"]+)"', shown)]
        assert len(times) == 20
        assert times == sorted(times)
        assert max(int(number) for number in re.findall(r'data-id="(\d+)"', shown)) == last


async def test_a_fresh_trace_says_that_spans_may_still_arrive(store: StoredTelemetry) -> None:
    async with vera_at(store, NOW - 50) as vera:
        html = await page(vera, f"/traces/{GOOD}?span={span_id(GOOD, 3)}")
        assert links(html, "/live") == [f"/traces/{GOOD}/live"]
        assert "Spans may still arrive" in html
        listed = await page(vera, "/traces")
        assert listed.count(">so far<") >= 3
        assert "arriving=" in links(listed, "/traces/live")[0]
        compared = await page(vera, f"/traces/compare?a={GOOD}&b={FAILED}")
        assert "the one before and the one after may still arrive" in compared


async def test_a_trace_of_a_minute_ago_is_complete(vera: Person) -> None:
    assert not links(await page(vera, f"/traces/{GOOD}"), "/live")
    listed = await page(vera, "/traces")
    assert ">so far<" not in listed
    assert "arriving=" not in links(listed, "/traces/live")[0]
    assert "may still arrive" not in await page(vera, f"/traces/compare?a={GOOD}&b={FAILED}")


def without_first(sent: bytes, count: int) -> bytes:
    request = ExportTraceServiceRequest.FromString(sent)
    del request.resource_spans[:count]
    return request.SerializeToString()


async def test_spans_that_arrive_are_drawn_and_counted(tmp_path: Path) -> None:
    writer = Writer(tmp_path, 1, lambda: NOW)
    hops = good()
    writer.traces(trace_of(GOOD, NOW - 3, hops[:2]))
    writer.flush()
    store = StoredTelemetry(tmp_path, lambda: NOW)
    async with surfing(store) as browser:
        list_live = links((await browser.get("/traces")).text, "/traces/live")[0]
        live = links((await browser.get(f"/traces/{GOOD}")).text, "/live")[0]
        async with browser.stream("GET", live) as answer, asyncio.timeout(PATIENCE):
            counts = []
            async for line in answer.aiter_lines():
                if line.startswith("data: ") and "trace-hops" in line:
                    counts.append(json.loads(line.removeprefix("data: ")).count('id="hop-'))
                    if len(counts) == 2:
                        break
                    writer.traces(without_first(trace_of(GOOD, NOW - 3, hops), 2))
                    writer.flush()
        assert counts[0] == 2
        assert counts[1] == len(hops)
        async with browser.stream("GET", list_live) as answer, asyncio.timeout(PATIENCE):
            async for line in answer.aiter_lines():
                if f"spans-{GOOD}" in line:
                    assert "so far" in line
                    break
    writer.close()


def test_a_trace_is_watched_until_nothing_has_come_for_some_seconds() -> None:
    trace = TraceSummary(GOOD, "orbit", "GET /", NOW, 1.0, 2, 0, "ok", ("orbit",))
    watched = Watched()
    assert not watched.settled(trace, NOW + 2)
    assert not watched.settled(trace, NOW + 15.9)
    grown = replace(trace, spans=3)
    assert not watched.settled(grown, NOW + 17)
    assert not watched.settled(grown, NOW + 21)
    assert watched.settled(grown, NOW + 22)


async def test_the_older_of_two_traces_is_the_one_before(tmp_path: Path) -> None:
    writer = Writer(tmp_path, 1, lambda: NOW)
    writer.traces(trace_of(GOOD, NOW - 300, good()))
    writer.traces(trace_of(FAILED, NOW - 200, failed()))
    writer.flush()
    writer.close()
    async with vera_at(StoredTelemetry(tmp_path, lambda: NOW), NOW) as vera:
        one = await page(vera, f"/traces/compare?a={GOOD}&b={FAILED}")
        other = await page(vera, f"/traces/compare?a={FAILED}&b={GOOD}")
    for html in (one, other):
        assert html.index(f"/traces/{GOOD}") < html.index(f"/traces/{FAILED}")


async def test_denied_traces_are_not_counted_as_errors(vera: Person) -> None:
    html = await page(vera, "/traces")
    assert re.search(r"traces, 1 with errors", html)
