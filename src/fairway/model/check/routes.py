"""Paths: what the gateway opens, and which request belongs to which intent."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fairway.model.check.subject import Finding, Subject
from fairway.model.places import Path
from fairway.model.services import Intent, Service

_PARAMETER = re.compile(r"\{[A-Za-z_][A-Za-z0-9_]*\}\Z")


def check_routes(subject: Subject) -> Iterator[Finding]:
    """No request could belong to two public routes or to two intents of a service."""
    yield from _public(subject)
    for name, service in subject.app.services.items():
        path = ("services", name, "intents")
        for intent_name, intent in service.intents.items():
            yield from _template(intent.path, (*path, intent_name, "path"))
            yield from _fits_kind(service, intent_name, intent, (*path, intent_name))
        yield from _overlaps(service, path)


def _public(subject: Subject) -> Iterator[Finding]:
    taken: dict[tuple[str | None, str], str] = {}
    for name, service in subject.app.services.items():
        for index, route in enumerate(service.public):
            at = ("services", name, "public", index, "path")
            if "{" in route.path:
                yield Finding(
                    at,
                    "public-template",
                    f"the public path '{route.path}' has a parameter",
                    "name the part before the first parameter: everything below it is public too",
                )
            place = (route.host, route.path.rstrip("/") or "/")
            if place in taken:
                where = f"{route.host or ''}{route.path}"
                yield Finding(
                    at,
                    "duplicate-route",
                    f"the public route '{where}' already leads to '{taken[place]}'",
                    "choose another path, or give one of them a host",
                )
            taken.setdefault(place, name)


def _template(path: str, at: Path) -> Iterator[Finding]:
    segments = path.split("/")[1:]
    parameters = [segment for segment in segments if "{" in segment or "}" in segment]
    wrong = [segment for segment in parameters if not _PARAMETER.match(segment)]
    if wrong:
        yield Finding(
            at,
            "path-template",
            f"'{wrong[0]}' is not a parameter",
            "a parameter is a whole segment with a name in braces: /items/{id}",
        )
    elif len(set(parameters)) < len(parameters):
        yield Finding(
            at, "path-template", f"'{path}' has a parameter twice", "give each its own name"
        )
    if "" in segments[:-1] or "." in segments or ".." in segments:
        yield Finding(
            at,
            "path-template",
            f"no request can have the path '{path}': it is shortened before it is matched",
            "leave out empty segments, '.' and '..'",
        )


def _fits_kind(service: Service, name: str, intent: Intent, at: Path) -> Iterator[Finding]:
    method = {"grpc": "POST", "websocket": "GET"}.get(service.kind)
    if method is None:
        return
    if intent.method != method:
        yield Finding(
            (*at, "method"),
            "wrong-for-kind",
            f"the intent '{name}' of a {service.kind} service is {intent.method}",
            f"write {method}: every {service.kind} call begins so",
        )
    if service.library and not intent.stream:
        yield Finding(
            at,
            "not-a-stream",
            f"the intent '{name}' of a {service.kind} service has a body that cannot be hashed",
            f"mark it: {{method: {method}, path: {intent.path}, stream: true}}",
            at_key=True,
        )


def _overlaps(service: Service, path: Path) -> Iterator[Finding]:
    """Intents of one method whose templates have the same shape."""
    seen: dict[tuple[str, str], str] = {}
    for name, intent in service.intents.items():
        shape = (intent.method, re.sub(r"\{[^/]*\}", "{}", intent.path))
        if shape in seen:
            yield Finding(
                (*path, name),
                "duplicate-intent",
                f"the intents '{seen[shape]}' and '{name}' are both {intent.method} {intent.path}",
                "give one another method or path: a request belongs to one intent",
                at_key=True,
            )
        seen.setdefault(shape, name)
