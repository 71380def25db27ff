"""What one may ask of the telemetry of an environment, and what comes back.

`store/reading.py` answers from the files that the receiver writes; the API, the console and the
command line ask. Answers are frozen data of plain values: `dataclasses.asdict` of one is its JSON.

Guarantees asked of an implementation: methods may be called concurrently, also while the receiver
writes; each raises only `FairwayError` (`NotFound` for an unknown trace or metric). Times are Unix
seconds, durations are seconds, ids are lower-case hexadecimal as in W3C Trace Context.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from typing_extensions import TypeAliasType

# Named, so that the API's document can describe it: it holds itself.
Value = TypeAliasType(
    "Value", "str | int | float | bool | tuple[Value, ...] | Mapping[str, Value] | None"
)
"""What an OTLP AnyValue may hold; bytes come as base64 text."""
Attributes = Mapping[str, Value]
SpanStatus = Literal["unset", "ok", "error"]
SpanKind = Literal["internal", "server", "client", "producer", "consumer"]
TraceOutcome = Literal["ok", "error", "denied"]
MetricKind = Literal["gauge", "sum", "histogram"]
LogLevel = Literal["debug", "info", "warning", "error"]
LogSource = Literal["file", "otlp", "access"]
LOG_LEVELS: tuple[LogLevel, ...] = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class Run:
    """One life of the system, from `up` to `down`. `ended_at` is None for the present one."""

    number: int
    started_at: float
    ended_at: float | None = None


@dataclass(frozen=True, slots=True)
class TraceQuery:
    """Which traces. None matches everything; a trace matches if one of its spans does.

    `name` is a part of a span's name, `attributes` must be equal as text. The newest `limit` come
    first; `cursor` is where the page before ended.
    """

    since: float | None = None
    until: float | None = None
    service: str | None = None
    version: str | None = None
    outcome: TraceOutcome | None = None
    min_duration: float | None = None
    max_duration: float | None = None
    name: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    run: int | None = None
    limit: int = 50
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class TraceSummary:
    """A trace in a list. `name` and `service` are those of its first span."""

    trace_id: str
    service: str
    name: str
    started_at: float
    duration: float
    spans: int
    errors: int
    outcome: TraceOutcome
    services: tuple[str, ...]
    version: str = ""


@dataclass(frozen=True, slots=True)
class DurationBucket:
    """How many of the matching traces took up to `upper` seconds (and more than the one before)."""

    upper: float
    count: int
    errors: int


@dataclass(frozen=True, slots=True)
class TracePage:
    """Some traces, how the durations of the matching ones are distributed, and what comes next.

    A search by name or attribute looks at a bounded number of traces: then `searched_since` says
    how far back it came, and `cursor` goes on from there, also when the page is not full. It gives
    no durations. `durations_since` is set when only the traces since then were counted.
    """

    traces: tuple[TraceSummary, ...]
    durations: tuple[DurationBucket, ...]
    cursor: str | None = None
    searched_since: float | None = None
    durations_since: float | None = None


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """Something that happened within a span."""

    at: float
    name: str
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class SpanLink:
    """Another span that this one has to do with."""

    trace_id: str
    span_id: str


@dataclass(frozen=True, slots=True)
class Span:
    """One span as it was received. `parent_id` is empty for a root.

    `service`, `version` and `instance` come from its resource; `sidecar` says that an Envoy sent it
    for that service (or, with the service `gateway`, the gateway).
    """

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: SpanKind
    service: str
    version: str
    instance: str
    started_at: float
    duration: float
    status: SpanStatus
    message: str
    attributes: Attributes
    resource: Attributes
    scope: str = ""
    sidecar: bool = False
    events: tuple[SpanEvent, ...] = ()
    links: tuple[SpanLink, ...] = ()


@dataclass(frozen=True, slots=True)
class Trace:
    """A whole trace: its spans, parents before children, siblings by start.

    Of more than 20,000 spans only so many are given; `summary.spans` counts all of them.
    """

    summary: TraceSummary
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Which log records. `text` is a part of the text, any case; `level` the least severe.

    Without `after` the newest `limit` come; with it those whose id is greater, to follow; with
    `before` those whose id is smaller, to page back. Records are the oldest first. Those of Envoys'
    access logs come only with `access`; `source` asks for one source alone.
    """

    since: float | None = None
    until: float | None = None
    services: tuple[str, ...] = ()
    version: str | None = None
    level: LogLevel = "debug"
    text: str = ""
    trace_id: str = ""
    correlation_id: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    access: bool = False
    source: LogSource | None = None
    run: int | None = None
    after: int | None = None
    before: int | None = None
    limit: int = 200


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One line or OTLP log record. Ids grow in the order in which records were received.

    `source` is `file` (what a process wrote), `otlp`, or `access` (an Envoy's access log).
    """

    id: int
    at: float
    service: str
    instance: str
    version: str
    level: LogLevel
    text: str
    attributes: Attributes
    trace_id: str = ""
    span_id: str = ""
    source: LogSource = "file"


@dataclass(frozen=True, slots=True)
class LogPage:
    """Some records. `last` is the id to ask on from, also when nothing matched.

    A search looks at a bounded number of records: `searched` is the id that it came to when it had
    to stop before the page was full (ask on with `before`, or `after` when following), else None.
    """

    records: tuple[LogRecord, ...]
    last: int
    searched: int | None = None


@dataclass(frozen=True, slots=True)
class MetricSummary:
    """A metric that is stored. `attributes` are the keys that its series can be kept apart by."""

    name: str
    kind: MetricKind
    unit: str
    description: str
    services: tuple[str, ...]
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MetricQuery:
    """A metric over time, in steps of `step` seconds.

    `by` names attributes (or `service`, `version`, `instance`) to keep apart; all else is summed.
    """

    name: str
    since: float
    until: float
    step: float
    service: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    by: tuple[str, ...] = ()
    run: int | None = None


@dataclass(frozen=True, slots=True)
class MetricPoint:
    """A step. A monotonic sum gives its rate per second, a gauge its mean; a histogram its rate of
    observations and percentiles of what was observed in that step.
    """

    at: float
    value: float | None
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


@dataclass(frozen=True, slots=True)
class MetricSeries:
    """One combination of the attributes that were asked for."""

    labels: Mapping[str, str]
    points: tuple[MetricPoint, ...]


@dataclass(frozen=True, slots=True)
class Exemplar:
    """One observation, and the trace that it belongs to."""

    at: float
    value: float
    trace_id: str
    span_id: str


@dataclass(frozen=True, slots=True)
class MetricAnswer:
    """A metric over time, with a few exemplars."""

    summary: MetricSummary
    series: tuple[MetricSeries, ...]
    exemplars: tuple[Exemplar, ...] = ()


FINE_SECONDS = 2 * 86_400.0
COARSE_STEP = 300


@dataclass(frozen=True, slots=True)
class TrafficQuery:
    """Which requests, as the access logs of the receiving side tell: all, not a sample.

    With `step` the answer has one entry per step and edge, else one per edge; what is older than
    `FINE_SECONDS` is known in steps of `COARSE_STEP` only, and a shorter step becomes that one.
    `by` keeps apart what is named: `caller`, `version`, `intent`.
    """

    since: float
    until: float
    service: str | None = None
    caller: str | None = None
    version: str | None = None
    intent: str | None = None
    by: tuple[Literal["caller", "version", "intent"], ...] = ("caller", "version")
    step: float | None = None
    run: int | None = None


@dataclass(frozen=True, slots=True)
class Traffic:
    """Requests of a caller to a service: rate (per second over the time asked for, without what
    lies before the first run in it), errors, duration.

    `caller` is a service, a client, `gateway` or, for what came from outside, `public`. `errors`
    are answers with 5xx and none at all, `denied` those with 403 by mesh or policy. `retried` were
    sent more than once, `broken` refused by an open circuit. Percentiles are None without requests.
    """

    caller: str
    service: str
    version: str
    intent: str
    at: float
    requests: int
    errors: int
    denied: int
    rate: float
    p50: float | None
    p95: float | None
    p99: float | None
    retried: int = 0
    broken: int = 0


@dataclass(frozen=True, slots=True)
class BurnRate:
    """How fast the error budget is used over a window; 1 uses it up exactly at the window's end."""

    window: float
    rate: float


@dataclass(frozen=True, slots=True)
class SloStatus:
    """A service level objective now. `objective` is a share (0.999), `budget_left` 1 to below 0.

    `kind` is what is promised: `availability`, or that a share of answers is faster than
    `threshold`. `alert` is empty, `warning` (a ticket) or `critical` (wake someone), with `words`.
    """

    name: str
    service: str
    intent: str
    kind: Literal["availability", "latency"]
    objective: float
    threshold: float | None
    window: float
    requests: int
    bad: int
    budget_left: float
    burn: tuple[BurnRate, ...]
    alert: Literal["", "warning", "critical"] = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class TelemetryStatus:
    """How the receiver is. Counts are since it started; `shed` is what it had to refuse."""

    running: bool
    http: str
    grpc: str
    received: Mapping[str, int]
    shed: Mapping[str, int]
    forwarded: int
    forward_failed: int
    stored_bytes: int
    oldest_at: float | None
    runs: tuple[Run, ...]
    problem: str = ""


class Telemetry(Protocol):
    """The telemetry of one environment."""

    async def status(self) -> TelemetryStatus:
        """How receiver and store are."""
        ...

    async def traces(self, query: TraceQuery) -> TracePage:
        """Matching traces, the newest first."""
        ...

    async def trace(self, trace_id: str) -> Trace:
        """One trace; a unique prefix of its id will do. NotFound when there is none."""
        ...

    async def logs(self, query: LogQuery) -> LogPage:
        """Matching log records, the oldest first."""
        ...

    async def metrics(self, service: str | None = None) -> tuple[MetricSummary, ...]:
        """All metrics that are stored, by name."""
        ...

    async def metric(self, query: MetricQuery) -> MetricAnswer:
        """One metric over time; NotFound when none has that name."""
        ...

    async def traffic(self, query: TrafficQuery) -> tuple[Traffic, ...]:
        """Requests by edge."""
        ...

    async def slos(self) -> tuple[SloStatus, ...]:
        """Every objective of the app file, by name."""
        ...
