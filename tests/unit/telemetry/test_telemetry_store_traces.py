"""Spans in, traces out: a real writer and reader on real files."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.telemetry_store import NOW, Sent, Store, span_id, spans, trace_id

from fairway.errors import InvalidInput, NotFound, Unavailable
from fairway.telemetry.port import TraceQuery
from fairway.telemetry.store import trace_reading, trace_search


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    found = Store(tmp_path / "telemetry")
    yield found
    found.writer.close()


async def ids(store: Store, query: TraceQuery) -> list[int]:
    page = await store.telemetry.traces(query)
    return [int(trace.trace_id[:16], 16) for trace in page.traces]


async def test_a_span_comes_back_as_it_was_sent(store: Store) -> None:
    sent = spans([Sent(1, 2, 7, 1.5, 0.25, attributes={
        "text": "ü<b>", "whole": 7, "part": 0.5, "yes": True, "list": ["a"], "bytes": b"\x00",
    })])  # fmt: skip
    assert store.writer.traces(sent).accepted == 1
    store.writer.flush()
    trace = await store.telemetry.trace(trace_id(1))
    (span,) = trace.spans
    assert (span.trace_id, span.span_id, span.parent_id) == (trace_id(1), span_id(2), span_id(7))
    assert (span.started_at, span.duration) == (NOW + 1.5, 0.25)
    assert (span.service, span.version, span.name) == ("orbit", "v1", "POST /dispatch")
    assert (span.kind, span.status, span.scope, span.sidecar) == ("server", "unset", "tests", False)
    assert dict(span.attributes) == {
        "text": "ü<b>", "whole": 7, "part": 0.5, "yes": True, "list": ("a",), "bytes": "AA==",
    }  # fmt: skip
    assert span.resource["service.name"] == "orbit"


async def test_nothing_is_seen_before_a_flush_and_nothing_stored_is_no_error(store: Store) -> None:
    assert (await store.telemetry.traces(TraceQuery())).traces == ()
    store.writer.traces(spans([Sent(1, 1)]))
    assert (await store.telemetry.traces(TraceQuery())).traces == ()
    store.writer.flush()
    assert await ids(store, TraceQuery()) == [1]


async def test_a_trace_is_summed_up_over_requests_in_any_order(store: Store) -> None:
    store.send(Sent(1, 3, 2, 0.2, 0.1, service="axon", version="v2", error=True))
    store.send(Sent(1, 1, 0, 0.0, 1.0, service="gateway", name="GET /", sdk="envoy"))
    store.send(Sent(1, 2, 1, 0.1, 0.5))
    (found,) = (await store.telemetry.traces(TraceQuery())).traces
    assert (found.service, found.name, found.started_at, found.duration) == (
        "gateway", "GET /", NOW, 1.0,
    )  # fmt: skip
    assert (found.spans, found.errors, found.outcome) == (3, 1, "error")
    assert found.services == ("axon", "gateway", "orbit")
    trace = await store.telemetry.trace(trace_id(1))
    assert [span.span_id for span in trace.spans] == [span_id(1), span_id(2), span_id(3)]
    assert trace.spans[0].sidecar
    assert trace.summary == found


@pytest.mark.parametrize(
    ("attributes", "outcome"),
    [
        ({"fairway.decision": "deny", "http.response.status_code": 403}, "denied"),
        ({"http.status_code": "403", "fairway.flags": "rbac_access_denied"}, "denied"),
        ({"http.response.status_code": 403, "response_code_details": "direct_response"}, "denied"),
        ({"http.response.status_code": 403}, "ok"),
        ({"fairway.decision": "allow", "note": "deny"}, "ok"),
        ({"http.response.status_code": 200, "response_code_details": "direct_response"}, "ok"),
    ],
)
async def test_a_denied_call_is_told_from_an_answer_403(
    store: Store, attributes: dict[str, object], outcome: str
) -> None:
    store.send(Sent(1, 1), Sent(1, 2, 1, attributes=attributes))
    (found,) = (await store.telemetry.traces(TraceQuery())).traces
    assert found.outcome == outcome
    assert await ids(store, TraceQuery(outcome="denied")) == ([1] if outcome == "denied" else [])


async def test_filters(store: Store) -> None:
    store.send(
        Sent(1, 1, at=1, duration=0.1, version="v1"),
        Sent(2, 1, at=2, duration=2.0, version="v2", error=True),
        Sent(3, 1, at=3, duration=0.3, service="axon", version="v2", name="reason"),
        Sent(3, 2, at=3, duration=0.1, version="v1", attributes={"code": 200, "user": "zoë"}),
    )
    for query, expected in (
        (TraceQuery(), [3, 2, 1]),
        (TraceQuery(since=NOW + 2), [3, 2]),
        (TraceQuery(until=NOW + 2), [1]),
        (TraceQuery(service="axon"), [3]),
        (TraceQuery(service="nobody"), []),
        (TraceQuery(version="v2"), [3, 2]),
        (TraceQuery(service="orbit", version="v2"), [2]),
        (TraceQuery(outcome="error"), [2]),
        (TraceQuery(outcome="ok"), [3, 1]),
        (TraceQuery(min_duration=0.3), [3, 2]),
        (TraceQuery(max_duration=0.3), [3, 1]),
        (TraceQuery(name="REAS"), [3]),
        (TraceQuery(name="reason", service="orbit"), []),
        (TraceQuery(attributes={"code": "200"}), [3]),
        (TraceQuery(attributes={"code": "20"}), []),
        (TraceQuery(attributes={"user": "zoë", "code": "200"}), [3]),
        (TraceQuery(attributes={"user": "zoë"}, service="axon"), []),
        (TraceQuery(run=1), [3, 2, 1]),
        (TraceQuery(run=2), []),
        (TraceQuery(limit=2), [3, 2]),
    ):
        assert await ids(store, query) == expected, query


async def test_pages_hold_every_trace_once_also_of_the_same_instant(store: Store) -> None:
    store.send(*(Sent(number, 1, at=number // 3) for number in range(1, 20)))
    seen: list[int] = []
    cursor = None
    while True:
        page = await store.telemetry.traces(TraceQuery(limit=4, cursor=cursor))
        seen += [int(trace.trace_id[:16], 16) for trace in page.traces]
        cursor = page.cursor
        if cursor is None:
            break
    assert sorted(seen) == list(range(1, 20))


async def test_the_durations_of_all_matching_are_told_beside_a_page(store: Store) -> None:
    store.send(
        *(Sent(n, 1, duration=0.015, error=n == 1) for n in range(1, 6)), Sent(9, 1, duration=0.2)
    )
    page = await store.telemetry.traces(TraceQuery(limit=1))
    found = {bucket.upper: (bucket.count, bucket.errors) for bucket in page.durations}
    assert found == {0.02: (5, 1), 0.05: (0, 0), 0.1: (0, 0), 0.2: (1, 0)}


async def test_what_was_denied_is_no_error_of_the_durations(store: Store) -> None:
    denial = {"fairway.decision": "deny", "http.response.status_code": 403}
    store.send(
        Sent(1, 1, duration=0.015, attributes=denial),
        Sent(2, 1, duration=0.015, attributes=denial, error=True),
        Sent(3, 1, duration=0.015, error=True),
    )
    (bucket,) = (await store.telemetry.traces(TraceQuery())).durations
    assert (bucket.count, bucket.errors) == (3, 1)


async def test_a_bounded_search_says_how_far_it_came_and_goes_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace_search, "MOST_EXAMINED", 5)
    monkeypatch.setattr(trace_search, "_WINDOW", 2)
    store.send(*(Sent(n, 1, at=n, attributes={"user": "a" if n < 3 else "b"}) for n in range(20)))
    cursor, pages, found = None, 0, []
    while True:
        page = await store.telemetry.traces(TraceQuery(attributes={"user": "a"}, cursor=cursor))
        found += [trace.started_at - NOW for trace in page.traces]
        pages += 1
        cursor = page.cursor
        if page.searched_since is None:
            break
        assert cursor is not None
    assert found == [2, 1, 0]
    assert pages > 2


async def test_a_trace_in_two_segments_is_one(tmp_path: Path) -> None:
    store = Store(tmp_path, rows=2)
    store.send(Sent(1, 1, 0, 0.0, 2.0), Sent(2, 1, at=0.5))
    store.send(Sent(1, 2, 1, 1.0, 0.5, service="axon", error=True))
    assert len(store.files) == 2
    trace = await store.telemetry.trace(trace_id(1))
    assert [span.span_id for span in trace.spans] == [span_id(1), span_id(2)]
    page = await store.telemetry.traces(TraceQuery())
    assert [found.spans for found in page.traces] == [2, 1]
    assert page.traces[0] == trace.summary
    assert trace.summary.outcome == "error"
    assert trace.summary.duration == 2.0
    store.writer.close()


async def test_an_id_may_be_shortened_but_not_be_several(store: Store) -> None:
    store.send(Sent(0xAB, 1), Sent(0xAC, 1))
    assert (await store.telemetry.trace(trace_id(0xAB)[:20])).summary.trace_id == trace_id(0xAB)
    for asked, problem, code in (
        (trace_id(0xAB)[:10], InvalidInput, "trace-id-ambiguous"),
        ("ffff", NotFound, "trace-unknown"),
        ("abc", InvalidInput, "trace-id-malformed"),
        ("xyzw", InvalidInput, "trace-id-malformed"),
    ):
        with pytest.raises(problem) as raised:
            await store.telemetry.trace(asked)
        assert raised.value.code == code
        assert raised.value.remedy


async def test_what_is_no_otlp_is_refused_and_spans_without_ids_are_counted(store: Store) -> None:
    with pytest.raises(InvalidInput):
        store.writer.traces(b"no protobuf")
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

    request = trace_service_pb2.ExportTraceServiceRequest.FromString(
        spans([Sent(1, 1), Sent(2, 1)])
    )
    request.resource_spans[0].scope_spans[0].spans[0].trace_id = b"short"
    taken = store.writer.traces(request.SerializeToString())
    assert (taken.accepted, taken.rejected) == (1, 1)
    assert "id" in taken.problem
    store.writer.flush()
    assert await ids(store, TraceQuery()) == [2]


async def test_a_later_writer_of_the_same_run_goes_on_and_of_another_begins_anew(
    tmp_path: Path,
) -> None:
    first = Store(tmp_path)
    first.send(Sent(1, 1))
    first.writer.close()
    second = Store(tmp_path)
    second.send(Sent(1, 2, 1), Sent(2, 1, at=1))
    assert len(second.files) == 1
    second.writer.close()
    third = Store(tmp_path, run=2, now=NOW + 60)
    third.send(Sent(3, 1, at=60))
    assert len(third.files) == 2
    assert await ids(third, TraceQuery()) == [3, 2, 1]
    assert await ids(third, TraceQuery(run=1)) == [2, 1]
    assert len((await third.telemetry.trace(trace_id(1))).spans) == 2
    runs = (await third.telemetry.status()).runs
    assert [(run.number, run.started_at, run.ended_at) for run in runs] == [
        (1, NOW, NOW), (2, NOW + 60, None),
    ]  # fmt: skip
    third.writer.close()


async def test_a_killed_writer_costs_only_what_was_not_flushed(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.send(Sent(1, 1))
    store.writer.traces(spans([Sent(2, 1)]))
    store.writer._segment.abandon()
    again = Store(tmp_path)
    again.send(Sent(3, 1, at=1))
    assert await ids(again, TraceQuery()) == [3, 1]
    again.writer.close()


async def test_a_store_that_cannot_be_written_says_so_and_recovers(store: Store) -> None:
    store.send(Sent(1, 1))
    blocker = sqlite3.connect(store.folder / "segments" / store.files[0], isolation_level=None)
    store.writer._segment._connection.execute("pragma busy_timeout=10")
    blocker.execute("begin immediate")
    with pytest.raises(Unavailable) as raised:
        store.send(Sent(2, 1))
    assert raised.value.remedy
    blocker.execute("rollback")
    blocker.close()
    store.send(Sent(3, 1, at=1))
    assert await ids(store, TraceQuery()) == [3, 1]


def test_the_files_are_their_owners_alone(store: Store) -> None:
    store.send(Sent(1, 1))
    for path in store.folder.rglob("*.db"):
        assert path.stat().st_mode & 0o077 == 0
    assert store.folder.stat().st_mode & 0o077 == 0


async def test_a_sidecar_says_which_version_it_served_and_not_which_it_called(
    tmp_path: Path,
) -> None:
    def hop(trace: int, span: int, direction: str, version: str) -> Sent:
        said = {"fairway.direction": direction, "fairway.version": version}
        return Sent(trace, span, at=trace, version="", sdk="envoy", attributes=said)

    for _ in range(2):
        store = Store(tmp_path)
        store.send(hop(1, 1, "inbound", "v7"), hop(1, 2, "outbound", "v8"))
        store.send(hop(2, 1, "inbound", "-"))
        store.writer.close()
    assert await ids(store, TraceQuery(version="v7")) == [1]
    assert await ids(store, TraceQuery(version="v8")) == []
    assert await ids(store, TraceQuery(version="-")) == []
    trace = await store.telemetry.trace(trace_id(1))
    assert [(span.version, span.sidecar) for span in trace.spans] == [("v7", True), ("", True)]


async def test_a_service_of_many_instances_can_be_asked_for(store: Store) -> None:
    store.send(*(Sent(each, 1, version=f"v{each}") for each in range(1, 1200)))
    store.send(Sent(1200, 1, service="axon"))
    page = await store.telemetry.traces(TraceQuery(service="orbit", limit=5))
    assert (len(page.traces), {each.service for each in page.traces}) == (5, {"orbit"})
    assert sum(bucket.count for bucket in page.durations) == 1199


async def test_a_trace_that_never_ends_does_not_fill_memory(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace_reading, "MOST_SPANS", 10)
    store.send(*(Sent(1, each) for each in range(1, 31)))
    trace = await store.telemetry.trace(trace_id(1))
    assert (len(trace.spans), trace.summary.spans) == (10, 30)


async def test_a_text_of_very_many_digits_can_be_asked_for(store: Store) -> None:
    digits = "1" * 5000
    store.send(Sent(1, 1, attributes={"key": digits}), Sent(2, 1))
    page = await store.telemetry.traces(TraceQuery(attributes={"key": digits}))
    assert [each.trace_id for each in page.traces] == [trace_id(1)]
