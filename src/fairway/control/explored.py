"""What the console's pages on one service ask: its variables, and calls as any identity.

Frozen data of plain values, so `dataclasses.asdict` of it is its JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

PUBLIC = "public"
"""The identity of a call that comes from outside, unsigned, through the gateway."""


@dataclass(frozen=True, slots=True)
class Variable:
    """An environment variable as a service gets it. The value of a `secret` one is not given."""

    name: str
    value: str
    secret: bool = False


@dataclass(frozen=True, slots=True)
class ServiceVariables:
    """The environment of a service's version, by name; secrets masked."""

    service: str
    version: str
    variables: tuple[Variable, ...]


@dataclass(frozen=True, slots=True)
class OfferedIntent:
    """An intent as a service declares it."""

    name: str
    method: str
    path: str


@dataclass(frozen=True, slots=True)
class CallRequest:
    """A request to send as `identity`: a service, a client, or `PUBLIC`.

    `path` begins with `/` and may have a query. With an `intent`, `method` and `path` may be empty:
    they are what the intent declares. `body` is text.
    """

    identity: str
    service: str
    method: str = ""
    path: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    intent: str = ""


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """What came back. `body` is text, cut off when `truncated`; `url` says where it was sent."""

    status: int
    headers: Mapping[str, str]
    body: str
    seconds: float
    trace_id: str
    correlation_id: str
    url: str = ""
    truncated: bool = False
