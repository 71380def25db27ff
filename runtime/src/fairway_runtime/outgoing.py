"""A call as it goes on the wire: built once per call, headed and signed once per attempt.

Used by `client.py`. The path is sent in the form that Envoy would normalise it to, so that no
proxy on the way changes what was signed.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fairway_runtime.context import RequestContext, Trace
from fairway_runtime.errors import InvalidConfiguration
from fairway_runtime.intents import IntentRoute, normalise
from fairway_runtime.settings import Settings
from fairway_runtime.sigv4 import Credentials, SignableRequest, sign
from fairway_runtime.sigv4.sign import REPLACED

if TYPE_CHECKING:
    import httpx2

HASHED_LIMIT = 2**20
"""The largest body that is hashed, in bytes: callees read no more before they verify."""

Pairs = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Payload:
    """The optional parts of a call, as its caller gives them. At most one of the three bodies."""

    params: Mapping[str, Any] | None = None
    headers: Mapping[str, str] | None = None
    json: Any = None
    content: bytes | str | AsyncIterable[bytes] | None = None
    data: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """How long a call may take in all (seconds), and the key that makes it safe to repeat."""

    timeout: float
    idempotency_key: str | None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One call: everything that is the same in every attempt."""

    callee: str
    intent: str
    request: httpx2.Request
    body: bytes | None = field(repr=False)
    hashed: bool
    terms: Terms

    @property
    def repeatable(self) -> bool:
        """Whether the body can be sent again: a stream cannot."""
        return self.body is not None


@dataclass(frozen=True, slots=True)
class Stamp:
    """What is new in each attempt."""

    now: float
    nonce: str
    trace: Trace
    deadline: float


def base_url(settings: Settings, callee: str) -> tuple[str, str | None]:
    """Where a callee is, and its Host header if that differs. Raises InvalidConfiguration."""
    own = settings.url_of(callee)
    if own is not None:
        return own, None
    if settings.egress_url:
        return settings.egress_url.rstrip("/"), f"{callee}.internal"
    name = callee.upper().replace("-", "_")
    raise InvalidConfiguration(
        f"where {callee} is, is not known",
        where=f"{name}_URL",
        remedy="declare the call in the app file, or set the variable to its base URL",
    )


def build_request(
    settings: Settings, callee: str, method: str, target: str, payload: Payload
) -> httpx2.Request:
    """The request without what each attempt adds; `target` is a path, perhaps with a query."""
    import httpx2  # noqa: PLC0415 - 80 ms that only callers pay, at their first call

    path, _, query = target.partition("?")
    normal = normalise(path)
    if normal is None:
        raise InvalidConfiguration(
            "the path cannot be sent through the mesh",
            where=f"{callee} {path}",
            remedy="start it with '/', percent-encode what is not ASCII, escape no slash in it",
        )
    url, host = base_url(settings, callee)
    return httpx2.Request(
        method,
        _parsed(callee, f"{url}{normal}" + (f"?{query}" if query else "")),
        params=payload.params,
        headers={**({"host": host} if host else {}), **(payload.headers or {})},
        json=payload.json,
        content=payload.content,
        data=payload.data,
    )


def _parsed(callee: str, url: str) -> httpx2.URL:
    import httpx2  # noqa: PLC0415 - imported already by build_request

    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise InvalidConfiguration(
            f"the address of {callee} is not a URL: {error}",
            where=url,
            remedy="correct its variable: http://host:port",
        ) from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise InvalidConfiguration(
            f"the address of {callee} is not an http URL",
            where=url,
            remedy="correct its variable: http://host:port",
        )
    return parsed


async def outgoing(
    callee: str, route: IntentRoute, request: httpx2.Request, terms: Terms
) -> Outgoing:
    """A call that is ready to be attempted: its body read, unless it is a stream.

    What is too large to be hashed, or has no known end, is sent unsigned where the intent allows
    it; elsewhere a stream is read to its end first.
    """
    streamed = "transfer-encoding" in request.headers
    if streamed and route.stream:
        return Outgoing(callee, route.name, request, None, False, terms)
    body = await request.aread()
    hashed = not (route.stream and len(body) > HASHED_LIMIT)
    return Outgoing(callee, route.name, request, body, hashed, terms)


def attempt_headers(
    call: Outgoing, context: RequestContext, stamp: Stamp, credentials: Credentials | None
) -> Pairs:
    """All headers of one attempt, signed if there are credentials."""
    added = _context_headers(call, context, stamp)
    replaced = {name.encode() for name in added}
    pairs = [
        (name.lower(), value)
        for name, value in call.request.headers.raw
        if name.lower() not in replaced
    ]
    pairs += [(name.encode(), value.encode()) for name, value in added.items()]
    if credentials is not None:
        _check_free(call.callee, pairs)
        signable = _signable(call, pairs)
        signed = sign(signable, credentials, now=stamp.now, nonce=stamp.nonce)
        pairs += [(name.encode(), value.encode()) for name, value in signed.items()]
    return pairs


def _check_free(callee: str, pairs: Pairs) -> None:
    """A header that signing sets must not be there already: the callee refuses one that repeats."""
    taken = sorted(
        name.decode("latin-1") for name, _ in pairs if name.decode("latin-1") in REPLACED
    )
    if taken:
        raise InvalidConfiguration(
            f"the header {taken[0]} belongs to the signature of the call",
            where=f"call of {callee}",
            remedy="pass it under another name, such as x-user-authorization",
        )


def _context_headers(call: Outgoing, context: RequestContext, stamp: Stamp) -> dict[str, str]:
    headers = {
        "x-correlation-id": context.correlation_id,
        "traceparent": stamp.trace.traceparent,
        "x-fairway-deadline": str(int(stamp.deadline * 1000)),
    }
    optional = {
        "tracestate": stamp.trace.state,
        "x-fairway-cohort": context.cohort,
        "x-request-id": context.request_id,
        "idempotency-key": call.terms.idempotency_key or "",
    }
    headers |= {name: value for name, value in optional.items() if value}
    own = call.request.headers
    return headers | {name: value for name, value in context.carried if name not in own}


def _signable(call: Outgoing, pairs: Pairs) -> SignableRequest:
    path, _, query = call.request.url.raw_path.decode().partition("?")
    headers = [(name.decode(), value.decode("utf-8", "surrogateescape")) for name, value in pairs]
    body = call.body if call.hashed else None
    return SignableRequest(call.request.method, path, query, headers, body)
