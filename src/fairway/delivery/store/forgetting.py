"""What an environment need not remember for ever: its oldest deployments and events.

Generous, because a row is small and people ask about the past; bounded, because an environment that
is deployed to a hundred times a day has one too. Releases have a retention of their own.
"""

from __future__ import annotations

from fairway.storage.database import Connection, Database

DEPLOYMENTS = 1_000
"""How many are kept, with their orders, live numbers and hook results; what is not over always."""
EVENTS = 50_000

_OLD = (
    "SELECT id FROM deployments WHERE ended = 1 AND place <="
    " (SELECT COALESCE(MAX(place), 0) FROM deployments) - ? ORDER BY place"
)
_PARTS = ("commands", "looks", "hook_results")


def forget_old(
    database: Database, *, deployments: int = DEPLOYMENTS, events: int = EVENTS
) -> tuple[str, ...]:
    """Forget all but the newest; returns the ids of the deployments that are gone."""
    with database.writing() as connection:
        old = tuple(str(row[0]) for row in connection.execute(_OLD, (deployments,)))
        for deployment in old:
            _forget(connection, deployment)
        connection.execute(
            "DELETE FROM delivery_events WHERE id <="
            " (SELECT COALESCE(MAX(id), 0) FROM delivery_events) - ?",
            (events,),
        )
    return old


def _forget(connection: Connection, deployment: str) -> None:
    for table in _PARTS:
        connection.execute(f"DELETE FROM {table} WHERE deployment = ?", (deployment,))  # noqa: S608 - constants
    connection.execute("DELETE FROM deployments WHERE id = ?", (deployment,))
