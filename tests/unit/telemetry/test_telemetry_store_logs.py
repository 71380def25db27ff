"""Log records in and out: filters, following, paging back, ids across segments."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.telemetry_store import NOW, Store, logs, trace_id

from fairway.telemetry.entries import LogEntry
from fairway.telemetry.port import LogQuery
from fairway.telemetry.store import log_reading


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    found = Store(tmp_path / "telemetry")
    yield found
    found.writer.close()


def entry(text: str, at: float = 0.0, **more: object) -> LogEntry:
    known: dict[str, object] = {
        "service": "orbit", "instance": "orbit.v1.0", "version": "v1", "level": "info",
    }  # fmt: skip
    return LogEntry(NOW + at, text=text, **known | more)  # type: ignore[arg-type]


def write(store: Store, *entries: LogEntry) -> None:
    store.writer.lines(entries)
    store.writer.flush()


async def texts(store: Store, query: LogQuery) -> list[str]:
    return [record.text for record in (await store.telemetry.logs(query)).records]


async def test_lines_and_otlp_records_come_back_in_the_order_of_their_arrival(store: Store) -> None:
    write(
        store, entry("first", 5, trace_id=trace_id(1), attributes={"correlation_id": "c", "n": 1})
    )
    store.writer.logs(logs({"text": "second", "at": 1, "severity": 17, "trace": 1, "key": "value"}))
    store.writer.flush()
    page = await store.telemetry.logs(LogQuery())
    one, two = page.records
    assert (one.text, one.source, one.instance, one.version) == (
        "first", "file", "orbit.v1.0", "v1",
    )  # fmt: skip
    assert (one.at, one.trace_id, dict(one.attributes)) == (
        NOW + 5, trace_id(1), {"correlation_id": "c", "n": 1},
    )  # fmt: skip
    assert (two.text, two.source, two.level, dict(two.attributes)) == (
        "second", "otlp", "error", {"key": "value"},
    )  # fmt: skip
    assert page.last == two.id > one.id


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (LogQuery(), ["Hello", "slow", "böse", "late"]),
        (LogQuery(text="HELLO"), ["Hello"]),
        (LogQuery(text="BÖSE"), ["böse"]),
        (LogQuery(level="info"), ["Hello", "slow", "böse", "late"]),
        (LogQuery(level="warning"), ["slow", "böse"]),
        (LogQuery(level="error"), ["böse"]),
        (LogQuery(services=("axon", "nobody")), ["late"]),
        (LogQuery(services=("nobody",)), []),
        (LogQuery(version="v2"), ["böse"]),
        (LogQuery(since=NOW + 2, until=NOW + 4), ["böse"]),
        (LogQuery(trace_id=trace_id(1)), ["slow"]),
        (LogQuery(trace_id="zz"), []),
        (LogQuery(correlation_id="c-1"), ["Hello"]),
        (LogQuery(attributes={"user": "7"}), ["slow"]),
        (LogQuery(attributes={"user": "8"}), []),
        (LogQuery(access=True), ["Hello", "slow", "GET / 200", "böse", "late"]),
        (LogQuery(limit=2), ["böse", "late"]),
        (LogQuery(run=2), []),
    ],
)
async def test_filters(store: Store, query: LogQuery, expected: list[str]) -> None:
    write(
        store,
        entry("Hello", 1, attributes={"correlation_id": "c-1"}),
        entry("slow", 1, level="warning", trace_id=trace_id(1), attributes={"user": 7}),
        entry("GET / 200", 1, source="access"),
        entry("böse", 3, level="error", version="v2"),
        entry("late", 9, service="axon"),
    )
    assert await texts(store, query) == expected


async def test_following_gives_every_record_once_over_segments(tmp_path: Path) -> None:
    store = Store(tmp_path, rows=3)
    page = await store.telemetry.logs(LogQuery())
    seen: list[str] = []
    for number in range(10):
        write(store, entry(f"{number}"))
        if number % 2:
            page = await store.telemetry.logs(LogQuery(after=page.last, limit=3))
            seen += [record.text for record in page.records]
    assert seen == [str(number) for number in range(10)]
    assert len(store.files) > 3
    page = await store.telemetry.logs(LogQuery(after=page.last))
    assert page.records == ()
    store.writer.close()


async def test_following_waits_where_it_was_when_nothing_matches(store: Store) -> None:
    write(store, *(entry("noise") for _ in range(5)))
    page = await store.telemetry.logs(LogQuery(text="signal", after=0))
    assert page.records == ()
    write(store, entry("signal"))
    page = await store.telemetry.logs(LogQuery(text="signal", after=page.last))
    assert [record.text for record in page.records] == ["signal"]


async def test_paging_back_gives_every_record_once(tmp_path: Path) -> None:
    store = Store(tmp_path, rows=4)
    for number in range(11):
        write(store, entry(f"{number}"))
    seen: list[str] = []
    before = None
    while True:
        page = await store.telemetry.logs(LogQuery(before=before, limit=3))
        if not page.records:
            break
        seen = [record.text for record in page.records] + seen
        before = page.records[0].id
    assert seen == [str(number) for number in range(11)]
    assert all(record.id < 2**53 for record in page.records)
    store.writer.close()


async def test_a_bounded_search_says_where_to_go_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_reading, "MOST_EXAMINED", 4)
    monkeypatch.setattr(log_reading, "_WINDOW", 2)
    write(store, entry("needle"), *(entry("hay") for _ in range(12)))
    query = LogQuery(text="needle")
    page = await store.telemetry.logs(query)
    assert page.records == ()
    pages = 1
    while page.searched is not None:
        page = await store.telemetry.logs(LogQuery(text="needle", before=page.searched))
        pages += 1
    assert [record.text for record in page.records] == ["needle"]
    assert pages == 4


@pytest.mark.parametrize(
    "query", [LogQuery(trace_id=trace_id(1)), LogQuery(level="error"), LogQuery(correlation_id="c")]
)
async def test_what_an_index_finds_is_found_however_far_back_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, query: LogQuery
) -> None:
    monkeypatch.setattr(log_reading, "MOST_EXAMINED", 4)
    store = Store(tmp_path, rows=10)
    needle = {"trace_id": trace_id(1), "level": "error", "attributes": {"correlation_id": "c"}}
    write(store, entry("needle", **needle))
    for _ in range(5):
        write(store, *(entry("hay") for _ in range(9)))
    page = await store.telemetry.logs(query)
    assert ([record.text for record in page.records], page.searched) == (["needle"], None)
    store.writer.close()


async def test_what_is_no_text_is_stored_all_the_same(store: Store) -> None:
    strange = {"k\ud800": "v\udc80", "correlation_id": "c\ud800"}
    write(store, entry("broken \udcff", attributes=strange, trace_id="nonsense", version="\ud800"))
    (record,) = (await store.telemetry.logs(LogQuery(correlation_id="c?"))).records
    assert (record.text, record.version) == ("broken ?", "?")
    assert record.trace_id == ""


async def test_numbers_that_json_does_not_have_come_back_by_their_names(store: Store) -> None:
    strange = {"a": float("nan"), "b": float("inf"), "c": float("-inf")}
    write(store, entry("measured", attributes=strange))
    (record,) = (await store.telemetry.logs(LogQuery())).records
    assert record.attributes == {"a": "NaN", "b": "Infinity", "c": "-Infinity"}
