"""What is known about the request that is being served: ids, caller, decision, deadline.

Set by the ASGI wrapper for as long as a request runs; read by handlers (`current_request`), by
every log line and by the client, which passes ids and the deadline on. Ids from outside are
accepted only in the form that their specifications allow; anything else is replaced by a new one.
Trace context: https://www.w3.org/TR/trace-context/, baggage: https://www.w3.org/TR/baggage/
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from fairway_runtime.policy.engine import Decision, Principal

_CORRELATION = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._:@+=/-]{0,127}\Z")
_TRACEPARENT = re.compile(
    rb"(?!ff)(?P<version>[0-9a-f]{2})-(?P<trace>(?!0{32})[0-9a-f]{32})"
    rb"-(?P<parent>(?!0{16})[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})(?P<rest>-.*)?\Z"
)
_TRACESTATE_MEMBER = re.compile(
    rb"(?:[a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})"
    rb"=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]\Z"
)
_DEADLINE = re.compile(rb"\d{1,15}\Z")
_CARRIED = (b"baggage", b"x-fairway-preview", b"x-fairway-user", b"x-fairway-shadow")
_MAX_BAGGAGE = 8192
_MAX_TRACESTATE = 4096
_MAX_MEMBERS = 32

Headers = dict[bytes, bytes]


class Trace(NamedTuple):
    """One hop of a distributed trace: our span, its parent (empty for a root), the vendor state."""

    trace_id: str
    span_id: str
    parent_id: str
    sampled: bool
    state: str

    @property
    def traceparent(self) -> str:
        """The header that makes our span the parent of what we call."""
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"


class RequestContext(NamedTuple):
    """The request being served. `deadline` is Unix time in seconds; `caller` None: unknown.

    `carried` are headers that go on to whatever is called, as they came: W3C baggage, and by what
    the mesh keeps a request in its cohort, a user in theirs, and a copy apart from its original.
    """

    correlation_id: str
    trace: Trace
    caller: Principal | None
    intent: str | None
    decision: Decision | None
    release: str
    deadline: float | None
    source: str
    cohort: str
    request_id: str
    carried: tuple[tuple[str, str], ...] = ()

    @property
    def trace_id(self) -> str:
        """The W3C trace id, 32 hexadecimal digits."""
        return self.trace.trace_id

    @property
    def span_id(self) -> str:
        """The id of the span that serves this request, 16 hexadecimal digits."""
        return self.trace.span_id

    @property
    def from_gateway(self) -> bool:
        """Whether it came in over a public route, unsigned."""
        return self.caller is not None and self.caller.kind == "Gateway"


current: ContextVar[RequestContext | None] = ContextVar("fairway_request", default=None)
"""Set by `asgi.py` alone; everyone else reads it."""


def current_request() -> RequestContext:
    """The request that the running task serves; raises LookupError outside of one."""
    found = current.get()
    if found is None:
        raise LookupError("no request is being served here: is the app wrapped in fairway(app)?")
    return found


def open_context(headers: Iterable[tuple[bytes, bytes]], release: str = "") -> RequestContext:
    """The context of something that nobody was admitted to: a health check, a background call."""
    values = dict(headers)
    trace = parse_trace(values)
    return RequestContext(
        correlation_id=correlation_id(values, trace.trace_id),
        trace=trace,
        caller=None,
        intent=None,
        decision=None,
        release=release,
        deadline=None,
        source="direct",
        cohort="",
        request_id="",
    )


def correlation_id(headers: Headers, fallback: str) -> str:
    """The caller's correlation id if it is well-formed, else `fallback`."""
    value = headers.get(b"x-correlation-id")
    return value.decode() if value is not None and _CORRELATION.match(value) else fallback


def parse_trace(headers: Headers) -> Trace:
    """Our hop: a child of the caller's `traceparent`, or a new root when that is not valid."""
    match = _TRACEPARENT.match(headers.get(b"traceparent", b""))
    if match is None:
        return new_trace()
    version, trace_id, parent_id, flags, rest = match.groups()
    if rest and version == b"00":
        return new_trace()
    return Trace(
        trace_id.decode(),
        new_span_id(),
        parent_id.decode(),
        bool(int(flags, 16) & 1),
        _tracestate(headers.get(b"tracestate")),
    )


def new_trace(sampled: bool = False) -> Trace:
    """A root of its own."""
    return Trace(new_trace_id(), new_span_id(), "", sampled, "")


def child(trace: Trace) -> Trace:
    """A span below `trace`, for a call that it makes."""
    return Trace(trace.trace_id, new_span_id(), trace.span_id, trace.sampled, trace.state)


def carried_headers(headers: Headers) -> tuple[tuple[str, str], ...]:
    """The headers to pass on; one that is too long or not ASCII is left out."""
    return tuple(
        (name.decode(), value.decode())
        for name in _CARRIED
        if (value := headers.get(name)) and len(value) <= _MAX_BAGGAGE and value.isascii()
    )


def _tracestate(value: bytes | None) -> str:
    if not value or len(value) > _MAX_TRACESTATE:
        return ""
    members = [part for part in (part.strip(b" \t") for part in value.split(b",")) if part]
    keys = [member.partition(b"=")[0] for member in members]
    valid = (
        len(members) <= _MAX_MEMBERS
        and len(set(keys)) == len(keys)
        and all(_TRACESTATE_MEMBER.match(member) for member in members)
    )
    return b",".join(members).decode() if valid else ""


def parse_deadline(headers: Headers) -> float | None:
    """`x-fairway-deadline` (Unix milliseconds) in seconds; None when absent or malformed."""
    value = headers.get(b"x-fairway-deadline")
    return int(value) / 1000 if value is not None and _DEADLINE.match(value) else None


def new_trace_id() -> str:
    """32 hexadecimal digits, never all zero."""
    return f"{_random_bits(128):032x}"


def new_span_id() -> str:
    """16 hexadecimal digits, never all zero."""
    return f"{_random_bits(64):016x}"


def _random_bits(count: int) -> int:
    # Ids need to be unique, not secret; `random` is seeded by the system, again after a fork, and
    # is ten times as fast as the system's source.
    while True:
        if bits := random.getrandbits(count):
            return bits
