"""What a service of each kind needs, and what would have no effect on it."""

from __future__ import annotations

from collections.abc import Iterator

from fairway.model.check.subject import Finding, Subject
from fairway.model.services import Service

_NOT_FOR: dict[str, dict[str, str]] = {
    "worker": dict.fromkeys(("intents", "public", "port", "protocol"), "it listens on no port"),
    "job": {
        **dict.fromkeys(("intents", "public", "port", "protocol"), "it listens on no port"),
        **dict.fromkeys(("scale", "replicas"), "it runs once, to its end"),
    },
    "static": {
        **dict.fromkeys(("run", "handler", "image"), "Fairway itself serves its files"),
        **dict.fromkeys(("calls", "publishes", "subscribes", "stores"), "it has no program"),
        **dict.fromkeys(("library", "env", "config"), "it has no program"),
    },
}
"""Keys that have no effect on a kind, with the reason. Secrets: see `secrets`."""

_ONLY_FOR = {"root": "static", "handler": "function"}


def check_kinds(subject: Subject) -> Iterator[Finding]:
    """Keys and kind of each service agree."""
    for name, service in subject.app.services.items():
        if subject.certain("services", name, "kind"):
            yield from _keys_without_effect(name, service)
        if subject.certain("services", name):
            yield from _what_it_needs(name, service)
        yield from _scale(subject, name, service)
        yield from _protocol(name, service)


def _keys_without_effect(name: str, service: Service) -> Iterator[Finding]:
    reasons = dict(_NOT_FOR.get(service.kind, {}))
    for key, kind in _ONLY_FOR.items():
        if service.kind != kind:
            reasons.setdefault(key, f"'{key}' belongs to the kind '{kind}'")
    for key, reason in reasons.items():
        if key in service.model_fields_set and getattr(service, key) not in (None, False):
            yield Finding(
                ("services", name, key),
                "wrong-for-kind",
                f"'{key}' has no effect on '{name}', a service of kind '{service.kind}': {reason}",
                f"remove '{key}', or choose another kind",
                at_key=True,
            )
    if not service.serves and service.health.path is not None:
        yield Finding(
            ("services", name, "health", "path"),
            "wrong-for-kind",
            f"'{name}' listens on no port (kind '{service.kind}'), so no health path can answer",
            "remove the path: it counts as healthy while it runs",
        )


def _what_it_needs(name: str, service: Service) -> Iterator[Finding]:
    path = ("services", name)
    if service.build is not None and service.image is not None:
        yield Finding(
            (*path, "image"),
            "build-and-image",
            f"'{name}' has both a folder to build and a finished image",
            "keep one of build and image",
            at_key=True,
        )
    needed = _missing(service)
    if needed is not None:
        message, remedy = needed
        yield Finding(path, "cannot-start", f"'{name}' {message}", remedy, at_key=True)
    if service.kind == "http" and service.health.path is None:
        yield Finding(
            path,
            "no-health-path",
            f"'{name}' has no health path: it counts as healthy as soon as its port is open",
            "add 'health: /health', a path that answers 2xx while the service works",
            at_key=True,
            warning=True,
        )


def _missing(service: Service) -> tuple[str, str] | None:
    """What is missing before it can start anywhere, and the remedy."""
    starts = service.run or service.image or service.build
    match service.kind:
        case "static" if service.root is None:
            return "is static and has no folder to serve", "add 'root: public'"
        case "function" if not (service.handler or starts):
            return "is a function without a handler", "add 'handler: module:callable'"
        case "http" | "grpc" | "websocket" | "worker" | "job" if not starts:
            return "has nothing to start", "add 'run: <command>', 'build: <folder>' or 'image:'"
        case _:
            return None


def _scale(subject: Subject, name: str, service: Service) -> Iterator[Finding]:
    scale, path = service.scale, ("services", name, "scale")
    if scale is None or not subject.certain(*path):
        return
    if scale.min > scale.max:
        yield Finding(
            (*path, "min"),
            "scale-order",
            f"'{name}' scales to at least {scale.min} and at most {scale.max} replicas",
            "make min at most max",
        )
    elif scale.min < scale.max and not (
        scale.cpu or scale.memory or scale.requests or scale.queue or scale.schedule
    ):
        yield Finding(
            path,
            "no-scale-measure",
            f"'{name}' has bounds to scale between and nothing to scale by",
            "add a target such as 'cpu: 60'",
            at_key=True,
            warning=True,
        )
    if service.replicas is not None and subject.environment is None:
        yield Finding(
            path,
            "scale-unused",
            f"'{name}' has a fixed number of replicas, so 'scale' has no effect",
            "keep one of replicas and scale",
            at_key=True,
            warning=True,
        )


def _protocol(name: str, service: Service) -> Iterator[Finding]:
    wrong = {
        ("grpc", "http1"): "gRPC needs HTTP/2",
        ("websocket", "http2"): "WebSocket is HTTP/1.1",
    }
    reason = wrong.get((service.kind, service.protocol or ""))
    if reason:
        yield Finding(
            ("services", name, "protocol"),
            "wrong-protocol",
            f"'{name}' is of kind '{service.kind}' and speaks {service.protocol}: {reason}",
            "remove 'protocol': the kind decides",
        )
