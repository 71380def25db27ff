"""The app file as data: the one thing that everything else is derived from."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fairway.model.environments import Environment
from fairway.model.services import Client, Declared, Service
from fairway.model.values import Duration, InnerPath, Name


class Store(Declared):
    """A database, cache or bucket that services use."""

    kind: Literal["postgres", "valkey", "bucket", "dynamodb"]
    version: str | None = None


class Topic(Declared):
    """A named stream of events that services publish and subscribe to."""

    retention: Duration = 7 * 86400.0
    partitions: int = Field(1, ge=1, le=1000)


class Slo(Declared):
    """What users of a service may expect over a window, in percent and seconds."""

    service: Name
    intent: Name | None = None
    availability: float | None = Field(None, gt=0, lt=100)
    p95: Duration | None = None
    p99: Duration | None = None
    window: Duration = 30 * 86400.0


class App(Declared):
    """A validated app file. Frozen; equal apps are equal values."""

    app: Name
    services: dict[Name, Service] = Field(min_length=1)
    clients: dict[Name, Client] = {}
    policies: InnerPath | None = Field(None, description="folder of *.cedar; absent: calls decide")
    stores: dict[Name, Store] = {}
    topics: dict[Name, Topic] = {}
    slos: dict[Name, Slo] = {}
    environments: dict[Name, Environment] = {"local": Environment()}
