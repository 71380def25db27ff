"""`fairway load`: a constant rate of requests through the gateway, and what became of them."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Annotated, Any

import typer

from fairway.cli.calling.body import body_of
from fairway.cli.calling.load import FAILURES, Load, LoadRun, Tally
from fairway.cli.calling.wire import http_request
from fairway.cli.invocation import current
from fairway.cli.output import Painter, is_terminal, note, painter, say, say_json
from fairway.cli.place import state_of
from fairway.control.calling.plan import CallPlan, Wish, public_call
from fairway.control.calling.send import port_of, read_bundle
from fairway.delivery.words import latency, plural, share
from fairway.errors import InvalidInput

app = typer.Typer(add_completion=False)
_FAILED = 1


@app.command()
def load(
    context: typer.Context,
    target: Annotated[
        list[str],
        typer.Argument(metavar="[SERVICE] PATH|INTENT", help="/dispatch, or: orbit dispatch"),
    ],
    rate: Annotated[float, typer.Option(min=0.1, max=20_000, help="Requests a second.")] = 50.0,
    duration: Annotated[str, typer.Option(metavar="TIME", help="For how long: 30s, 5m.")] = "30s",
    method: Annotated[
        str, typer.Option("--method", "-X", help="Absent: that of the intent, else GET.")
    ] = "",
    data: Annotated[
        str | None, typer.Option("--data", "-d", help="The body; @file reads one, - is stdin.")
    ] = None,
    header: Annotated[
        list[str] | None, typer.Option("--header", "-H", metavar="NAME:VALUE", help="A header.")
    ] = None,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds until giving up one.")] = 10.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Send requests through the gateway at a constant rate, and count what failed.

    A request begins when it is due, even if earlier ones are not answered; its latency counts from
    then. Without cookies, so that each request may meet another version. Exit code 1 when any
    request failed: no connection, a broken one, no answer in time, or an answer of 4xx or 5xx.
    """
    state = state_of(current(context))
    wish = Wish("", "", "", "", method, tuple(header or ()), body_of(data))
    plan = public_call(target, wish, read_bundle(state))
    port = port_of(state, "gateway")
    request = http_request(plan.method, plan.path, _headers(plan, port), plan.body)
    tally = asyncio.run(_run(Load(port, request, rate, _seconds(duration), timeout), as_json))
    if as_json:
        say_json(report(tally))
    else:
        say("\n".join(result_lines(tally, painter())))
    if tally.failed or not tally.answered:
        raise typer.Exit(_FAILED)


def _headers(plan: CallPlan, port: int) -> dict[str, str]:
    own = {"host": f"127.0.0.1:{port}", "user-agent": "fairway-load"}
    return own | dict(plan.headers)


def _seconds(text: str) -> float:
    from fairway.model.values import parse_duration

    with suppress(ValueError):
        if seconds := parse_duration(text):
            return seconds
    raise InvalidInput(
        "invalid-duration",
        f"{text!r} is not a duration",
        where="--duration",
        remedy="write a number and a unit: 30s, 5m",
    )


async def _run(load: Load, as_json: bool) -> Tally:
    """Run the load, showing how it goes; Ctrl-C ends it early, and what was seen is reported."""
    run = LoadRun(load)
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, run.stop)
    showing = None if as_json else asyncio.create_task(_show(run.tally, load))
    try:
        return await run.run()
    finally:
        if showing is not None:
            showing.cancel()
        if is_terminal(sys.stderr):
            sys.stderr.write("\r\x1b[K")


async def _show(tally: Tally, load: Load) -> None:
    """A line that changes every second on a terminal, one every five seconds elsewhere."""
    live = is_terminal(sys.stderr)
    started = time.monotonic()
    while True:
        await asyncio.sleep(1.0 if live else 5.0)
        line = progress_line(tally, time.monotonic() - started, load.seconds)
        if live:
            sys.stderr.write(f"\r\x1b[K{line}")
            sys.stderr.flush()
        else:
            note(line)


def progress_line(tally: Tally, elapsed: float, seconds: float) -> str:
    """How a load goes, in a line."""
    return (
        f"{min(elapsed, seconds):.0f}s of {seconds:.0f}s: {tally.due} requests, "
        f"{tally.failed} failed, p50 {latency(tally.latency(0.5))}, "
        f"p95 {latency(tally.latency(0.95))}"
    )


def report(tally: Tally) -> dict[str, Any]:
    """What was seen, for programs; latencies in seconds."""
    return {
        "requests": tally.due,
        "answered": tally.answered,
        "failed": tally.failed,
        "failures": {kind: tally.failures[kind] for kind in FAILURES},
        "statuses": dict(sorted(tally.statuses.items())),
        "rate": round(tally.rate, 2),
        "seconds": round(tally.elapsed, 3),
        "p50": tally.latency(0.5),
        "p95": tally.latency(0.95),
        "p99": tally.latency(0.99),
    }


def result_lines(tally: Tally, paint: Painter) -> Iterator[str]:
    """What was seen, for people."""
    yield f"requests  {tally.due} in {tally.elapsed:.1f}s ({tally.rate:.1f} a second)"
    failed = f"{plural(tally.failed, 'request')} failed ({share(tally.failed, tally.due)})"
    yield f"failed    {paint.red(failed) if tally.failed else paint.green(failed)}"
    for kind in FAILURES:
        if tally.failures[kind]:
            yield f"  {kind:<8}{tally.failures[kind]}"
    quantiles = ((name, tally.latency(part)) for name, part in _QUANTILES)
    yield "latency   " + ", ".join(f"{name} {latency(found)}" for name, found in quantiles)
    statuses = ", ".join(f"{status}: {count}" for status, count in sorted(tally.statuses.items()))
    yield f"answers   {statuses or 'none'}"


_QUANTILES = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
