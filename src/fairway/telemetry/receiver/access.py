"""What a line of an Envoy's access log says: a request from one to another. Pure.

Who tells of which requests:

    inbound   the callee's sidecar: every request that reached it, by its caller's SPIFFE ID. This
              is what is counted, for `gateway` → service as well
    gateway   the gateway: every request from outside, counted as `public` → `gateway`
    egress    the caller's sidecar, and likewise the gateway towards services: they alone know that
              a request was sent again, or that a circuit was open. Counted only when the request
              never reached the callee, who therefore cannot tell of it

A caller without a certificate is `unknown`. A denial is a 403 by the mesh's RBAC, or what the
runtime library refused before the handler and marked so (`decision` is `deny`; only a service that
uses the library is believed). Any other 403 is the service's own answer, and lines from before
there was the field tell of denials by RBAC only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from fairway.telemetry.config import ServiceFacts
from fairway.telemetry.entries import LogEntry, RequestEntry
from fairway.telemetry.lines import LogLine
from fairway.telemetry.port import LogLevel
from fairway_runtime.intents import IntentRoute, IntentTable

GATEWAY: Final = "gateway"
PUBLIC: Final = "public"
UNKNOWN: Final = "unknown"
_UNSEEN: Final = frozenset({"UH", "UF", "UO", "NC", "DF"})
"""Envoy's response flags after which the other side has not seen the request: none healthy, cannot
connect, circuit open, no such cluster, name not resolved."""
_OPEN: Final = "UO"
_DENIED: Final = "rbac_access_denied"
_DENY: Final = "deny"
_CALLEE: Final = "callee."
_COLUMNS: Final = frozenset({"time", "service", "version", "traceparent"})
"""Fields that an entry holds otherwise."""
_USUAL: Final = {"details": "via_upstream", "flags": "-", "attempts": 1}
"""Fields that say nothing when they have these values."""


class AccessLog:
    """Understands access lines of the services it was told of."""

    def __init__(self, services: Mapping[str, ServiceFacts]) -> None:
        self._intents = {name: _table(facts) for name, facts in services.items()}
        self._library = {name for name, facts in services.items() if facts.library}

    def requests(self, line: LogLine) -> Iterator[RequestEntry]:
        """What a line adds to the traffic between services."""
        match line.fields.get("direction"):
            case "inbound":
                yield self._inbound(line)
            case "egress":
                yield from self._outgoing(line, _text(line, "service"))
            case "gateway":
                yield self._arriving(line)
                yield from self._outgoing(line, GATEWAY)

    def is_uneventful(self, line: LogLine) -> bool:
        """Whether a request was answered as it should be, at the first try."""
        return _level(line) == "info" and _text(line, "flags") in {"-", ""} and not _again(line)

    def entry(self, line: LogLine) -> LogEntry:
        """The line as a log record; fields that say nothing are left out."""
        trace_id, span_id = _trace(line)
        return LogEntry(
            line.at,
            _text(line, "service") or line.source.service,
            line.source.label,
            _text(line, "version"),
            _level(line),
            line.text,
            {name: value for name, value in line.fields.items() if _tells(name, value)},
            trace_id,
            span_id,
            "access",
        )

    def _inbound(self, line: LogLine) -> RequestEntry:
        service = _text(line, "service")
        return RequestEntry(
            line.at,
            _name(_text(line, "peer")) or UNKNOWN,
            service,
            _text(line, "version"),
            self._intent(line, service),
            _duration(line),
            error=_failed(line),
            denied=self._denied(line, service),
            broken=_OPEN in _flags(line),
            trace_id=_trace(line)[0],
        )

    def _arriving(self, line: LogLine) -> RequestEntry:
        callee = _callee(line)
        return RequestEntry(
            line.at,
            PUBLIC,
            GATEWAY,
            "",
            self._intent(line, callee),
            _duration(line),
            error=_failed(line),
            denied=self._denied(line, callee),
            trace_id=_trace(line)[0],
        )

    def _outgoing(self, line: LogLine, caller: str) -> Iterator[RequestEntry]:
        callee = _callee(line)
        flags = _flags(line)
        retried = _again(line)
        unseen = bool(flags & _UNSEEN)
        if callee and (retried or unseen):
            yield RequestEntry(
                line.at,
                caller,
                callee,
                "",
                self._intent(line, callee),
                _duration(line),
                error=unseen and _failed(line),
                retried=retried,
                broken=_OPEN in flags,
                counted=unseen,
                trace_id=_trace(line)[0],
            )

    def _intent(self, line: LogLine, service: str) -> str:
        table = self._intents.get(service)
        if table is None:
            return ""
        found = table.match(_text(line, "method"), _text(line, "path").partition("?")[0])
        return found.name if found else ""

    def _denied(self, line: LogLine, service: str) -> bool:
        if _text(line, "decision") == _DENY:
            return service in self._library
        return _number(line, "status") == 403 and _text(line, "details").startswith(_DENIED)


def _table(facts: ServiceFacts) -> IntentTable:
    return IntentTable(IntentRoute(i.name, i.method, i.path) for i in facts.intents)


def _text(line: LogLine, name: str) -> str:
    """A field as text; Envoy writes null for what it does not know."""
    value: Any = line.fields.get(name)
    return "" if value is None else str(value)


def _number(line: LogLine, name: str) -> float:
    value = line.fields.get(name)
    return value if isinstance(value, int | float) else 0


def _flags(line: LogLine) -> frozenset[str]:
    return frozenset(_text(line, "flags").split(","))


def _tells(name: str, value: object) -> bool:
    return value is not None and name not in _COLUMNS and _USUAL.get(name) != value


def _again(line: LogLine) -> bool:
    """Whether a request was sent more than once."""
    return _number(line, "attempts") > 1


def _duration(line: LogLine) -> float:
    return _number(line, "duration_us") / 1e6


def _failed(line: LogLine) -> bool:
    """An answer with 5xx, or none at all: Envoy writes 0 for it."""
    status = _number(line, "status")
    return status >= 500 or status == 0


def _level(line: LogLine) -> LogLevel:
    if _failed(line):
        return "error"
    return "warning" if _number(line, "status") == 403 else "info"


def _name(spiffe_id: str) -> str:
    """`orbit` of `spiffe://shop.local/orbit`; empty for what is none."""
    return spiffe_id.removeprefix("spiffe://").partition("/")[2]


def _callee(line: LogLine) -> str:
    """Whom a request was sent to, by the name of the cluster: `callee.orbit`, perhaps with the
    route behind; empty for what leads out of the mesh, or nowhere.
    """
    cluster = _text(line, "cluster")
    return cluster.removeprefix(_CALLEE).partition(".")[0] if cluster.startswith(_CALLEE) else ""


def _trace(line: LogLine) -> tuple[str, str]:
    """Trace and span of a W3C `traceparent`, `00-<32>-<16>-<2>`; empty for anything else."""
    parts = _text(line, "traceparent").split("-")
    if len(parts) < 4 or len(parts[1]) != 32 or len(parts[2]) != 16:
        return "", ""
    return parts[1], parts[2]
