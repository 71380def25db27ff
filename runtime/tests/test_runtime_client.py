"""The client: calls are signed, carry the context, and are repeated only where that is safe."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from runtime.tests.serving import echo, served, settings, write_files

from fairway_runtime import (
    CallFailed,
    CircuitOpen,
    Denied,
    InvalidConfiguration,
    RetryPolicy,
    ServiceClient,
    Settings,
)
from fairway_runtime.asgi import fairway
from fairway_runtime.attempts import is_safe, parse_retry_after
from fairway_runtime.context import RequestContext, Trace, current
from fairway_runtime.metrics import Metrics, prometheus_text

FAST = RetryPolicy(attempts=3, backoff=0.001, max_backoff=0.002)
Handler = Callable[[httpx2.Request], httpx2.Response]


@pytest.fixture
async def axon(tmp_path: Path) -> AsyncIterator[str]:
    folder = tmp_path / "axon"
    folder.mkdir()
    async with served(fairway(echo, settings(folder), metrics=Metrics())) as host:
        yield f"http://{host}"


def caller_settings(folder: Path, url: str, service: str = "orbit", **more: str) -> Settings:
    folder = folder / service
    folder.mkdir(exist_ok=True)
    return Settings.from_environment({**write_files(folder, service), "AXON_URL": url, **more})


def answering(tmp_path: Path, handler: Handler, retries: RetryPolicy = FAST) -> ServiceClient:
    """A client whose callee is a function."""
    return ServiceClient(
        caller_settings(tmp_path, "http://axon.test"),
        retries=retries,
        transport=httpx2.MockTransport(handler),
        metrics=Metrics(),
    )


def request_context(**changes: Any) -> RequestContext:
    trace = Trace("a" * 32, "b" * 16, "", True, "vendor=1")
    fields: dict[str, Any] = {
        "correlation_id": "trip-9", "trace": trace, "caller": None, "intent": None,
        "decision": None, "release": "", "deadline": None, "source": "mesh", "cohort": "canary",
        "request_id": "rid-1",
    }  # fmt: skip
    return RequestContext(**{**fields, **changes})


@contextlib.contextmanager
def serving(context: RequestContext) -> Any:
    token = current.set(context)
    try:
        yield
    finally:
        current.reset(token)


async def test_a_call_is_signed_verified_and_carries_the_ids(tmp_path: Path, axon: str) -> None:
    async with ServiceClient(caller_settings(tmp_path, axon), metrics=Metrics()) as client:
        with serving(request_context()):
            answer = await client.call("axon", "reason", json={"text": "ä €"})
    known = answer.json()
    assert answer.status_code == 200
    assert (known["caller"], known["intent"]) == ("Service::orbit", "reason")
    assert (known["correlation_id"], known["trace_id"]) == ("trip-9", "a" * 32)
    assert known["span_id"] != "b" * 16
    assert 0 < known["deadline"] - time.time() <= 15


async def test_awkward_parameters_queries_and_bodies_are_verified(
    tmp_path: Path, axon: str
) -> None:
    async with ServiceClient(caller_settings(tmp_path, axon), metrics=Metrics()) as client:
        params = {"q": "a+b c/ä&=~*'", "list": ["2", "1"], "empty": ""}
        answer = await client.call("axon", "item", path={"id": "x y~é%!'()*"}, params=params)
        assert answer.json()["intent"] == "item"
        form = await client.call("axon", "reason", data={"a": "1 & 2"})
        assert form.json()["body"] == "a=1+%26+2"
        large = await client.call("axon", "reason", content=b"x" * 2**20)
        assert large.json()["length"] == 2**20


async def test_streams_are_sent_unsigned_where_the_intent_allows_it(
    tmp_path: Path, axon: str
) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * 2**16

    async with ServiceClient(caller_settings(tmp_path, axon), metrics=Metrics()) as client:
        streamed = await client.call("axon", "upload", content=chunks())
        assert streamed.json()["length"] == 40 * 2**16
        large = await client.call("axon", "upload", content=b"x" * 3 * 2**20)
        assert large.json()["length"] == 3 * 2**20
        over = await client.call("axon", "reason", content=b"x" * (2**20 + 1))
        assert over.status_code == 413


async def test_a_denial_carries_reason_and_decision(tmp_path: Path, axon: str) -> None:
    async with ServiceClient(caller_settings(tmp_path, axon), metrics=Metrics()) as client:
        with pytest.raises(Denied) as denied:
            await client.call("axon", "forbidden", json={})
    assert denied.value.status == 403
    assert denied.value.decision_id
    assert "forbidden" in denied.value.reason


async def test_asking_decides_like_the_callee_without_calling(tmp_path: Path) -> None:
    client = answering(tmp_path, lambda request: pytest.fail("nothing must be sent"))
    assert (await client.ask("axon", "reason")).allowed
    refused = await client.ask("axon", "forbidden", context={"cohort": "canary"})
    assert not refused.allowed
    assert not (await client.ask("nobody", "reason")).allowed


async def test_a_denied_question_is_audited_and_an_allowed_one_left_to_the_callee(
    tmp_path: Path,
) -> None:
    audit = tmp_path / "asked"
    audit.mkdir()
    own = caller_settings(tmp_path, "http://axon.test", FAIRWAY_AUDIT_DIR=str(audit))
    async with ServiceClient(own, metrics=Metrics()) as client:
        assert (await client.ask("axon", "reason")).allowed
        denied = await client.ask("axon", "forbidden", context={"cohort": "canary"})
    (file,) = audit.glob("*.jsonl")
    assert file.name.endswith(".asked.jsonl")
    (entry,) = [json.loads(line) for line in file.read_text().splitlines()]
    assert entry["decision_id"] == denied.decision_id
    assert denied.reason in entry.values()


async def test_without_fairway_calls_work_and_nothing_decides() -> None:
    def handler(request: httpx2.Request) -> httpx2.Response:
        assert "authorization" not in request.headers
        return httpx2.Response(200, json={"host": request.headers["host"]})

    absent = Settings.from_environment({"AXON_URL": "http://axon.test:81/"})
    client = ServiceClient(absent, transport=httpx2.MockTransport(handler), metrics=Metrics())
    answer = await client.request("axon", "POST", "/x?y=1", json={})
    assert answer.json() == {"host": "axon.test:81"}
    assert (await client.ask("axon", "reason")).allowed
    with pytest.raises(InvalidConfiguration, match="FAIRWAY_POLICY_FILE"):
        await client.call("axon", "reason")
    with pytest.raises(InvalidConfiguration, match="LYNX_URL"):
        await client.request("lynx", "GET", "/")
    with pytest.raises(InvalidConfiguration, match="path"):
        await client.request("axon", "GET", "/a%2fb")


async def test_the_shared_egress_gets_the_callee_as_host(tmp_path: Path) -> None:
    hosts = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        hosts.append((request.url.host, request.headers.get_list("host")))
        return httpx2.Response(200)

    variables = Settings.from_environment({"FAIRWAY_EGRESS_URL": "http://127.0.0.1:9"})
    client = ServiceClient(variables, transport=httpx2.MockTransport(handler), metrics=Metrics())
    await client.request("axon-two", "GET", "/")
    assert hosts == [("127.0.0.1", ["axon-two.internal"])]


async def test_an_unknown_intent_is_an_error_of_configuration(tmp_path: Path) -> None:
    client = answering(tmp_path, lambda request: httpx2.Response(200))
    with pytest.raises(InvalidConfiguration, match="no intent dream"):
        await client.call("axon", "dream")


@pytest.mark.parametrize("name", ["Authorization", "X-Amz-Date", "x-fairway-nonce"])
async def test_a_header_of_the_signature_cannot_be_given(tmp_path: Path, name: str) -> None:
    """The callee would refuse the repeated header, and never say why."""
    client = answering(tmp_path, lambda request: httpx2.Response(200))
    with pytest.raises(InvalidConfiguration, match=f"{name.lower()} belongs to the signature"):
        await client.call("axon", "reason", json={}, headers={name: "Bearer of mine"})


async def test_without_an_identity_authorization_is_the_services_own() -> None:
    seen: list[httpx2.Request] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200)

    settings = Settings.from_environment({"AXON_URL": "http://axon.test"})
    client = ServiceClient(settings, transport=httpx2.MockTransport(handler), metrics=Metrics())
    await client.request("axon", "GET", "/x", headers={"authorization": "Bearer of mine"})
    assert seen[0].headers["authorization"] == "Bearer of mine"


class Failing:
    """Answers with the given statuses or errors, then 200; remembers what it saw."""

    def __init__(self, *outcomes: int | Exception, headers: dict[str, str] | None = None) -> None:
        self.outcomes = list(outcomes)
        self.headers = headers or {}
        self.seen: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.seen.append(request)
        outcome = self.outcomes.pop(0) if self.outcomes else 200
        if isinstance(outcome, Exception):
            raise outcome
        return httpx2.Response(outcome, headers=self.headers)


async def test_each_attempt_is_signed_anew(tmp_path: Path) -> None:
    callee = Failing(503, 502)
    client = answering(tmp_path, callee)
    answer = await client.call("axon", "reason", json={}, idempotency_key="k1")
    assert answer.status_code == 200
    for name in ("x-fairway-nonce", "authorization", "traceparent"):
        assert len({request.headers[name] for request in callee.seen}) == 3
    for name in ("idempotency-key", "x-correlation-id", "x-fairway-deadline"):
        assert len({request.headers[name] for request in callee.seen}) == 1
    bodies = {request.read() for request in callee.seen}
    assert bodies == {b"{}"}


@pytest.mark.parametrize(
    ("failure", "intent", "key", "attempts"),
    [
        (503, "reason", None, 1),
        (503, "reason", "k", 3),
        (503, "item", None, 3),
        (500, "item", None, 1),
        (429, "item", None, 3),
        (httpx2.ConnectError("refused"), "reason", None, 3),
        (httpx2.ConnectTimeout("slow"), "reason", None, 3),
        (httpx2.ReadError("reset"), "reason", None, 1),
        (httpx2.ReadError("reset"), "item", None, 3),
        (httpx2.RemoteProtocolError("closed"), "reason", "k", 3),
        (ssl.SSLError(1, "tlsv13 alert certificate required"), "reason", None, 1),
        (ssl.SSLError(1, "tlsv13 alert certificate required"), "item", None, 3),
    ],
)
async def test_attempts_are_repeated_only_where_that_is_safe(
    tmp_path: Path, failure: int | Exception, intent: str, key: str | None, attempts: int
) -> None:
    callee = Failing(*[failure] * 9)
    client = answering(tmp_path, callee)
    path = {"id": "1"} if intent == "item" else None
    with pytest.raises(CallFailed) as failed:
        await client.call("axon", intent, path=path, idempotency_key=key)
    assert len(callee.seen) == attempts
    assert failed.value.status == (failure if isinstance(failure, int) else None)


async def test_a_stream_is_never_sent_twice(tmp_path: Path) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"once"

    callee = Failing(503)
    client = answering(tmp_path, callee)
    with pytest.raises(CallFailed):
        await client.call("axon", "upload", content=chunks(), idempotency_key="k")
    assert len(callee.seen) == 1


async def test_retry_after_is_respected_and_bounded_by_the_deadline(tmp_path: Path) -> None:
    soon = Failing(503, headers={"retry-after": "0"})
    client = answering(tmp_path, soon)
    assert (await client.call("axon", "item", path={"id": "1"})).status_code == 200
    late = Failing(503, headers={"retry-after": "60"})
    client = answering(tmp_path, late)
    with pytest.raises(CallFailed):
        await client.call("axon", "item", path={"id": "1"}, timeout=5)
    assert len(late.seen) == 1


async def test_the_deadline_of_the_request_being_served_shortens_the_call(tmp_path: Path) -> None:
    callee = Failing()
    client = answering(tmp_path, callee)
    deadline = time.time() + 1
    with serving(request_context(deadline=deadline)):
        await client.call("axon", "reason", timeout=10)
        assert callee.seen[0].headers["x-fairway-deadline"] == str(int(deadline * 1000))
        await client.call("axon", "reason", timeout=0.5)
        assert int(callee.seen[1].headers["x-fairway-deadline"]) < deadline * 1000
    past = request_context(deadline=time.time() - 1)
    with serving(past), pytest.raises(CallFailed, match="deadline"):
        await client.call("axon", "reason")
    assert len(callee.seen) == 2


async def test_context_headers_are_passed_on(tmp_path: Path) -> None:
    callee = Failing()
    client = answering(tmp_path, callee)
    with serving(request_context()):
        await client.call("axon", "reason", headers={"X-Correlation-Id": "forged"})
    headers = callee.seen[0].headers
    assert headers.get_list("x-correlation-id") == ["trip-9"]
    assert (headers["x-fairway-cohort"], headers["x-request-id"]) == ("canary", "rid-1")
    assert headers["tracestate"] == "vendor=1"
    assert headers["traceparent"].startswith(f"00-{'a' * 32}-")
    assert headers["traceparent"].endswith("-01")


async def test_what_keeps_a_request_in_its_cohort_is_passed_on(tmp_path: Path) -> None:
    callee = Failing()
    client = answering(tmp_path, callee)
    carried = (("baggage", "a=b,fairway.cohort=r8"), ("x-fairway-user", "u-1"))
    with serving(request_context(carried=carried)):
        await client.call("axon", "reason")
        await client.call("axon", "reason", headers={"Baggage": "own=1"})
    first, second = (seen.headers for seen in callee.seen)
    assert (first["baggage"], first["x-fairway-user"]) == ("a=b,fairway.cohort=r8", "u-1")
    assert second.get_list("baggage") == ["own=1"]
    assert "x-fairway-preview" not in first


async def test_the_cohort_goes_from_the_incoming_request_to_the_outgoing_call(
    tmp_path: Path,
) -> None:
    callee = Failing()
    calls = answering(tmp_path, callee)

    async def between(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            raise NotImplementedError
        await calls.call("axon", "reason")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    wrapped = fairway(between, Settings.from_environment({}), metrics=Metrics())
    sent = {"x-fairway-cohort": "r8", "x-fairway-preview": "canary", "x-fairway-shadow": "1"}
    async with served(wrapped) as host, httpx2.AsyncClient() as browser:
        lines = [("baggage", "a=b"), ("baggage", "fairway.cohort=r8"), *sent.items()]
        assert (await browser.get(f"http://{host}/trip", headers=lines)).status_code == 200
    found = callee.seen[0].headers
    assert {name: found[name] for name in sent} == sent
    assert found["baggage"] == "a=b,fairway.cohort=r8"


async def test_a_slow_callee_costs_no_more_than_the_timeout(tmp_path: Path) -> None:
    async def slow(request: httpx2.Request) -> httpx2.Response:
        await asyncio.sleep(30)
        raise AssertionError("the timeout should have ended this")

    client = answering(tmp_path, slow)  # type: ignore[arg-type]
    with pytest.raises(CallFailed, match="no answer within"):
        await client.call("axon", "reason", timeout=0.05)


async def test_the_circuit_opens_and_recovers(tmp_path: Path) -> None:
    callee = Failing(*[500] * 5)
    client = answering(tmp_path, callee)
    for _ in range(5):
        with pytest.raises(CallFailed):
            await client.call("axon", "reason")
    with pytest.raises(CircuitOpen) as opened:
        await client.call("axon", "reason")
    assert 0 < opened.value.retry_after <= 10
    assert len(callee.seen) == 5
    client._caller._breakers["axon"]._context._state.opened_at -= 11
    assert (await client.call("axon", "reason")).status_code == 200
    assert client._caller._breakers["axon"].state == "closed"


async def test_outcomes_are_counted(tmp_path: Path) -> None:
    metrics = Metrics()
    client = ServiceClient(
        caller_settings(tmp_path, "http://axon.test"),
        retries=FAST,
        transport=httpx2.MockTransport(Failing(503, httpx2.ConnectError("x"))),
        metrics=metrics,
    )
    await client.call("axon", "item", path={"id": "1"})
    text = prometheus_text(metrics.families())
    for outcome in ("5xx", "error", "2xx"):
        labels = f'callee="axon",intent="item",outcome="{outcome}"'
        assert f"http_client_request_duration_seconds_count{{{labels}}} 1" in text


async def test_connections_are_kept_and_closed(tmp_path: Path) -> None:
    peers: set[str] = set()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        peers.add(str(scope["client"]))
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(1).encode()})

    async with served(app, lifespan="off") as host:
        absent = Settings.from_environment({"AXON_URL": f"http://{host}"})
        async with ServiceClient(absent, metrics=Metrics()) as client:
            for _ in range(5):
                assert (await client.request("axon", "GET", "/")).json() == 1
    assert len(peers) == 1


async def test_a_dead_callee_is_a_failed_call(tmp_path: Path) -> None:
    absent = Settings.from_environment({"AXON_URL": "http://127.0.0.1:1"})
    async with ServiceClient(absent, retries=FAST, metrics=Metrics()) as client:
        with pytest.raises(CallFailed, match="no connection"):
            await client.request("axon", "POST", "/")


@pytest.mark.parametrize("url", ["axon:80", "ftp://axon", "http://", "http://a:x"])
async def test_an_address_that_is_none_is_an_error_of_configuration(url: str) -> None:
    client = ServiceClient(Settings.from_environment({"AXON_URL": url}), metrics=Metrics())
    with pytest.raises(InvalidConfiguration, match="axon"):
        await client.request("axon", "GET", "/")


async def test_an_answer_that_cannot_be_read_is_a_failed_call(tmp_path: Path) -> None:
    closed = []

    class Broken(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b"half"
            raise httpx2.ReadError("reset")

        async def aclose(self) -> None:
            closed.append(True)

    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, stream=Broken())

    with pytest.raises(CallFailed, match="ReadError"):
        await answering(tmp_path, answer).call("axon", "reason")
    assert closed

    def garbled(request: httpx2.Request) -> httpx2.Response:
        class Garbage(httpx2.AsyncByteStream):
            async def __aiter__(self) -> AsyncIterator[bytes]:
                yield b"not gzip"

        return httpx2.Response(200, headers={"content-encoding": "gzip"}, stream=Garbage())

    with pytest.raises(CallFailed, match="DecodingError"):
        await answering(tmp_path, garbled).call("axon", "reason")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None), ("3", 3.0), ("-1", None), ("x", None), ("²", None),
        ("Sat, 21 Nov 2026 00:00:10 GMT", 10.0), ("Sat, 21 Nov 2026 00:00:00 GMT", 0.0),
    ],
)  # fmt: skip
def test_retry_after_is_read(value: str | None, expected: float | None) -> None:
    assert parse_retry_after(value, 1_795_219_200.0) == expected


@given(st.integers(1, 100), st.floats(0, 0.999))
def test_backoff_is_jittered_and_bounded(attempt: int, jitter: float) -> None:
    policy = RetryPolicy(backoff=0.05, max_backoff=1.0)
    wait = policy.wait(attempt, None, lambda: jitter)
    assert 0 <= wait <= min(1.0, 0.05 * 2 ** (attempt - 1))


def test_safety_is_a_matter_of_method_or_key() -> None:
    assert is_safe("get", False)
    assert not is_safe("POST", False)
    assert is_safe("PATCH", True)
