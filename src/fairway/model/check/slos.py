"""Objectives: each is about something that is measured, and says what is expected of it."""

from __future__ import annotations

from collections.abc import Iterator

from fairway.model.app import Slo
from fairway.model.check.subject import Finding, Subject
from fairway.model.names import did_you_mean


def check_slos(subject: Subject) -> Iterator[Finding]:
    """Service and intent exist, and at least one objective is given."""
    for name, slo in subject.app.slos.items():
        if slo.service not in subject.names("services"):
            yield Finding(
                ("slos", name, "service"),
                "unknown-service",
                f"the service '{slo.service}' is not declared",
                did_you_mean(slo.service, subject.names("services"), "declare it under services"),
            )
        else:
            yield from _measured(subject, name, slo)
        yield from _objective(subject, name, slo)


def _measured(subject: Subject, name: str, slo: Slo) -> Iterator[Finding]:
    service = subject.app.services.get(slo.service)
    if service is not None and not service.serves and subject.certain("services", slo.service):
        yield Finding(
            ("slos", name, "service"),
            "slo-not-measured",
            f"'{slo.service}' is a {service.kind}: it answers no requests that could be counted",
            "name a service that listens on a port",
        )
    elif slo.intent is not None:
        offered = subject.intents(slo.service)
        if offered is not None and slo.intent not in offered:
            yield Finding(
                ("slos", name, "intent"),
                "unknown-intent",
                f"the service '{slo.service}' has no intent '{slo.intent}'",
                did_you_mean(
                    slo.intent, offered, f"declare it under services.{slo.service}.intents"
                ),
            )


def _objective(subject: Subject, name: str, slo: Slo) -> Iterator[Finding]:
    path = ("slos", name)
    if slo.availability is None and slo.p95 is None and slo.p99 is None and subject.certain(*path):
        yield Finding(
            path,
            "slo-without-objective",
            f"the SLO '{name}' expects nothing",
            "add 'availability: 99.9', 'p95: 200ms' or 'p99: 500ms'",
            at_key=True,
        )
    if slo.p95 is not None and slo.p99 is not None and slo.p95 > slo.p99:
        yield Finding(
            (*path, "p99"),
            "slo-order",
            "the 99th percentile cannot be below the 95th",
            "make p99 at least p95",
        )
