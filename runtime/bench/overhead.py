"""What the library adds to one request and to one call: `python runtime/bench/overhead.py`.

For whoever changes the request path. Runs in process, without sockets, so that only our own
code is in the figures; medians of rounds in microseconds.

Learned with it (one core of a shared two-core machine, CPython 3.11):
- The whole path (verify, decide, log, count) takes about 33 µs, and the audit log adds 5, because
  of many allows in a second it keeps a tenth; an entry that is kept takes 7. In a busy service,
  whose caches other processes share, all of it takes nearly twice as long.
- Verifying takes 10 µs, of which SHA-256 and HMAC are 3: parsing and checking is what costs. Hence
  the caches of the credential (it repeats from call to call) and of timestamps, and `copy()` of a
  keyed HMAC instead of `hmac.new`.
- A frozen dataclass takes 1.5 µs to make where a named tuple takes 0.4: what is made for every
  request is a named tuple.
- A log record of `logging` costs 8 µs before it is formatted: the line per request has none, and
  is put together by hand, because encoding a dictionary takes 3 µs more.
- A decision that was made before costs 3 µs with its context; where no policy reads it, the context
  is not put together, and the decision costs under 1.
- Of a call, our part is about half; making two `httpx2.Request` and a response is the rest.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2

from fairway_runtime import ServiceClient, Settings
from fairway_runtime.asgi import fairway
from fairway_runtime.metrics import Metrics
from fairway_runtime.sigv4 import (
    Credentials,
    ReplayCache,
    SignableRequest,
    Verifier,
    VerifyingKey,
    VerifyingKeys,
    derive_signing_key,
    sign,
)
from fairway_runtime.sigv4.canonical import fold_headers

sys.path.insert(0, str(Path(__file__).parents[2]))
from runtime.tests.serving import SECRETS, write_files

ROUNDS = 7
PER_ROUND = 1_000
BODY = b'{"question": "why"}'
HEADERS = [
    ("host", "axon.internal"), ("content-type", "application/json"), ("accept", "*/*"),
    ("user-agent", "bench"), ("content-length", str(len(BODY))), ("x-correlation-id", "abc"),
    ("x-request-id", "6cf04e6a-8f0c-4bd1-a7a0-77ee7cd4fd4c"), ("x-forwarded-proto", "https"),
    ("traceparent", f"00-{'a' * 32}-{'b' * 16}-00"),
    ("x-forwarded-client-cert", "By=spiffe://shop.local/axon;URI=spiffe://shop.local/orbit"),
]  # fmt: skip
CREDENTIALS = Credentials("orbit.1", SECRETS["orbit"], "local", "axon")
SIGNABLE = SignableRequest("POST", "/reason", "", HEADERS, BODY)


def signed_headers() -> list[tuple[bytes, bytes]]:
    """The headers of one signed request, as a server gives them to an app."""
    added = sign(SIGNABLE, CREDENTIALS, now=time.time(), nonce=secrets.token_urlsafe(18))
    return [(name.encode(), value.encode()) for name, value in [*HEADERS, *added.items()]]


async def measured(prepare: Callable[[], Any], run: Callable[[Any], Awaitable[None]]) -> float:
    """Microseconds of one `run`; what `prepare` makes for each is not counted."""
    rounds = []
    for _ in range(ROUNDS):
        prepared = [prepare() for _ in range(PER_ROUND)]
        started = time.perf_counter()
        for each in prepared:
            await run(each)
        rounds.append((time.perf_counter() - started) / PER_ROUND * 1e6)
    return statistics.median(rounds)


async def bare(scope: Any, receive: Any, send: Any) -> None:
    """The smallest app that reads its body."""
    del scope
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"{}"})


def scope() -> dict[str, Any]:
    """One signed request."""
    return {
        "type": "http", "method": "POST", "path": "/reason", "raw_path": b"/reason",
        "query_string": b"", "headers": signed_headers(),
    }  # fmt: skip


async def serve(app: Any, request: dict[str, Any]) -> None:
    """Serve one request without a socket."""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": BODY, "more_body": False}

    async def send(message: Any) -> None:
        del message

    await app(request, receive, send)


async def requests(folder: Path) -> Iterator[tuple[str, float]]:
    """What serving a request takes."""
    rows = []
    for name, audit in (("served: verify, decide, log, count", ""), ("… and audited", "audit")):
        variables = write_files(folder)
        variables["FAIRWAY_AUDIT_DIR"] = str(folder / audit) if audit else ""
        app = fairway(bare, Settings.from_environment(variables), metrics=Metrics())
        rows.append((name, await measured(scope, lambda each, app=app: serve(app, each))))
    absent = fairway(bare, Settings.from_environment({}), metrics=Metrics())
    rows.append(("served without Fairway", await measured(scope, lambda each: serve(absent, each))))
    rows.append(("the app alone", await measured(scope, lambda each: serve(bare, each))))
    return iter(rows)


async def signatures() -> Iterator[tuple[str, float]]:
    """What signing and verifying take by themselves."""
    today = time.strftime("%Y%m%d", time.gmtime())
    key = VerifyingKey.of(
        "orbit", "Service", derive_signing_key(SECRETS["orbit"], today, "local", "axon")
    )
    keys = VerifyingKeys("axon", "local", {("orbit.1", today): key})
    verifier = Verifier(keys, ReplayCache())

    async def verify(headers: list[tuple[bytes, bytes]]) -> None:
        verifier.verify("POST", b"/reason", b"", fold_headers(headers)).body_matches(BODY)

    async def sign_one(_: None) -> None:
        sign(SIGNABLE, CREDENTIALS, now=time.time(), nonce="abcdefghijklmnopqrst")

    return iter(
        [
            ("verify a signature", await measured(signed_headers, verify)),
            ("sign", await measured(lambda: None, sign_one)),
        ]
    )


async def calls(folder: Path) -> Iterator[tuple[str, float]]:
    """What a call takes, without a connection."""
    folder = folder / "orbit"
    folder.mkdir()
    variables = {**write_files(folder, "orbit"), "AXON_URL": "http://127.0.0.1:1"}
    client = ServiceClient(
        Settings.from_environment(variables),
        transport=httpx2.MockTransport(lambda _: httpx2.Response(200, content=b"{}")),
        metrics=Metrics(),
    )

    async def call(_: None) -> None:
        await client.call("axon", "reason", json={"question": "why"})

    async def ask(_: None) -> None:
        await client.ask("axon", "reason")

    return iter(
        [
            ("call, signed, with a breaker", await measured(lambda: None, call)),
            ("ask in process", await measured(lambda: None, ask)),
        ]
    )


async def main() -> None:
    """Measure and print."""
    results = sys.stdout
    # Log lines go where a container's would: through a write, but not to this terminal.
    with tempfile.TemporaryDirectory() as folder, open(os.devnull, "w") as sys.stdout:  # noqa: PTH123
        rows = [*await signatures(), *await requests(Path(folder)), *await calls(Path(folder))]
    sys.stdout = results
    for name, microseconds in rows:
        sys.stdout.write(f"{name:<40}{microseconds:8.1f} µs\n")


if __name__ == "__main__":
    asyncio.run(main())
