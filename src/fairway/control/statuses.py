"""What the supervisor and the Envoys say, in the words of the control plane's port. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fairway.control.port import EnvoyStatus, Level, ReplicaStatus, ServiceState
from fairway.targets.local import replica_status as local
from fairway.targets.local.mesh.status import EnvoyState
from fairway.targets.local.replica import State
from fairway.targets.local.runner import Event

_STATES: Mapping[State, ServiceState] = {
    State.PENDING: "starting",
    State.STARTING: "starting",
    State.HEALTHY: "healthy",
    State.UNHEALTHY: "degraded",
    State.BACKING_OFF: "backoff",
    State.STOPPING: "stopped",
    State.STOPPED: "stopped",
    State.COMPLETED: "done",
    State.FAILED: "failed",
}
_ENVOY_STATES: Mapping[str, ServiceState] = {
    "live": "healthy",
    "starting": "starting",
    "unreachable": "degraded",
    "down": "failed",
}
_WORST_FIRST: tuple[ServiceState, ...] = ("failed", "backoff", "degraded", "starting")
_LEVELS: Mapping[State, Level] = {
    State.UNHEALTHY: "warning",
    State.BACKING_OFF: "warning",
    State.FAILED: "error",
}


def replica_status(found: local.ReplicaStatus, now: float) -> ReplicaStatus:
    """One replica; `now` in seconds since the epoch."""
    return ReplicaStatus(
        index=found.replica,
        state=_STATES[found.state],
        pid=found.pid,
        port=found.port,
        restarts=found.restarts,
        uptime=now - found.started_at if found.started_at is not None else 0.0,
        detail=found.failure.what if found.failure else "",
        version=found.version,
    )


def overall(states: Iterable[ServiceState]) -> ServiceState:
    """The worst state counts, except that one good replica makes a broken service degraded."""
    found = list(states)
    if not found:
        return "stopped"
    worst = next((state for state in _WORST_FIRST if state in found), None)
    if worst is None:
        return found[0]
    return "degraded" if "healthy" in found and worst != "starting" else worst


def envoy_status(found: EnvoyState) -> EnvoyStatus:
    """One Envoy, with what is worth a look in words."""
    counters = found.counters
    detail = f"{counters.requests} requests, {counters.denied} denied, {counters.errors_5xx} 5xx"
    return EnvoyStatus(found.name, _ENVOY_STATES[found.state], found.pid, detail=detail)


def event_level(event: Event) -> Level:
    """How loud a replica's change of state is."""
    return _LEVELS.get(event.after, "info")


def event_words(event: Event) -> tuple[str, str, str]:
    """Kind, subject and message of a replica's change of state."""
    state = _STATES[event.after]
    words = event.failure.what if event.failure else event.detail
    text = f"{event.after.value.replace('_', ' ')}{f': {words}' if words else ''}"
    return f"service.{state}", event.label, text
