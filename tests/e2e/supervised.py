"""A program that supervises one app until it is told to stop, as `fairway up` does.

`python supervised.py APP_DIR '{"web": {...services...}}'`; prints `starting`, then one JSON line
when all is up.
"""

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path

from tests.local_support import Place

from fairway.targets.local.lock import Holder, hold


async def supervise(place: Place, services: dict[str, dict[str, object]]) -> None:
    me, loop = asyncio.current_task(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, me.cancel)
    print("starting", flush=True)
    survey = place.processes.survey()
    await place.processes.clear(survey.strays)
    supervisor = place.supervisor(*(place.spec(n, **d) for n, d in services.items()))
    try:
        await supervisor.start(survey.running)
        status = [(s.service, s.replica, s.pid, s.port) for s in supervisor.status()]
        print(json.dumps(status), flush=True)
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        pass
    finally:
        await supervisor.stop()


if __name__ == "__main__":
    here = Place(Path(sys.argv[1]))
    with hold(here.state.lock, Holder(os.getpid(), time.time(), "supervised")):
        asyncio.run(supervise(here, json.loads(sys.argv[2])))
