"""Secrets: each is read by a program, listed once, and not also in plain sight."""

from __future__ import annotations

from collections.abc import Iterator

from fairway.model.check.subject import Finding, Subject, repeated
from fairway.model.names import did_you_mean
from fairway.model.places import Path
from fairway.model.services import Service

_RESERVED = frozenset({"PORT", "HOST"})
_TUNABLE = frozenset(
    f"FAIRWAY_{name}"
    for name in (
        "AUDIT_ALLOWED", "AUDIT_ALLOWED_RATE", "BODY_LIMIT", "DRAIN_DELAY", "DRAIN_TIMEOUT",
        "HEALTH", "LOG_FORMAT", "LOG_LEVEL", "METRICS", "REPLAY_ENTRIES", "SECRETS_AWS_PREFIX",
        "SECRETS_REFRESH",
    )
)  # fmt: skip
"""Settings of the runtime library that are the user's to choose; Fairway sets the others."""


def check_secrets(subject: Subject) -> Iterator[Finding]:
    """Nobody's secrets, secrets listed twice, and variables that Fairway itself sets."""
    for name, service in subject.app.services.items():
        yield from _of_service(subject, name, service)
        yield from _reserved(name, service)
    yield from repeated(subject.app.secrets, ("secrets",), "secret")
    yield from _read_by_nobody(subject)


def _of_service(subject: Subject, name: str, service: Service) -> Iterator[Finding]:
    path: Path = ("services", name, "secrets")
    yield from repeated(service.secrets, path, "secret")
    if service.kind == "static" and service.secrets and subject.certain("services", name, "kind"):
        yield Finding(
            path,
            "unread-secret",
            f"nobody reads the secrets of '{name}': a static site has no program",
            "remove them here, and list them at the service that reads them",
            at_key=True,
        )
    declared = subject.app.secrets
    for index, secret in enumerate(service.secrets):
        if secret in service.env:
            yield Finding(
                ("services", name, "env", secret),
                "secret-in-env",
                f"'{secret}' is a secret of '{name}' and stands in its env in plain sight",
                f"remove it from env and set it with 'fairway secrets set {secret}'",
                at_key=True,
            )
        if declared and secret not in declared:
            yield Finding(
                (*path, index),
                "unknown-secret",
                f"the secret '{secret}' is not in the app's list of secrets",
                did_you_mean(secret, declared, "add it to 'secrets:' at the top"),
            )


def _read_by_nobody(subject: Subject) -> Iterator[Finding]:
    if subject.environment is not None or not subject.certain("services"):
        return
    read = {secret for service in subject.app.services.values() for secret in service.secrets}
    for environment in subject.app.environments.values():
        read |= {s for n in environment.notify for s in (n.secret, n.slack) if s is not None}
        for override in environment.overrides.values():
            listed = override.get("secrets")
            read.update(s for s in listed if isinstance(s, str)) if isinstance(
                listed, list
            ) else None
    for index, secret in enumerate(subject.app.secrets):
        if secret not in read:
            yield Finding(
                ("secrets", index),
                "unread-secret",
                f"nobody reads the secret '{secret}'",
                "remove it, or list it under the 'secrets' of the service that reads it",
            )


def _reserved(name: str, service: Service) -> Iterator[Finding]:
    urls = {f"{callee.upper().replace('-', '_')}_URL" for callee in service.calls}
    for key, names in (("env", tuple(service.env)), ("secrets", service.secrets)):
        for index, variable in enumerate(names):
            fairways_own = variable.startswith("FAIRWAY_") and variable not in _TUNABLE
            if variable in _RESERVED | urls or fairways_own:
                yield Finding(
                    ("services", name, key, variable if key == "env" else index),
                    "reserved-variable",
                    f"Fairway itself sets the variable '{variable}' of '{name}'",
                    "choose another name, or read the value that Fairway gives",
                    at_key=key == "env",
                )
