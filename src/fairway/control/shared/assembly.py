"""Puts a shared control plane together on a database; `wiring` adds the targets."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from fairway.control.shared.environments import Ground
from fairway.control.shared.premises import Opening, Premises
from fairway.control.shared.server import SharedServer
from fairway.control.shared.store import ServerStore
from fairway.delivery.notify.sink import SecretOf
from fairway.governance.database import open_governance
from fairway.storage.database import Database
from fairway.storage.opening import namespace_of, open_database

_NAMESPACE = "fairway_server"
_SQLITE = "sqlite:///"


def assembled(
    place: str, premises_of: Callable[[Opening], Premises], secret_of: SecretOf
) -> SharedServer:
    """The server on the database at `place`; nothing happens before its `start`."""
    database = open_server(place)
    ground = Ground(
        store=ServerStore(database, time.time),
        journal=_beside(place, "engine") if _is_file(place) else place,
        database_of=lambda app, environment: _of_environment(place, app, environment),
        premises_of=premises_of,
        secret_of=secret_of,
        clock=time.time,
    )
    return SharedServer(database, ground)


def open_server(place: str) -> Database:
    """The database of the server itself, where its tokens are. Close it when done."""
    return open_governance(place, _NAMESPACE)


def _of_environment(place: str, app: str, environment: str) -> Database:
    """A namespace in PostgreSQL; with SQLite, where a file holds one environment, another file."""
    namespace = namespace_of(app, environment)
    if _is_file(place):
        return open_database(_beside(place, namespace))
    return open_database(place, namespace)


def _is_file(place: str) -> bool:
    return place.startswith(_SQLITE) or "://" not in place


def _beside(place: str, name: str) -> Path:
    path = Path(place.removeprefix(_SQLITE))
    return path.with_name(f"{path.stem}.{name}.db")
