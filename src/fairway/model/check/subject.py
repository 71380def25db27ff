"""What the checks look at and what they give back.

`Subject` is an app of which invalid pieces may have been cut out; `Finding` names a path in the
model, and the loader finds its place in the user's files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fairway.model.app import App
from fairway.model.names import did_you_mean
from fairway.model.places import Path


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not hold together. `at_key`: the key is meant, not its value."""

    path: Path
    code: str
    message: str
    remedy: str
    at_key: bool = False
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """An app with what was written (`written`: plain data) and what was cut out (`doubtful`).

    `environment` is set when this is the view of one environment.
    """

    app: App
    written: Mapping[str, Any]
    doubtful: frozenset[Path] = frozenset()
    environment: str | None = None

    def names(self, key: str) -> frozenset[str]:
        """The names declared under a top-level key, whether their content is valid or not."""
        return _keys(self.written.get(key))

    def intents(self, service: str) -> frozenset[str] | None:
        """The names of a service's intents, valid or not; None where they cannot be told."""
        services = self.written.get("services")
        declared = services.get(service) if isinstance(services, Mapping) else None
        if not isinstance(declared, Mapping):
            return None
        intents = declared.get("intents", {})
        return _keys(intents) if isinstance(intents, Mapping) else None

    def certain(self, *path: str | int) -> bool:
        """Whether nothing at, above or below `path` was cut out: what is absent is not declared."""
        return not any(cut[: len(path)] == path or path[: len(cut)] == cut for cut in self.doubtful)


def repeated(values: tuple[str, ...], path: Path, what: str) -> Iterator[Finding]:
    """A finding for every value that stands in a list a second time."""
    seen: set[str] = set()
    for index, value in enumerate(values):
        if value in seen:
            yield Finding(
                (*path, index),
                "listed-twice",
                f"the {what} '{value}' is listed twice",
                "remove one",
            )
        seen.add(value)


def unknown_service(
    name: str, known: frozenset[str], path: Path, *, at_key: bool = False
) -> Finding:
    """A finding about a service that is named and not declared."""
    return Finding(
        path,
        "unknown-service",
        f"the service '{name}' is not declared",
        did_you_mean(name, known, "declare it under services"),
        at_key=at_key,
    )


def _keys(value: object) -> frozenset[str]:
    return frozenset(value) if isinstance(value, Mapping) else frozenset()
