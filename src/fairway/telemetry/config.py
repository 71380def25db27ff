"""What the receiver is told: where it listens, what it reads and writes, what the services are.

The target writes it as `receiver.json` before it starts the receiver, and again when something
changes; the receiver looks at the file once a second (`receiver/main.py`) and takes over what may
change while it runs: everything but addresses, folders and the run. Reading a file of an older or
newer release never fails over unknown or missing keys: what is unknown is left out, what is missing
has a default, except for what nothing could be done without.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Self

from fairway.errors import InvalidInput

HTTP_SOCKET: Final = "FAIRWAY_RECEIVER_HTTP_FD"
"""The variable that names an inherited, listening socket for OTLP over HTTP.

Whoever starts the receiver binds it first: connections then wait until the receiver is up. It is
used only when it is bound to the configured port; else the receiver binds itself. For gRPC there is
none: its library can only bind for itself, and its clients try again by themselves.
"""
HTTP_PORT: Final = 4318
GRPC_PORT: Final = 4317
_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Retention:
    """How long what is kept. Times are seconds, `size` bytes, `rate` percent.

    Everything within `full`; then traces with an error or a denial, those slower than `slow`
    (None: slower than most of their kind), and `rate` percent of the rest, up to `sampled`. When
    the store is larger than `size`, the oldest goes first.
    """

    full: float = _DAY
    sampled: float = 30 * _DAY
    size: int = 2 * 2**30
    rate: float = 10.0
    slow: float | None = None


@dataclass(frozen=True, slots=True)
class IntentPath:
    """An intent as requests show it: a method, and a path in which `{name}` is one segment."""

    name: str
    method: str
    path: str


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """What the receiver has to know of a service to understand its access log.

    `library` says that the service uses the runtime library, whose refusals are marked as such.
    """

    intents: tuple[IntentPath, ...] = ()
    library: bool = False


@dataclass(frozen=True, slots=True)
class Objective:
    """A service level objective of the app file. `availability` is in percent, times in seconds."""

    name: str
    service: str
    intent: str | None = None
    availability: float | None = None
    p95: float | None = None
    p99: float | None = None
    window: float = 30 * _DAY


@dataclass(frozen=True, slots=True)
class ReceiverConfig:
    """Everything that the receiver of one environment is told.

    `forward` is the base URL of an OTLP/HTTP endpoint (`/v1/traces` is added), `logs` the folder
    with the log files of replicas and Envoys, `ledger` the file that lists running processes.
    """

    app: str
    environment: str
    http: Address
    grpc: Address
    store: Path
    logs: Path
    ledger: Path
    run: int
    started_at: float
    retention: Retention = field(default_factory=Retention)
    forward: str | None = None
    services: Mapping[str, ServiceFacts] = field(default_factory=dict)
    slos: tuple[Objective, ...] = ()

    @property
    def status(self) -> Path:
        """Where the receiver says every second how it is."""
        return self.store / "status.json"

    @property
    def segments(self) -> Path:
        """The files that hold spans, logs and metrics."""
        return self.store / "segments"

    def to_json(self) -> str:
        """As the text of a file."""
        content = asdict(self) | {name: str(getattr(self, name)) for name in _PATHS}
        return json.dumps(content, indent=1)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """What `to_json` gave; InvalidInput when it is none."""
        try:
            return cls(**_arguments(json.loads(text)))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InvalidInput(
                "receiver-config-damaged",
                f"this is no configuration of a telemetry receiver: {error!r}",
                remedy="run fairway up again: it writes a new one",
            ) from error


_PATHS = ("store", "logs", "ledger")


def _arguments(content: Mapping[str, Any]) -> dict[str, Any]:
    found = _known(ReceiverConfig, content)
    found |= {name: Path(found[name]) for name in _PATHS}
    found |= {name: Address(**_known(Address, found[name])) for name in ("http", "grpc")}
    found["retention"] = Retention(**_known(Retention, found.get("retention", {})))
    services = found.get("services", {})
    found["services"] = {name: _service(facts) for name, facts in services.items()}
    found["slos"] = tuple(Objective(**_known(Objective, slo)) for slo in found.get("slos", ()))
    return found


def _service(content: Mapping[str, Any]) -> ServiceFacts:
    intents = (IntentPath(**_known(IntentPath, intent)) for intent in content.get("intents", ()))
    return ServiceFacts(tuple(intents), bool(content.get("library", False)))


def _known(kind: Any, content: Mapping[str, Any]) -> dict[str, Any]:
    """Only the entries that are fields of a dataclass."""
    return {entry.name: content[entry.name] for entry in fields(kind) if entry.name in content}
