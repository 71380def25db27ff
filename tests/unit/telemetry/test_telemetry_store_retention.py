"""What stays and what goes: thinning, age, size, and what a crash leaves."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest
from tests.telemetry_store import NOW, Sent, Store, logs, spans, trace_id

from fairway.errors import Conflict
from fairway.telemetry.config import Retention
from fairway.telemetry.entries import LogEntry
from fairway.telemetry.port import LogQuery, TraceQuery

DAY = 86_400.0
DENIED = {"fairway.decision": "deny", "http.response.status_code": 403}


async def stored(store: Store) -> set[int]:
    page = await store.telemetry.traces(TraceQuery(limit=1000))
    return {int(trace.trace_id[:16], 16) for trace in page.traces}


async def test_older_segments_keep_errors_denials_slow_traces_and_a_share(tmp_path: Path) -> None:
    store = Store(tmp_path, retention=Retention(rate=10, slow=1.0))
    store.send(*(Sent(n, 1) for n in range(1000, 1400)))
    store.send(Sent(1, 1, error=True), Sent(1, 2, 1), Sent(2, 1, attributes=DENIED))
    store.send(Sent(3, 1, duration=1.5))
    store.writer.logs(
        logs({"text": "of the error", "trace": 1}, {"text": "a warning", "severity": 13})
    )
    store.clock.now = NOW + 0.3 * DAY
    store.writer.tidy()
    store.clock.now += 1.1 * DAY
    assert len(await stored(store)) == 403
    store.writer.tidy()
    assert store.files[0].endswith("-thin.db")
    kept = await stored(store)
    assert {1, 2, 3} <= kept
    assert 20 <= len(kept) - 3 <= 65
    assert len((await store.telemetry.trace(trace_id(1))).spans) == 2
    texts = [record.text for record in (await store.telemetry.logs(LogQuery())).records]
    assert texts == ["of the error", "a warning"]
    store.clock.now = NOW + 31.5 * DAY
    store.writer.tidy()
    assert await stored(store) == set()
    store.writer.close()


async def test_without_a_limit_the_slowest_of_each_kind_count_as_slow(tmp_path: Path) -> None:
    store = Store(tmp_path, retention=Retention(rate=0))
    store.send(*(Sent(n, 1, name="fast", duration=0.001 * n) for n in range(1, 101)))
    store.send(*(Sent(n, 1, name="slow", duration=1.0 * n) for n in range(101, 201)))
    store.send(*(Sent(n, 1, name="rare", duration=9.0) for n in range(201, 205)))
    store.clock.now = NOW + 0.3 * DAY
    store.writer.tidy()
    store.clock.now = NOW + 2 * DAY
    store.writer.tidy()
    kept = await stored(store)
    assert {100, 200} <= kept
    assert 6 <= len(kept) <= 10
    store.writer.close()


async def test_access_lines_go_with_their_traces_and_other_lines_stay(tmp_path: Path) -> None:
    store = Store(tmp_path, retention=Retention(rate=0))
    store.send(Sent(1, 1, error=True), Sent(2, 1))
    for number in (1, 2):
        store.writer.lines(
            [LogEntry(NOW, "orbit", "orbit.v1.0", "v1", "info", f"access {number}",
                      trace_id=trace_id(number), source="access")]
        )  # fmt: skip
    store.writer.lines([LogEntry(NOW, "orbit", "orbit.v1.0", "v1", "info", "started")])
    store.clock.now = NOW + 0.3 * DAY
    store.writer.tidy()
    store.clock.now = NOW + 2 * DAY
    store.writer.tidy()
    page = await store.telemetry.logs(LogQuery(access=True))
    assert [record.text for record in page.records] == ["access 1", "started"]
    store.writer.close()


async def test_a_store_stays_below_its_size(tmp_path: Path) -> None:
    size = 2_000_000
    store = Store(tmp_path, rows=500, retention=Retention(size=size, rate=10))
    for batch in range(40):
        store.writer.traces(
            spans(Sent(batch * 200 + n, 1, attributes={"text": "x" * 300}) for n in range(200))
        )
        store.writer.tidy()
        status = await store.telemetry.status()
        assert status.stored_bytes < size * 1.3, store.files
    kept = await stored(store)
    assert 39 * 200 + 199 in kept
    assert any(name.endswith("-thin.db") for name in store.files)
    store.writer.close()


async def test_what_a_crash_left_is_put_right(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.send(Sent(1, 1))
    store.writer._segment.abandon()
    segments = tmp_path / "segments"
    (segments / "r000001-000001-thin.new").write_bytes(b"half a file")
    (segments / "r000001-000007.db").write_bytes(b"no database at all, but long enough" * 100)
    for path in segments.iterdir():
        os.utime(path, (NOW, NOW))
    later = Store(tmp_path, run=2, now=NOW + 10)
    later.send(Sent(2, 1, at=10))
    later.writer.tidy()
    assert await stored(later) == {1, 2}
    assert sorted(path.name for path in segments.glob("*.new*")) == []
    assert "r000002-000008.db" in later.files
    later.writer.close()


async def test_a_deleted_folder_is_made_again(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.send(Sent(1, 1))
    for path in (tmp_path / "segments").iterdir():
        path.unlink()
    store.writer.tidy()
    store.send(Sent(2, 1))
    assert await stored(store) == {2}
    store.writer.close()


async def test_files_of_another_format_are_left_alone_until_they_are_old(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.send(Sent(1, 1))
    store.writer.close()
    path = tmp_path / "segments" / store.files[0]
    with sqlite3.connect(path) as connection:
        connection.execute("pragma user_version=1")
    connection.close()
    os.utime(path, (NOW, NOW))
    store = Store(tmp_path)
    store.send(Sent(2, 1))
    assert await stored(store) == {2}
    assert path.exists()
    store.clock.now = NOW + 31 * DAY
    store.writer.tidy()
    assert not path.exists()
    store.writer.close()
    with sqlite3.connect(tmp_path / "rollups.db") as connection:
        connection.execute("pragma user_version=99")
    connection.close()
    with pytest.raises(Conflict) as raised:
        Store(tmp_path)
    assert raised.value.remedy
