"""A system's status in words: the table of `fairway status` and the closing lines of `up`."""

from __future__ import annotations

from typing import Any

from fairway.cli.output import Painter, duration, table

Status = dict[str, Any]
"""`SystemStatus` as the API sends it."""

_HEADERS = ("SERVICE", "STATE", "REPLICAS", "RESTARTS", "UPTIME", "RELEASE", "URL")
_REPLICA_HEADERS = ("REPLICA", "STATE", "PID", "PORT", "RESTARTS", "UPTIME", "DETAIL")
_ENVOY_HEADERS = ("ENVOY", "STATE", "PID", "DETAIL")


def headline(status: Status, paint: Painter) -> str:
    """App, environment, phase and what decides, in one line."""
    policies = f"policy set {status['policy_set']}" if status["policy_set"] is not None else ""
    facts = [
        f"environment {status['environment']}",
        f"release {short(status['release'])}" if status["release"] else "",
        policies,
    ]
    words = " · ".join(fact for fact in facts if fact)
    return f"{paint.bold(status['app'])} {paint.state(status['phase'])}  {paint.dim(words)}"


def services_table(status: Status, paint: Painter) -> str:
    """One line per service."""
    rows = [_service_row(service) for service in status["services"]]
    return table(_HEADERS, rows, paint, state=1)


def _service_row(service: Status) -> tuple[str, ...]:
    replicas = service["replicas"]
    up = sum(replica["state"] == "healthy" for replica in replicas)
    uptime = max((replica["uptime"] for replica in replicas), default=0.0)
    return (
        service["name"],
        service["state"],
        "-" if service["state"] == "done" else f"{up}/{service['desired']}",
        str(sum(replica["restarts"] for replica in replicas)),
        duration(uptime) if uptime else "-",
        short(service["release"]),
        " ".join(service["urls"]) or "-",
    )


def replicas_table(status: Status, paint: Painter) -> str:
    """One line per replica, with its process."""
    rows = [
        (
            f"{service['name']}.{replica['index']}",
            replica["state"],
            _or_dash(replica["pid"]),
            _or_dash(replica["port"]),
            str(replica["restarts"]),
            duration(replica["uptime"]) if replica["uptime"] else "-",
            replica["detail"] or "-",
        )
        for service in status["services"]
        for replica in service["replicas"]
    ]
    return table(_REPLICA_HEADERS, rows, paint, state=1)


def envoys_table(status: Status, paint: Painter) -> str:
    """One line per Envoy."""
    rows = [
        (
            envoy["name"],
            envoy["state"],
            _or_dash(envoy["pid"]),
            envoy["detail"] or "-",
        )
        for envoy in status["envoys"]
    ]
    return table(_ENVOY_HEADERS, rows, paint, state=1)


def warnings(status: Status, paint: Painter) -> list[str]:
    """What is worth knowing, and below it what a person should look at."""
    return [
        *(f"{paint.dim('note:')} {text}" for text in status.get("notes", ())),
        *(f"{paint.yellow('warning:')} {text}" for text in status["warnings"]),
    ]


def short(digest: str) -> str:
    """A content digest as people read it: the first eight digits, without the algorithm."""
    algorithm, separator, digits = digest.partition(":")
    return digits[:8] if separator else algorithm


def _or_dash(value: object) -> str:
    return "-" if value is None else str(value)
