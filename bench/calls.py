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
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.driver import EXAMPLES, TOOLS, Driver, clean_environment, copy_of, running, until

from bench.baseline_mesh import hand_written_mesh
from bench.load import Load, Reading, http_request, measure
from bench.report import Figure
from bench.start import PATIENCE, answers, free_port, program
from fairway_runtime.sigv4 import Credentials, SignableRequest, sign

APP = Path(__file__).parent / "apps" / "calls"
ROUNDS = 5
ONE_BY_ONE, SIXTEEN = 1, 16
REQUESTS = {ONE_BY_ONE: 800, SIXTEEN: 2_500}
LATENCY_LIMIT = 1.3
THROUGHPUT_LIMIT = 0.65
ENVIRONMENTS = {"local": "10 % of traces", "every-trace": "every trace"}
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
    """Everything is started once, then all sides are measured in turn, round after round."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        app = copy_of(APP, folder / "app")
        copy_of(EXAMPLES / "axon-orbit" / "services" / "axon", app / "axon")
        sink = stack.enter_context(trace_sink())
        subjects: dict[tuple[str, str], Subject] = {}
        for environment in ENVIRONMENTS:
            driver = Driver(app, clean_environment(BENCH_OTLP=sink), environment)
            driver.fairway("secrets", "set", "AXON_MODEL_KEY", "--env", environment, stdin="k\n")
            stack.enter_context(running(driver))
            subjects |= {(environment, r.service): governed(driver, r) for r in ROUTES}
        for route in ROUTES:
            port = stack.enter_context(plain_program(app, route))
            subjects["peer", route.service] = stack.enter_context(plain(port, route))
        return [*figures(rounds(subjects)), signing()]


Readings = dict[tuple[str, str, int], list[Reading]]


def rounds(subjects: dict[tuple[str, str], Subject]) -> Readings:
    """Interleaved, so that whatever disturbs the machine disturbs all sides alike."""
    found: Readings = {}
    for _ in range(ROUNDS):
        for concurrency in REQUESTS:
            for (side, service), subject in subjects.items():
                reading = subject.read(concurrency)
                found.setdefault((side, service, concurrency), []).append(reading)
    return found


def figures(found: Readings) -> Iterator[Figure]:
    """Medians of all rounds; limits only for what is promised, which is 10 % of the traces."""
    for side, traces in ENVIRONMENTS.items():
        promised = side == "local"
        for route in ROUTES:
            yield Figure(
                "call",
                f"{route.service}, p50 one by one, {traces}",
                median(found[side, route.service, ONE_BY_ONE], lambda r: r.p50 * 1000),
                "ms",
                median(found["peer", route.service, ONE_BY_ONE], lambda r: r.p50 * 1000),
                "Envoy pair",
                LATENCY_LIMIT if promised else None,
            )
            yield Figure(
                "call",
                f"{route.service}, 16 at once, {traces}",
                median(found[side, route.service, SIXTEEN], lambda r: r.throughput),
                "/s",
                median(found["peer", route.service, SIXTEEN], lambda r: r.throughput),
                "Envoy pair",
                THROUGHPUT_LIMIT if promised else None,
                at_least=True,
            )


def median(readings: Sequence[Reading], of: Callable[[Reading], float]) -> float:
    """The median of one quantity."""
    return statistics.median(of(reading) for reading in readings)


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
    return http_request(route.method, route.path, headers, route.body)


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
def plain(port: int, route: Route) -> Iterator[Subject]:
    """Two hand-written Envoys in front of a program."""
    with hand_written_mesh(port) as entrance:
        headers = plain_headers(route, f"127.0.0.1:{entrance}")
        request = http_request(route.method, route.path, headers, route.body)
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
