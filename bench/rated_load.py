"""A constant-rate load in a process of its own, so that it competes with nobody's event loop.

`python -m bench.rated_load PORT PATH RATE SECONDS` sends until its time is over or standard input
is closed, then prints a `Rated` as JSON. `rated_load` runs it beside the caller.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass

from fairway.cli.calling.load import Load, LoadRun
from fairway.cli.calling.wire import http_request

LONGEST = 300.0
"""Seconds after which a forgotten load ends by itself."""


@dataclass(slots=True)
class Rated:
    """What was seen. `rate` is requests a second, `p95` in seconds, `first_bad` the moment of the
    first answer with 5xx in seconds of the machine's monotonic clock."""

    sent: int = 0
    failed: int = 0
    rate: float = 0.0
    p95: float = 0.0
    first_bad: float | None = None


class _Run(LoadRun):
    """A run that remembers when the first bad answer came."""

    first_bad: float | None = None

    def answered(self, status: str, due: float) -> None:
        if status >= "500" and self.first_bad is None:
            self.first_bad = time.monotonic()
        super().answered(status, due)


@asynccontextmanager
async def rated_load(port: int, path: str, rate: float) -> AsyncIterator[Rated]:
    """`rate` requests a second until the block ends; the result is filled in then."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.rated_load", str(port), path, str(rate), str(LONGEST),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    seen = Rated()
    try:
        assert child.stdout is not None
        await child.stdout.readline()  # it has begun
        yield seen
    finally:
        printed, _ = await child.communicate(b"")
    for name, value in json.loads(printed).items():
        setattr(seen, name, value)


async def _send(port: int, path: str, rate: float, seconds: float) -> Rated:
    request = http_request("GET", path, {"host": f"127.0.0.1:{port}"}, b"")
    run = _Run(Load(port, request, rate, seconds))
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), run.stop)
    print("sending", flush=True)
    tally = await run.run()
    p95 = tally.latency(0.95) or 0.0
    return Rated(tally.due, tally.failed, tally.rate, p95, run.first_bad)


def main() -> None:
    """Send as the arguments say."""
    port, path, rate, seconds = sys.argv[1:]
    seen = asyncio.run(_send(int(port), path, float(rate), float(seconds)))
    print(json.dumps(asdict(seen)))


if __name__ == "__main__":
    main()
