"""What a governed call costs, against a hand-written mesh in front of the same program.

Ours: the caller's sidecar, the callee's sidecar (mutual TLS, RBAC), the library (signature, policy,
log line, metrics, traces of 10 % of the calls). The peer: two hand-written Envoy processes with
mutual TLS and RBAC, and the program without the library. Calls are signed before the clock starts:
signing is the caller's work, and printed for itself.
"""

from __future__ import annotations

import json
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from urllib.parse import urlsplit

from tests.driver import EXAMPLES, TOOLS, Driver, clean_environment, copy_of, running, until

from bench.baseline_mesh import hand_written_mesh
from bench.load import Load, Reading, measure
from bench.report import Figure
from bench.start import PATIENCE, answers, free_port, program
from fairway.cli.calling.wire import http_request
from fairway_runtime.sigv4 import Credentials, SignableRequest, sign

APP = Path(__file__).parent / "apps" / "calls"
ROUNDS = 5
ONE_BY_ONE, SIXTEEN = 1, 16
REQUESTS = {ONE_BY_ONE: 800, SIXTEEN: 2_500}
LATENCY_LIMIT = 1.3
THROUGHPUT_LIMIT = 0.65
PROMISED = "local"
ENVIRONMENTS = {PROMISED: "10 % of traces", "every-trace": "every trace"}
SIGNATURES = 3_000
PROMPT = b'{"prompt": "How much does it cost to be governed?"}'

Requests = Callable[[int], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Route:
    """One intent that is measured, and how to start its program without the library."""

    service: str
    method: str
    path: str
    body: bytes
    plain: str


ROUTES = (
    Route("axon", "POST", "/reason", PROMPT, "plain_axon:app"),
    Route("bare", "GET", "/echo", b"", "programs:bare"),
)


@dataclass(frozen=True, slots=True)
class Subject:
    """One side of a comparison: where it listens, and how its requests are made."""

    port: int
    requests: Requests

    def read(self, concurrency: int) -> Reading:
        """Measure once; every answer must be a 200."""
        count = REQUESTS[concurrency]
        reading = measure(Load(self.port, self.requests(count), concurrency))
        if not reading.flawless:
            raise RuntimeError(f"port {self.port} answered {reading.statuses}")
        return reading


def measure_calls() -> list[Figure]:
    """One environment after the other: what exports every trace must not slow down the rest."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        app = copy_of(APP, folder / "app")
        copy_of(EXAMPLES / "axon-orbit" / "services" / "axon", app / "axon")
        sink = stack.enter_context(trace_sink())
        peers = {route: stack.enter_context(peer(app, route)) for route in ROUTES}
        found: list[Figure] = []
        for environment in ENVIRONMENTS:
            driver = Driver(app, clean_environment(BENCH_OTLP=sink), environment)
            found += against(driver, peers)
        return [*found, signing()]


def against(driver: Driver, peers: Mapping[Route, Subject]) -> list[Figure]:
    """All routes in one environment against their peers, round after round.

    Interleaved, so that whatever disturbs the machine disturbs both sides alike.
    """
    driver.fairway("secrets", "set", "AXON_MODEL_KEY", "--env", driver.target, stdin="k\n")
    with running(driver):
        ours = {route: governed(driver, route) for route in ROUTES}
        readings: dict[tuple[Route, int], list[tuple[Reading, Reading]]] = {}
        for _ in range(ROUNDS):
            for route, concurrency in product(ROUTES, REQUESTS):
                pair = peers[route].read(concurrency), ours[route].read(concurrency)
                readings.setdefault((route, concurrency), []).append(pair)
    judge = {ONE_BY_ONE: latency, SIXTEEN: throughput}
    return [
        judge[concurrency](route, driver.target, pairs)
        for (route, concurrency), pairs in readings.items()
    ]


Pairs = Sequence[tuple[Reading, Reading]]
"""The peer's reading and ours, of each round."""


def latency(route: Route, environment: str, pairs: Pairs) -> Figure:
    """The medians of all rounds; the limit holds for what is promised, 10 % of the traces."""
    return Figure(
        "call",
        f"{route.service}, p50 one by one, {ENVIRONMENTS[environment]}",
        statistics.median(ours.p50 * 1000 for _, ours in pairs),
        "ms",
        statistics.median(theirs.p50 * 1000 for theirs, _ in pairs),
        "Envoy pair",
        LATENCY_LIMIT if environment == PROMISED else None,
    )


def throughput(route: Route, environment: str, pairs: Pairs) -> Figure:
    """Likewise, in requests a second."""
    return Figure(
        "call",
        f"{route.service}, 16 at once, {ENVIRONMENTS[environment]}",
        statistics.median(ours.throughput for _, ours in pairs),
        "/s",
        statistics.median(theirs.throughput for theirs, _ in pairs),
        "Envoy pair",
        THROUGHPUT_LIMIT if environment == PROMISED else None,
        at_least=True,
    )


def governed(driver: Driver, route: Route) -> Subject:
    """A service of ours, called as `caller` would: through its sidecar, signed with its key."""
    variables = driver.variables("caller")
    url = urlsplit(variables[f"{route.service.upper()}_URL"])
    file = Path(variables["FAIRWAY_IDENTITY_DIR"]) / "signing.json"
    document = json.loads(file.read_text())
    key = document["keys"][-1]
    credentials = Credentials(key["key_id"], key["secret"], document["region"], route.service)
    assert url.port
    return Subject(
        url.port, lambda count: [signed(route, url.netloc, credentials) for _ in range(count)]
    )


def signed(route: Route, host: str, credentials: Credentials) -> str:
    """One request with a nonce of its own."""
    headers = plain_headers(route, host)
    request = SignableRequest(route.method, route.path, "", tuple(headers.items()), route.body)
    headers |= sign(request, credentials, now=time.time(), nonce=secrets.token_urlsafe(18))
    return http_request(route.method, route.path, headers, route.body).decode("ascii")


def plain_headers(route: Route, host: str) -> dict[str, str]:
    """What any client sends."""
    return {"host": host} | ({"content-type": "application/json"} if route.body else {})


@contextmanager
def plain_program(app: Path, route: Route) -> Iterator[int]:
    """The program without the library, on a port of its own."""
    port = free_port()
    uvicorn = [str(TOOLS / "uvicorn"), route.plain, "--port", str(port), "--no-access-log"]
    environment = clean_environment(AXON_MODEL_KEY="k", PYTHONPATH=str(app / "axon"))
    with program(uvicorn, app, environment):
        until(lambda: answers(port, route.method, route.path, route.body), PATIENCE)
        yield port


@contextmanager
def peer(app: Path, route: Route) -> Iterator[Subject]:
    """Two hand-written Envoys in front of the program."""
    with plain_program(app, route) as port, hand_written_mesh(port) as entrance:
        headers = plain_headers(route, f"127.0.0.1:{entrance}")
        request = http_request(route.method, route.path, headers, route.body).decode("ascii")
        until(lambda: answers(entrance, route.method, route.path, route.body), PATIENCE)
        yield Subject(entrance, lambda count: [request] * count)


@contextmanager
def trace_sink() -> Iterator[str]:
    """Where both traces and metrics go; its address."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "bench.sink", str(port)])
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def signing() -> Figure:
    """What the caller pays for a signature, in its own process."""
    route, credentials = ROUTES[0], Credentials("orbit.1", "a secret", "local", "axon")
    took = []
    for _ in range(SIGNATURES):
        started = time.perf_counter()
        signed(route, "axon.internal", credentials)
        took.append(time.perf_counter() - started)
    return Figure("call", "signing, by the caller", statistics.median(took) * 1e6, "µs")
