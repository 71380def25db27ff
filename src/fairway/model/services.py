"""What the user declares about one service: how it runs, what it offers, whom it may call.

Read by everything above the model. Every class is frozen, refuses unknown keys and accepts the
short forms that people write (`health: /health`, `intents: {reason: POST /reason}`,
`calls: {axon: [reason]}`, `public: /`); after validation only the long form exists, so readers
never look at two shapes. The descriptions appear in editors, by way of the JSON Schema.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from fairway.model.values import (
    NAME_PATTERN,
    URL_PATH_PATTERN,
    BaseUrl,
    Duration,
    Flag,
    Host,
    InnerPath,
    Misfit,
    Name,
    Number,
    Scalar,
    Size,
    SomeTime,
    TimeOfDay,
    UrlPath,
    VariableName,
    Weekday,
    Whole,
    Zone,
)

Kind = Literal["http", "grpc", "websocket", "worker", "job", "static", "function"]
Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

KINDS: tuple[str, ...] = get_args(Kind)
METHODS: tuple[str, ...] = get_args(Method)
SERVING_KINDS = frozenset({"http", "grpc", "websocket", "static", "function"})
"""Kinds that listen on a port; `worker` and `job` do not."""


class Declared(BaseModel):
    """Base of everything in the app file: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, serialize_by_alias=True)


class Health(Declared):
    """How to know that a replica works: an HTTP path answering 2xx, or only an open port."""

    path: UrlPath | None = Field(None, description="answers 2xx while the replica works")
    interval: SomeTime = Field(2.0, description="time between two checks")
    timeout: SomeTime = Field(1.0, description="how long one check may take")
    healthy: Whole = Field(1, ge=1, description="successes in a row until a replica counts as up")
    unhealthy: Whole = Field(3, ge=1, description="failures in a row until it counts as down")
    start_timeout: SomeTime = Field(60.0, description="how long the first success may take")


class Schedule(Declared):
    """Other bounds of a scale from a time of the day on, until the next entry says otherwise."""

    at: TimeOfDay = Field(description="from when on")
    days: tuple[Weekday, ...] = Field(
        ("mon", "tue", "wed", "thu", "fri", "sat", "sun"), min_length=1, description="on which days"
    )
    zone: Zone = Field("UTC", description="the time zone of the time")
    min: Whole = Field(ge=0, le=1000, description="replicas at least")
    max: Whole | None = Field(None, ge=1, le=1000, description="replicas at most; absent: as ever")


class Scale(Declared):
    """How many replicas, and by which load they grow; percentages of the declared resources."""

    min: Whole = Field(1, ge=0, le=1000, description="replicas at least")
    max: Whole = Field(1, ge=1, le=1000, description="replicas at most")
    cpu: Whole | None = Field(None, ge=1, le=100, description="target CPU use in percent")
    memory: Whole | None = Field(None, ge=1, le=100, description="target memory use in percent")
    requests: Whole | None = Field(
        None, ge=1, description="target requests a second for each replica"
    )
    queue: Whole | None = Field(
        None,
        ge=1,
        description="target events waiting for each replica, in the first topic it subscribes to",
    )
    schedule: tuple[Schedule, ...] = Field((), description="other bounds at certain times")


class Resources(Declared):
    """What one replica may use."""

    cpu: Number = Field(0.25, gt=0, le=64, description="processor cores")
    memory: Size = Field(512 * 2**20, description="main memory: 512Mi, 2Gi")


class Intent(Declared):
    """One thing that callers may ask of a service: an HTTP method and a path template.

    `path` may hold parameters, `/items/{id}`: each stands for one non-empty segment.
    `stream` marks bodies too large or long-lived to be hashed (uploads, gRPC, WebSocket).
    """

    method: Method = Field(description="the HTTP method, in capitals")
    path: UrlPath = Field(description="the path; {name} stands for one segment")
    stream: Flag = Field(False, description="the body is not hashed: uploads, gRPC, WebSocket")


class Retries(Declared):
    """Retries with exponential backoff and jitter; `attempts` does not count the first try."""

    attempts: Whole = Field(2, ge=0, le=10, description="retries after the first try")
    per_try_timeout: SomeTime | None = Field(None, description="how long one try may take")
    backoff: SomeTime = Field(0.025, description="the wait before the first retry; then doubled")
    max_backoff: SomeTime = Field(0.25, description="the longest wait between two tries")


class CircuitBreaking(Declared):
    """When to stop asking: limits on what is under way, and ejection of a failing replica."""

    max_connections: Whole = Field(1024, ge=1, description="open connections at once")
    max_pending: Whole = Field(1024, ge=1, description="requests waiting for a connection")
    max_requests: Whole = Field(1024, ge=1, description="requests under way at once")
    max_retries: Whole = Field(16, ge=1, description="retries under way at once")
    consecutive_errors: Whole = Field(5, ge=1, description="5xx in a row that eject a replica")
    ejection: SomeTime = Field(10.0, description="how long an ejected replica gets no request")


class Call(Declared):
    """The intents of another service that this one may ask for, and how patiently."""

    intents: tuple[Name, ...] = Field(min_length=1, description="what may be asked of the callee")
    timeout: SomeTime = Field(15.0, description="for the whole call, with all its retries")
    retries: Retries = Field(Retries(), description="when and how often to try again")
    circuit_breaking: CircuitBreaking = Field(
        CircuitBreaking(), description="when to stop asking a callee that fails"
    )


