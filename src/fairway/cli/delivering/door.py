"""The way to the delivery of an environment: the control plane of this machine, or a server.

Every delivery command begins here. Nothing but `deploy` (`start`) starts anything: whoever only
asks is told that nothing runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from fairway.cli.client import ControlClient
from fairway.cli.delivering.servers import client_of, server_of, user_variables
from fairway.cli.desk import user
from fairway.cli.invocation import DEFAULT_ENVIRONMENT, Invocation
from fairway.cli.place import connect, reach, state_of, workspace_of
from fairway.cli.remote_delivery import RemoteDelivery
from fairway.delivery.port import Actor, Delivery

Start = Callable[[Invocation], ControlClient]
"""Starts the control plane of an environment on this machine."""


@dataclass(frozen=True, slots=True)
class Door:
    """An environment that answers. `server` is its address if it is a shared one, else empty."""

    delivery: Delivery
    client: ControlClient
    app: str
    environment: str
    server: str = ""

    @property
    def actor(self) -> Actor:
        """Who asks. Whoever answers knows it better: by the token."""
        return Actor(user(), "admin")


def open_door(invocation: Invocation, start: Start | None = None) -> Door:
    """The delivery of the environment that a command is about.

    Raises Unavailable when no control plane runs and none is to be started, Refused without a
    token for a server.
    """
    if invocation.environment != DEFAULT_ENVIRONMENT:
        workspace = workspace_of(invocation)
        url = server_of(workspace, invocation.environment, user_variables())
        if url is not None:
            return _shared(invocation, url, workspace.loaded.app.app)
    return _here(invocation, start)


def _shared(invocation: Invocation, url: str, app: str) -> Door:
    client = client_of(url, user_variables())
    delivery = RemoteDelivery(lambda: client, app, invocation.environment)
    return Door(delivery, client, app, invocation.environment, url)


def _here(invocation: Invocation, start: Start | None) -> Door:
    client = reach(state_of(invocation)) if start else connect(invocation)
    if client is None and start is not None:
        client = start(invocation)
    assert client is not None, "`connect` raises, `start` returns one"
    app = client.get("/api/v1/status")["app"]
    delivery = RemoteDelivery(partial(connect, invocation), app, invocation.environment)
    return Door(delivery, client, app, invocation.environment)
