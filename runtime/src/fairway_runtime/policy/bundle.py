"""The policy bundle: everything that a service needs to decide, in one file.

The control plane writes it atomically; `BundleFile` in every replica notices a new one within
100 ms and keeps the last good one when the new one is broken. Frozen values; `digest` binds the
content, so a file that was cut or edited is refused, not half believed.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairway_runtime.intents import IntentRoute, covers

DeclaredCall = tuple[str, str, str, str]
"""`(kind, caller, callee, intent)`: `("Service", "orbit", "axon", "reason")`."""

PUBLIC = "public"
"""The name of the gateway's principal, `Gateway::"public"`: anonymous, over a public route."""


class InvalidBundle(ValueError):
    """A bundle that cannot be used; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class PublicPath:
    """A path prefix (by whole segments) that the gateway opens, on one host or on every host."""

    path: str
    host: str | None = None


@dataclass(frozen=True, slots=True)
class BundleService:
    """What the bundle says about one callee."""

    intents: Mapping[str, IntentRoute]
    public: tuple[PublicPath, ...] = ()
    health: str | None = None
    library: bool = False

    def opens(self, path: str) -> bool:
        """Whether a normalised path (or an intent's template) lies under a public route."""
        return any(covers(route.path, path) for route in self.public)


@dataclass(frozen=True, slots=True)
class PolicyBundle:
    """A version of all policies of an environment, with the calls that the app file declares."""

    version: int
    app: str
    environment: str
    policies: str
    services: Mapping[str, BundleService]
    clients: tuple[str, ...]
    calls: frozenset[DeclaredCall]

    @property
    def digest(self) -> str:
        """`sha256:<hex>` of the content, version included."""
        canonical = json.dumps(self._content(), sort_keys=True, separators=(",", ":"))
        return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()

    def declares(self, kind: str, caller: str, service: str, intent: str) -> bool:
        """Whether the app file lets this caller ask for the intent at all, policies aside."""
        if kind == "Gateway":
            return caller == PUBLIC and self._is_public(service, intent)
        return (kind, caller, service, intent) in self.calls

    def to_json(self) -> str:
        """The file's content; `from_json` reads it back to an equal value."""
        return json.dumps({**self._content(), "digest": self.digest}, indent=1, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> PolicyBundle:
        """Read a bundle; raises InvalidBundle, and nothing else, for anything malformed."""
        try:
            document = json.loads(text)
            bundle = _bundle(document)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise InvalidBundle(f"not a policy bundle: {error!r}") from error
        if document.get("digest", bundle.digest) != bundle.digest:
            raise InvalidBundle("the digest does not match the content: cut short or edited")
        return bundle

    def _is_public(self, service: str, intent: str) -> bool:
        callee = self.services.get(service)
        route = callee.intents.get(intent) if callee else None
        return callee is not None and route is not None and callee.opens(route.path)

    def _content(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "app": self.app,
            "environment": self.environment,
            "policies": self.policies,
            "services": {name: _service_json(each) for name, each in self.services.items()},
            "clients": list(self.clients),
            "calls": sorted(list(call) for call in self.calls),
        }


class BundleFile:
    """The newest good bundle of a file. One per process; cheap enough to ask for every request.

    `current()` looks at the file at most every `interval` seconds. `problem` says what was wrong
    with the newest content, or is None; `on_problem` hears each problem once.
    """

    def __init__(
        self,
        path: Path,
        *,
        interval: float = 0.1,
        clock: Callable[[], float] = time.monotonic,
        on_problem: Callable[[str], None] | None = None,
    ) -> None:
        self.path = path
        self.problem: str | None = None
        self._interval = interval
        self._clock = clock
        self._on_problem = on_problem
        self._looked = float("-inf")
        self._seen: tuple[int, int, int] | None = None
        self._good: PolicyBundle | None = None

    def current(self) -> PolicyBundle:
        """The newest good bundle; raises InvalidBundle while there never was one."""
        now = self._clock()
        if now - self._looked >= self._interval:
            self._looked = now
            self._look()
        if self._good is None:
            raise InvalidBundle(self.problem or f"no policy bundle at {self.path}")
        return self._good

    def _look(self) -> None:
        try:
            stat = os.stat(self.path)  # noqa: PTH116 - half the cost of Path.stat, on a hot path
            seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if seen == self._seen:
                return
            text = self.path.read_text(encoding="utf-8")
            self._seen = seen
            self._good = PolicyBundle.from_json(text)
            self.problem = None
        except (OSError, ValueError) as error:
            self.report(f"policy bundle {self.path}: {error}")

    def report(self, problem: str) -> None:
        """Remember what is wrong with the newest content, and tell `on_problem` once."""
        if problem != self.problem:
            self.problem = problem
            if self._on_problem is not None:
                self._on_problem(problem)


def _bundle(document: Mapping[str, Any]) -> PolicyBundle:
    return PolicyBundle(
        version=int(document["version"]),
        app=str(document["app"]),
        environment=str(document["environment"]),
        policies=str(document["policies"]),
        services={name: _service(each) for name, each in document["services"].items()},
        clients=tuple(str(name) for name in document["clients"]),
        calls=frozenset(_call(each) for each in document["calls"]),
    )


def _call(parts: list[str]) -> DeclaredCall:
    kind, caller, callee, intent = parts
    return str(kind), str(caller), str(callee), str(intent)


def _service(document: Mapping[str, Any]) -> BundleService:
    return BundleService(
        intents={
            name: IntentRoute(name, each["method"], each["path"], bool(each.get("stream", False)))
            for name, each in document["intents"].items()
        },
        public=tuple(
            PublicPath(each["path"], each.get("host")) for each in document.get("public", [])
        ),
        health=document.get("health"),
        library=bool(document.get("library", False)),
    )


def _service_json(service: BundleService) -> dict[str, Any]:
    return {
        "intents": {
            name: {"method": route.method, "path": route.path, "stream": route.stream}
            for name, route in service.intents.items()
        },
        "public": [{"path": route.path, "host": route.host} for route in service.public],
        "health": service.health,
        "library": service.library,
    }
