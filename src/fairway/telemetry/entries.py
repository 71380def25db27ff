"""What the receiver makes of log files and hands to the writer of the store. Data only.

`receiver/` builds both, `store/` writes them: `Writer.lines(...)` and `Writer.requests(...)`. OTLP
needs no such type: it goes to the writer as the bytes that came.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from fairway.telemetry.port import LogLevel, Value


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A line of a log file. `at` is Unix seconds; `instance` is `<service>.<version>.<replica>`.

    `source` is `file` for what a process wrote, `access` for a line of an Envoy's access log.
    """

    at: float
    service: str
    instance: str
    version: str
    level: LogLevel
    text: str
    attributes: Mapping[str, Value] = field(default_factory=dict)
    trace_id: str = ""
    span_id: str = ""
    source: Literal["file", "access"] = "file"


@dataclass(frozen=True, slots=True)
class RequestEntry:
    """A request, as the access log of whoever received it tells. `duration` is seconds.

    With `counted` False it adds nothing to requests and durations: the line of a caller's own
    Envoy, which alone knows of retries and open circuits, about a request that the callee's log
    counts as well.
    """

    at: float
    caller: str
    service: str
    version: str
    intent: str
    duration: float
    error: bool = False
    denied: bool = False
    retried: bool = False
    broken: bool = False
    counted: bool = True
    trace_id: str = ""
