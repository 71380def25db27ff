"""Events reach every watcher, in order, whenever it comes."""

import asyncio

from tests.waiting import PATIENCE

from fairway.control.event_log import EventLog


async def take(log, count, after=0):
    found = []
    async for event in log.follow(after):
        found.append(event.message)
        if len(found) == count:
            break
    return found


async def test_a_late_watcher_is_told_the_past():
    log = EventLog(clock=lambda: 1.0)
    log.add("service.healthy", "orbit", "one")
    log.add("service.healthy", "axon", "two")
    assert await take(log, 2) == ["one", "two"]
    assert await take(log, 1, after=1) == ["two"]


async def test_a_watcher_waits_for_what_comes_and_ends_with_the_log():
    log = EventLog()
    log.add("system.starting", "", "before")
    seen = []

    async def watch():
        seen.extend([(event.id, event.message) async for event in log.follow()])

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0)
    log.add("system.running", "", "after")
    log.add("system.stopped", "", "end")
    log.close()
    await asyncio.wait_for(watching, PATIENCE)
    assert seen == [(2, "after"), (3, "end")]


async def test_two_watchers_each_see_everything():
    log = EventLog()
    watching = [asyncio.create_task(take(log, 3)) for _ in range(2)]
    await asyncio.sleep(0)
    for word in ("a", "b", "c"):
        log.add("x", "", word)
        await asyncio.sleep(0)
    assert await asyncio.gather(*watching) == [["a", "b", "c"]] * 2
