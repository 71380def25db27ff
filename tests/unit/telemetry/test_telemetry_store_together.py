"""Several readers ask while a writer in another process fills, seals, thins, deletes segments."""

from __future__ import annotations

import asyncio
import multiprocessing
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest
from tests.telemetry_store import NOW, Sent, Store, logs
from tests.waiting import PATIENCE

from fairway.errors import NotFound
from fairway.telemetry.config import Retention
from fairway.telemetry.port import LogQuery, TraceQuery
from fairway.telemetry.store.reading import StoredTelemetry

BATCHES = 60
SPANS_OF_A_TRACE = 4


def fill(folder: Path, over: Event) -> None:
    """Twenty traces a batch, in segments of few rows; the store may have a megabyte."""
    try:
        _fill(folder)
    finally:
        over.set()


def _fill(folder: Path) -> None:
    store = Store(folder, rows=300, retention=Retention(size=1_000_000, rate=50))
    for batch in range(BATCHES):
        first = batch * 20 + 1
        store.send(
            *(
                Sent(trace, span, span - 1, batch + span / 10, attributes={"text": "x" * 200})
                for trace in range(first, first + 20)
                for span in range(1, SPANS_OF_A_TRACE + 1)
            )
        )
        store.writer.logs(logs(*({"text": f"line {batch}", "at": batch} for _ in range(20))))
        store.writer.tidy()
    store.writer.close()


async def look(telemetry: StoredTelemetry, over: Event) -> int:
    """Ask everything again and again; how many answers held something."""
    answers, last = 0, 0
    while not over.is_set():
        page = await telemetry.traces(TraceQuery(limit=20))
        for found in page.traces[-2:]:
            try:
                trace = await telemetry.trace(found.trace_id)
            except NotFound:
                continue  # thinned out meanwhile
            assert len(trace.spans) == SPANS_OF_A_TRACE
            assert trace.spans[0].parent_id == "0" * 16 or not trace.spans[0].parent_id
            answers += 1
        followed = await telemetry.logs(LogQuery(after=last))
        ids = [record.id for record in followed.records]
        assert ids == sorted(set(ids))
        assert not ids or ids[0] > last
        last = followed.last
        await telemetry.status()
        await asyncio.sleep(0)
    return answers


async def test_readers_are_never_in_the_way_of_the_writer_nor_it_in_theirs(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    over = context.Event()
    writer = context.Process(target=fill, args=(tmp_path, over))
    writer.start()
    telemetry = StoredTelemetry(tmp_path, lambda: NOW)
    try:
        answers = await asyncio.gather(*(look(telemetry, over) for _ in range(3)))
    finally:
        writer.join(PATIENCE)
    assert writer.exitcode == 0
    assert all(answers)
    newest = (await telemetry.traces(TraceQuery(limit=1))).traces[0]
    assert int(newest.trace_id[:16], 16) > (BATCHES - 1) * 20


@pytest.mark.parametrize("name", ["app #1", "what?", "50%25 done", "straße"])
async def test_a_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    store = Store(tmp_path / name / "telemetry")
    store.send(Sent(1, 1))
    assert len((await store.telemetry.traces(TraceQuery())).traces) == 1
    store.writer.close()
