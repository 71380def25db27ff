"""Who may call whom: every declared call must be one that can succeed."""

from __future__ import annotations

from collections.abc import Iterator

from fairway.model.check.subject import Finding, Subject, repeated
from fairway.model.names import did_you_mean
from fairway.model.places import Path
from fairway.model.services import Call, Calls


def check_calls(subject: Subject) -> Iterator[Finding]:
    """Callees and intents exist, the caller can sign, and the patience adds up."""
    for name, service in subject.app.services.items():
        path = ("services", name, "calls")
        yield from _calls(subject, name, service.calls, path)
        yield from _signing(subject, name, service.calls, path)
    for name, client in subject.app.clients.items():
        yield from _calls(subject, name, client.calls, ("clients", name, "calls"))


def _calls(subject: Subject, caller: str, calls: Calls, path: Path) -> Iterator[Finding]:
    for callee, call in calls.items():
        at = (*path, callee)
        if callee not in subject.names("services"):
            yield _unknown_callee(subject, callee, at)
        elif path[0] == "services" and callee == caller:
            yield Finding(
                at,
                "self-call",
                f"the service '{caller}' declares a call to itself",
                "remove it: inside a service, call the code directly",
                at_key=True,
            )
        else:
            yield from _intents(subject, callee, call, at)
        yield from repeated(call.intents, (*at, "intents"), "intent")
        yield from _patience(call, at)


def _unknown_callee(subject: Subject, callee: str, at: Path) -> Finding:
    if callee in subject.names("clients"):
        message, remedy = f"'{callee}' is a client, and clients offer nothing", "name a service"
    else:
        message = f"the service '{callee}' is not declared"
        remedy = did_you_mean(callee, subject.names("services"), "declare it under services")
    return Finding(at, "unknown-service", message, remedy, at_key=True)


def _intents(subject: Subject, callee: str, call: Call, at: Path) -> Iterator[Finding]:
    offered = subject.intents(callee)
    if offered is None:
        return
    for index, intent in enumerate(call.intents):
        if intent not in offered:
            yield Finding(
                (*at, "intents", index),
                "unknown-intent",
                f"the service '{callee}' has no intent '{intent}'",
                did_you_mean(intent, offered, f"declare it under services.{callee}.intents"),
            )


def _signing(subject: Subject, caller: str, calls: Calls, path: Path) -> Iterator[Finding]:
    """A library callee verifies signatures, which only a library caller can make."""
    if subject.app.services[caller].library or not subject.certain("services", caller):
        return
    for callee in calls:
        service = subject.app.services.get(callee)
        if service is not None and service.library and callee != caller:
            yield Finding(
                (*path, callee),
                "unsigned-call",
                f"'{callee}' verifies signatures (library: true), and '{caller}' does not sign",
                f"add 'library: true' to '{caller}' and use fairway-runtime there",
                at_key=True,
            )


def _patience(call: Call, at: Path) -> Iterator[Finding]:
    retries = call.retries
    if retries.per_try_timeout is not None and retries.per_try_timeout > call.timeout:
        yield Finding(
            (*at, "retries", "per_try_timeout"),
            "timeout-order",
            "one try may take longer than the whole call",
            "make per_try_timeout shorter than timeout",
        )
    if retries.backoff > retries.max_backoff:
        yield Finding(
            (*at, "retries", "backoff"),
            "timeout-order",
            "the first wait is longer than the longest wait",
            "make backoff at most max_backoff",
        )
