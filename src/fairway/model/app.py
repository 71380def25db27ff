"""The app file as data: the one thing that everything else is derived from.

Read by every part above the model. An `App` from `load_app` is checked whole: names resolve, ports
and routes are unique, kinds and keys agree. Dumped as JSON it validates again to an equal App.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fairway.model.environments import Environment
from fairway.model.flags import FeatureFlag
from fairway.model.services import Client, Declared, Service
from fairway.model.values import InnerPath, Name, Number, Scalar, SomeTime, VariableName, Whole


class Schema(Declared):
    """The versions of a store's schema that this app works with: expand, then contract.

    `version` is the one that its migrations lead to. `oldest` is the oldest one whose programs
    still work beside it: raised when a migration takes away what those need (a contract step).
    """

    version: Whole = Field(ge=1, description="the schema that this app's migrations lead to")
    oldest: Whole = Field(
        0, ge=0, description="the oldest schema whose programs still work with it; absent: all"
    )


class Store(Declared):
    """A database, cache or bucket that services use."""

    kind: Literal["postgres", "valkey", "bucket", "dynamodb"] = Field(description="what it is")
    version: Scalar | None = Field(None, description="the major version, where it has one")
    schema_: Schema | None = Field(
        None, alias="schema", description="which schema the app is made for; says what can go back"
    )


class Topic(Declared):
    """A named stream of events that services publish and subscribe to."""

    retention: SomeTime = Field(7 * 86400.0, description="how long events are kept")
    partitions: Whole = Field(1, ge=1, le=1000, description="how many are consumed in parallel")


class Slo(Declared):
    """What users of a service may expect over a window, in percent and seconds."""

    service: Name = Field(description="the service whose answers are measured")
    intent: Name | None = Field(None, description="only this intent; absent: every request")
    availability: Number | None = Field(
        None, gt=0, lt=100, description="percent of requests that succeed"
    )
    p95: SomeTime | None = Field(None, description="95 % of answers are at least this fast")
    p99: SomeTime | None = Field(None, description="99 % of answers are at least this fast")
    window: SomeTime = Field(30 * 86400.0, description="the time over which it is counted")


class App(Declared):
    """A validated app file. Frozen; equal apps are equal values."""

    app: Name = Field(description="the app's name; part of every identity")
    services: dict[Name, Service] = Field(min_length=1, description="what runs, by name")
    clients: dict[Name, Client] = Field({}, description="callers that are not services, by name")
    policies: InnerPath | None = Field(
        None, description="the folder of *.cedar files; absent: the declared calls decide"
    )
    secrets: tuple[VariableName, ...] = Field(
        (), description="every secret of the app; if given, services may list only these"
    )
    stores: dict[Name, Store] = Field({}, description="databases, caches and buckets, by name")
    topics: dict[Name, Topic] = Field({}, description="streams of events, by name")
    flags: dict[Name, FeatureFlag] = Field({}, description="feature flags, by name")
    slos: dict[Name, Slo] = Field({}, description="service level objectives, by name")
    environments: dict[Name, Environment] = Field(
        {"local": Environment()}, description="the places where it is deployed, by name"
    )
