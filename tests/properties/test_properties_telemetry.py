"""The store against lists; percentiles against sorted values; retention against its limits."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.telemetry_store import NOW, Sent, Store, span_id, trace_id

from fairway.telemetry.config import Retention
from fairway.telemetry.histograms import (
    Bucket,
    of_otlp,
    of_steps,
    percentiles,
    share_below,
    step_bounds,
    step_of,
)
from fairway.telemetry.port import Span, TraceQuery
from fairway.telemetry.series import Reading, increases
from fairway.telemetry.store.retention import Delete, Stored, Thin, is_drawn, next_step
from fairway.telemetry.store.trace_search import patterns
from fairway.telemetry.tree import in_order

DURATIONS = st.floats(1e-6, 1e4)
SENT = st.builds(
    Sent,
    trace=st.integers(1, 5),
    span=st.integers(1, 6),
    parent=st.integers(0, 6),
    at=st.integers(0, 50).map(lambda tenth: tenth / 10),
    duration=st.sampled_from([0.0, 0.01, 0.5, 3.0]),
    service=st.sampled_from(["orbit", "axon"]),
    version=st.sampled_from(["v1", "v2"]),
    name=st.sampled_from(["GET /", "POST /dispatch"]),
    error=st.booleans(),
    attributes=st.dictionaries(
        st.sampled_from(["a", "b"]), st.sampled_from(["x", "1", 1, True, "true", 1.5]), max_size=2
    ),
)
QUERIES = st.builds(
    TraceQuery,
    service=st.sampled_from([None, "orbit", "axon", "none"]),
    version=st.sampled_from([None, "v1"]),
    name=st.sampled_from(["", "get", "dispatch"]),
    outcome=st.sampled_from([None, "ok", "error"]),
    min_duration=st.sampled_from([None, 0.5]),
    attributes=st.dictionaries(
        st.sampled_from(["a", "b"]), st.sampled_from(["1", "x", "true", "1.5"]), max_size=1
    ),
)


def text(value: object) -> str:
    return {True: "true"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def matches(spans: Sequence[Sent], query: TraceQuery) -> bool:
    """What `TraceQuery` says, on a trace as a list of spans."""
    duration = max(s.at + s.duration for s in spans) - min(s.at for s in spans)
    outcome = "error" if any(s.error for s in spans) else "ok"
    return (
        query.outcome in (None, outcome)
        and duration >= (query.min_duration or 0) - 1e-9
        and any(
            query.service in (None, s.service)
            and query.version in (None, s.version)
            and query.name in s.name.lower()
            and all(k in s.attributes and text(s.attributes[k]) == v
                    for k, v in query.attributes.items())
            for s in spans
        )
    )  # fmt: skip


@settings(max_examples=60)
@given(st.lists(SENT, max_size=12), QUERIES, st.integers(1, 4))
def test_the_store_answers_as_a_list_would(
    sent: list[Sent], query: TraceQuery, batches: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        for batch in range(batches):
            store.send(*sent[batch::batches])
        page = asyncio.run(store.telemetry.traces(query))
        store.writer.close()
    groups = {one.trace: [s for s in sent if s.trace == one.trace] for one in sent}
    expected = {trace_id(number) for number, spans in groups.items() if matches(spans, query)}
    assert {found.trace_id for found in page.traces} == expected
    starts = [found.started_at for found in page.traces]
    assert starts == sorted(starts, reverse=True)
    for found in page.traces:
        spans = next(
            group for number, group in groups.items() if trace_id(number) == found.trace_id
        )
        assert found.spans == len(spans)
        assert found.started_at == min(round(NOW + s.at, 1) for s in spans)
    if not query.name and not query.attributes:
        assert sum(bucket.count for bucket in page.durations) == len(expected)


@given(st.lists(DURATIONS, min_size=1, max_size=60), st.floats(0, 1))
def test_percentiles_are_within_the_width_of_a_bucket(values: list[float], share: float) -> None:
    counts: dict[int, float] = {}
    for value in values:
        counts[step_of(value)] = counts.get(step_of(value), 0) + 1
    (found,) = percentiles(of_steps(counts), [share])
    assert found is not None
    ordered = sorted(values)
    rank = share * len(values)
    near = {ordered[min(max(int(rank) + off, 0), len(values) - 1)] for off in (-1, 0, 1)}
    assert min(near) / 1.1 <= found <= max(near) * 1.1


@given(DURATIONS)
def test_every_duration_lies_in_its_step(value: float) -> None:
    lower, upper = step_bounds(step_of(value))
    assert lower * (1 - 1e-9) <= value <= upper * (1 + 1e-9)


BUCKETS = st.lists(
    st.tuples(st.floats(-5, 5), st.floats(0, 5), st.integers(0, 9)).map(
        lambda drawn: Bucket(drawn[0], drawn[0] + drawn[1], drawn[2])
    ),
    max_size=8,
)


@given(BUCKETS, st.floats(0, 1), st.floats(0, 1))
def test_percentiles_of_any_mixture_rise_and_agree_with_shares(
    buckets: list[Bucket], one: float, other: float
) -> None:
    low, high = percentiles(buckets, sorted((one, other)))
    if not any(bucket.count for bucket in buckets):
        assert low is high is None
        return
    assert low is not None
    assert high is not None
    assert low <= high + 1e-9
    below = share_below(buckets, high + 1e-6)
    assert below is not None
    assert below >= max(one, other) - 1e-3


@given(st.integers(-4, 8), st.integers(-20, 20), st.lists(st.integers(0, 5), max_size=8))
def test_exponential_buckets_follow_one_another(scale: int, offset: int, counts: list[int]) -> None:
    found = of_otlp({"s": scale, "z": 0, "o": offset, "p": counts})
    assert [bucket.count for bucket in found] == [count for count in counts if count]
    assert all(bucket.lower <= bucket.upper for bucket in found)


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=20))
def test_increases_add_up_to_what_was_counted(steps: list[tuple[int, bool]]) -> None:
    readings, total, value, start = [], 0, 0, 1.0
    for at, (step, restart) in enumerate(steps, 2):
        if restart:
            value, start = 0, at - 0.5
        value += step
        total += step
        readings.append(Reading(float(at), start, float(value), float(value)))
    found = increases(readings, counts_from=1.0)
    assert sum(reading.value for reading in found) == total
    assert all(reading.value >= 0 for reading in found)


SPAN = Span(
    trace_id(1), span_id(1), "", "n", "internal", "s", "v", "", 0.0, 1.0, "unset", "", {}, {}
)  # fmt: skip


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5)), max_size=10))
def test_every_span_is_shown_once_and_behind_its_parent(found: list[tuple[int, int]]) -> None:
    spans = [
        replace(SPAN, span_id=span_id(place), parent_id=span_id(parent), started_at=float(at))
        for place, (parent, at) in enumerate(found)
    ]
    ordered = [span.span_id for span in in_order(spans)]
    assert sorted(ordered) == sorted(span.span_id for span in spans)
    parents = {span.span_id: span.parent_id for span in spans}
    for span in spans:
        chain = [span.span_id]
        while parents.get(chain[-1]) in parents and parents[chain[-1]] not in chain:
            chain.append(parents[chain[-1]])
        in_a_circle = parents.get(chain[-1]) in chain
        if not in_a_circle and len(chain) > 1:
            assert ordered.index(chain[1]) < ordered.index(chain[0])


STORED = st.lists(
    st.builds(
        Stored,
        sequence=st.integers(1, 50),
        bytes=st.integers(0, 100),
        ended_at=st.floats(0, 100),
        thin=st.booleans(),
    ),
    max_size=12,
    unique_by=lambda segment: segment.sequence,
)


@given(STORED, st.integers(0, 50), st.integers(1, 300), st.floats(0, 50), st.floats(0, 100))
def test_retention_comes_to_an_end_and_then_every_limit_is_kept(
    stored: list[Stored], others: int, size: int, full: float, more: float
) -> None:
    retention = Retention(full=full, sampled=full + more, size=size)
    now, left = 100.0, {segment.sequence: segment for segment in stored}
    for _ in range(2 * len(stored) + 1):
        step = next_step(list(left.values()), others, retention, now)
        match step:
            case Delete(sequence):
                del left[sequence]
            case Thin(sequence):
                assert not left[sequence].thin
                left[sequence] = replace(
                    left[sequence], thin=True, bytes=left[sequence].bytes // 10
                )
            case None:
                break
    assert step is None
    assert not left or others + sum(segment.bytes for segment in left.values()) <= size
    for segment in left.values():
        assert now - segment.ended_at <= retention.sampled
        assert segment.thin or now - segment.ended_at <= retention.full


@given(st.binary(min_size=16, max_size=16), st.floats(0, 100), st.floats(0, 100))
def test_whoever_is_drawn_at_a_rate_is_drawn_at_any_higher(
    trace: bytes, one: float, other: float
) -> None:
    low, high = sorted((one, other))
    assert is_drawn(trace, high) or not is_drawn(trace, low)
    assert is_drawn(trace, 100)
    assert not is_drawn(trace, 0)


@given(st.text(max_size=20), st.text(max_size=20))
def test_the_bytes_of_an_attribute_are_what_encoders_write(key: str, value: str) -> None:
    from opentelemetry.proto.trace.v1.trace_pb2 import Span as Message

    message = Message()
    entry = message.attributes.add()
    entry.key, entry.value.string_value = key, value
    assert any(pattern in message.SerializeToString() for pattern in patterns(key, value))