class PublicRoute(Declared):
    """A path prefix (and optionally a host) that the gateway opens to everyone."""

    path: UrlPath = Field("/", description="everything at and below this path")
    host: Host | None = Field(None, description="only requests for this host; absent: any host")
    legacy: BaseUrl | None = Field(
        None,
        description="what answers instead of the service for now; removing it shifts the route "
        "to the service by the environment's strategy",
    )


class Stop(Declared):
    """How a replica is asked to go: a signal, then a grace period, then SIGKILL."""

    grace: Duration = Field(10.0, description="time between SIGTERM and SIGKILL")


_INTENT = re.compile(r"(?P<method>[A-Z]+) +(?P<path>/\S*)\Z")


def expand_intent(value: object) -> object:
    """`POST /reason` as a mapping; anything but text is given back."""
    if not isinstance(value, str):
        return value
    match = _INTENT.match(value)
    if match is None:
        raise Misfit("is not an intent", "write a method in capitals and a path: POST /reason")
    return {"method": match["method"], "path": match["path"]}


def _expand_health(value: object) -> object:
    return {"path": value} if isinstance(value, str) else value


def _expand_call(value: object) -> object:
    return {"intents": value} if isinstance(value, list | tuple) else value


def _expand_public(value: object) -> object:
    return [value] if isinstance(value, str | Mapping) else value


def _expand_route(value: object) -> object:
    return {"path": value} if isinstance(value, str) else value


class Short:
    """Tells the JSON Schema that a short form may stand for the annotated type."""

    def __init__(self, **short: Any) -> None:
        self._short = short

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Either form; called by Pydantic."""
        return {"anyOf": [self._short, handler(core)]}


class OneOrMany:
    """Tells the JSON Schema that one item may stand for a list of one."""

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Either form; called by Pydantic."""
        many = handler(core)
        return {"anyOf": [many["items"], many]}


_PATH = {"type": "string", "pattern": URL_PATH_PATTERN}
_NAMES = {"type": "array", "items": {"type": "string", "pattern": NAME_PATTERN}, "minItems": 1}
_INTENT_SCHEMA = {
    "type": "string",
    "pattern": rf"^({'|'.join(METHODS)}) +/[^?#\s]*$",
    "examples": ["POST /reason"],
}

ShortIntent = Annotated[Intent, BeforeValidator(expand_intent), Short(**_INTENT_SCHEMA)]
ShortCall = Annotated[Call, BeforeValidator(_expand_call), Short(**_NAMES)]
ShortHealth = Annotated[Health, BeforeValidator(_expand_health), Short(**_PATH)]
ShortRoute = Annotated[PublicRoute, BeforeValidator(_expand_route), Short(**_PATH)]
ShortPublic = Annotated[tuple[ShortRoute, ...], BeforeValidator(_expand_public), OneOrMany()]
Calls = dict[Name, ShortCall]


class Service(Declared):
    """Something that runs: a process, container, function, static site, worker or job."""

    kind: Kind = Field("http", description="what it is, and so how it is started and reached")
    build: InnerPath | None = Field(None, description="the folder with source and Dockerfile")
    image: str | None = Field(None, min_length=1, description="a container image, instead of build")
    run: str | None = Field(
        None,
        min_length=1,
        description="how it starts where there is no container; listen on $PORT. "
        "Its variables are those of the running replica: nothing is filled in before",
    )
    handler: str | None = Field(
        None, pattern=r"^[\w.]+:\w+$", description="function: module:callable"
    )
    root: InnerPath | None = Field(None, description="static: the folder that is served")
    port: Whole | None = Field(None, ge=1, le=65535, description="assigned when absent")
    protocol: Literal["http1", "http2"] | None = Field(None, description="spoken on its port")
    library: Flag = Field(False, description="it uses fairway-runtime: signs, verifies, decides")
    health: ShortHealth = Field(Health(), description="a path, or how and how often it is checked")
    replicas: Whole | None = Field(None, ge=0, le=1000, description="a fixed number of replicas")
    scale: Scale | None = Field(None, description="the bounds between which replicas follow load")
    resources: Resources = Field(Resources(), description="what one replica may use")
    stop: Stop = Field(Stop(), description="how a replica is stopped")
    env: dict[VariableName, Scalar] = Field({}, description="its environment variables")
    secrets: tuple[VariableName, ...] = Field(
        (), description="names of the secrets it reads; values are set with `fairway secrets set`"
    )
    config: dict[str, Any] = Field({}, description="its own settings, given to it as a JSON file")
    intents: dict[Name, ShortIntent] = Field(
        {}, description="what callers may ask of it: name to 'METHOD /path'"
    )
    calls: Calls = Field({}, description="whom it may call, for which intents; nothing else")
    public: ShortPublic = Field((), description="paths that the gateway opens to everyone")
    stores: tuple[Name, ...] = Field((), description="the stores it uses")
    publishes: tuple[Name, ...] = Field((), description="topics it publishes to")
    subscribes: tuple[Name, ...] = Field((), description="topics it subscribes to")
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

    calls: Calls = Field({}, description="whom it may call, for which intents; nothing else")
