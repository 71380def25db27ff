"""What the user declares about one service: how it runs, what it offers, whom it may call.

Every class is frozen, refuses unknown keys and accepts the short forms that people write
(`health: /health`, `intents: {reason: POST /reason}`, `calls: {axon: [reason]}`); after
validation only the long form exists, so readers never look at two shapes.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from fairway.model.values import Duration, InnerPath, Name, Size, UrlPath, VariableName

Kind = Literal["http", "grpc", "websocket", "worker", "job", "static", "function"]
Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

KINDS: tuple[str, ...] = get_args(Kind)
METHODS: tuple[str, ...] = get_args(Method)
SERVING_KINDS = frozenset({"http", "grpc", "websocket", "static", "function"})
"""Kinds that listen on a port; `worker` and `job` do not."""


class Declared(BaseModel):
    """Base of everything in the app file: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


class Health(Declared):
    """How to know that a replica works: an HTTP path answering 2xx, or only an open port."""

    path: UrlPath | None = None
    interval: Duration = 2.0
    timeout: Duration = 1.0
    healthy: int = Field(1, ge=1, description="successes in a row until a replica counts as up")
    unhealthy: int = Field(3, ge=1, description="failures in a row until it counts as down")
    start_timeout: Duration = 60.0


class Scale(Declared):
    """How many replicas, and by which load they grow; percentages of the declared resources."""

    min: int = Field(1, ge=0, le=1000)
    max: int = Field(1, ge=1, le=1000)
    cpu: int | None = Field(None, ge=1, le=100, description="target CPU use in percent")
    memory: int | None = Field(None, ge=1, le=100, description="target memory use in percent")
    requests: int | None = Field(None, ge=1, description="target requests a second per replica")


class Resources(Declared):
    """What one replica may use."""

    cpu: float = Field(0.25, gt=0, le=64, description="processor cores")
    memory: Size = 512 * 2**20


class Intent(Declared):
    """One thing that callers may ask of a service: an HTTP method and a path template.

    `path` may hold parameters, `/items/{id}`: each stands for one non-empty segment.
    `stream` marks bodies too large or long-lived to be hashed (uploads, gRPC, WebSocket).
    """

    method: Method
    path: UrlPath
    stream: bool = False


class Retries(Declared):
    """Retries with exponential backoff and jitter; `attempts` does not count the first try."""

    attempts: int = Field(2, ge=0, le=10)
    per_try_timeout: Duration | None = None
    backoff: Duration = 0.025
    max_backoff: Duration = 0.25


class CircuitBreaking(Declared):
    """When to stop asking: limits on what is under way, and ejection of a failing replica."""

    max_connections: int = Field(1024, ge=1)
    max_pending: int = Field(1024, ge=1)
    max_requests: int = Field(1024, ge=1)
    max_retries: int = Field(16, ge=1)
    consecutive_errors: int = Field(5, ge=1)
    ejection: Duration = 10.0


class Call(Declared):
    """The intents of another service that this one may ask for, and how patiently."""

    intents: tuple[Name, ...] = Field(min_length=1)
    timeout: Duration = 15.0
    retries: Retries = Retries()
    circuit_breaking: CircuitBreaking = CircuitBreaking()


class PublicRoute(Declared):
    """A path prefix (and optionally a host) that the gateway opens to everyone."""

    path: UrlPath = "/"
    host: str | None = Field(None, pattern=r"^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*$")


class Stop(Declared):
    """How a replica is asked to go: a signal, then a grace period, then SIGKILL."""

    grace: Duration = 10.0


_INTENT = re.compile(r"(?P<method>[A-Z]+) +(?P<path>/\S*)\Z")


def _expand_intent(value: object) -> object:
    if not isinstance(value, str):
        return value
    match = _INTENT.match(value)
    if match is None:
        raise ValueError("is not an intent; write a method and a path: POST /reason")
    return {"method": match["method"], "path": match["path"]}


def _expand_health(value: object) -> object:
    return {"path": value} if isinstance(value, str) else value


def _expand_call(value: object) -> object:
    return {"intents": value} if isinstance(value, list | tuple) else value


def _expand_public(value: object) -> object:
    routes = value if isinstance(value, list | tuple) else [value]
    return [{"path": route} if isinstance(route, str) else route for route in routes]


ShortIntent = Annotated[Intent, BeforeValidator(_expand_intent)]
ShortCall = Annotated[Call, BeforeValidator(_expand_call)]
Calls = dict[Name, ShortCall]
Scalar = Annotated[
    str,
    BeforeValidator(
        lambda v: (
            str(v).lower() if isinstance(v, bool) else str(v) if isinstance(v, int | float) else v
        )
    ),
    WithJsonSchema({"type": ["string", "number", "boolean"]}),
]
"""An environment variable's value: numbers and booleans are written as people mean them."""


class Service(Declared):
    """Something that runs: a process, container, function, static site, worker or job."""

    kind: Kind = "http"
    build: InnerPath | None = Field(None, description="the folder with source and Dockerfile")
    image: str | None = Field(None, min_length=1, description="a container image, instead of build")
    run: str | None = Field(
        None, min_length=1, description="how it starts where there is no container"
    )
    handler: str | None = Field(
        None, pattern=r"^[\w.]+:\w+$", description="function: module:callable"
    )
    root: InnerPath | None = Field(None, description="static: the folder that is served")
    port: int | None = Field(None, ge=1, le=65535, description="assigned when absent")
    protocol: Literal["http1", "http2"] | None = Field(None, description="spoken on its port")
    library: bool = Field(False, description="it uses fairway-runtime: signs, verifies, decides")
    health: Annotated[Health, BeforeValidator(_expand_health)] = Health()
    replicas: int | None = Field(None, ge=0, le=1000)
    scale: Scale | None = None
    resources: Resources = Resources()
    stop: Stop = Stop()
    env: dict[VariableName, Scalar] = {}
    secrets: tuple[VariableName, ...] = ()
    config: dict[str, Any] = {}
    intents: dict[Name, ShortIntent] = {}
    calls: Calls = {}
    public: Annotated[tuple[PublicRoute, ...], BeforeValidator(_expand_public)] = ()
    stores: tuple[Name, ...] = ()
    publishes: tuple[Name, ...] = ()
    subscribes: tuple[Name, ...] = ()
    watch: tuple[InnerPath, ...] = Field((), description="reload when these change; default: build")

    @property
    def serves(self) -> bool:
        """Whether it listens on a port."""
        return self.kind in SERVING_KINDS

    @property
    def speaks(self) -> Literal["http1", "http2"]:
        """The protocol on its own port: as declared, else HTTP/2 for gRPC, HTTP/1.1 for others."""
        return self.protocol or ("http2" if self.kind == "grpc" else "http1")

    @property
    def desired_replicas(self) -> int:
        """Replicas to start: `replicas`, else the lower bound of `scale`, else one."""
        if self.replicas is not None:
            return self.replicas
        return self.scale.min if self.scale else 1


class Client(Declared):
    """An identity that is not a service: a web client, a job elsewhere, a person."""

    calls: Calls = {}
