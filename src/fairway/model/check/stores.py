"""Stores and topics: what is used is declared and what is declared is used; schemas in order."""

from __future__ import annotations

from collections.abc import Iterator

from fairway.model.check.subject import Finding, Subject, repeated
from fairway.model.names import did_you_mean

_USES = (("stores", "stores"), ("publishes", "topics"), ("subscribes", "topics"))
"""Keys of a service, and the top-level key whose names they hold."""


def check_stores(subject: Subject) -> Iterator[Finding]:
    """Every use names a declaration, every declaration has a use, schemas are in order."""
    for name, service in subject.app.services.items():
        for key, declared in _USES:
            used: tuple[str, ...] = getattr(service, key)
            path = ("services", name, key)
            yield from repeated(used, path, declared.removesuffix("s"))
            known = subject.names(declared)
            for index, item in enumerate(used):
                if item not in known:
                    what = declared.removesuffix("s")
                    yield Finding(
                        (*path, index),
                        f"unknown-{what}",
                        f"the {what} '{item}' is not declared",
                        did_you_mean(item, known, f"declare it under {declared}"),
                    )
    yield from _unused(subject)
    yield from _schemas(subject)


def _schemas(subject: Subject) -> Iterator[Finding]:
    for name, store in subject.app.stores.items():
        schema = store.schema_
        if schema is not None and schema.oldest > schema.version:
            yield Finding(
                ("stores", name, "schema", "oldest"),
                "schema-order",
                f"the oldest schema that '{name}' works with, {schema.oldest}, is newer than its "
                f"own, {schema.version}",
                "make oldest at most version",
            )


def _unused(subject: Subject) -> Iterator[Finding]:
    if subject.environment is not None or not subject.certain("services"):
        return
    services = subject.app.services.values()
    used = {
        declared: {n for s in services for k, d in _USES if d == declared for n in getattr(s, k)}
        for declared in ("stores", "topics")
    }
    for declared, names in used.items():
        for name in sorted(subject.names(declared) - names):
            what = declared.removesuffix("s")
            yield Finding(
                (declared, name),
                f"unused-{what}",
                f"no service uses the {what} '{name}'",
                "remove it, or list it at the service that uses it",
                at_key=True,
                warning=True,
            )
