"""What should run here, kept on disk: the versions of every service and who gets which requests.

`LocalTarget` changes it before it acts, `LocalSystem` reads it when it starts, so that a control
plane that died is continued by the next one. While there is no such file, the working tree runs:
`working_tree` says the same of that.

Values are frozen; every change makes a new one. The file is replaced atomically, 0600.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from fairway.errors import InvalidInput
from fairway.model.app import App
from fairway.model.services import Service
from fairway.plan.observed import WORKING_TREE
from fairway.plan.release import Json, Release
from fairway.targets.contract import Routing, Split
from fairway.targets.local.layout import write_private

Key = tuple[str, str]
"""A service and the name of one of its versions."""


@dataclass(frozen=True, slots=True)
class DesiredVersion:
    """One version of a service: how it is declared, from which snapshot, how often, how much.

    `artifact` is empty for the working tree. `otlp` is the telemetry endpoint of its release: a
    process keeps what it was started with, also when a later release says something else.
    """

    name: str
    declared: Json
    artifact: str
    digest: str
    replicas: int
    weight: int = 0
    otlp: str | None = None

    @property
    def service(self) -> Service:
        """Its declaration."""
        return Service.model_validate(self.declared)


@dataclass(frozen=True, slots=True)
class SettledVersion:
    """What a deployment has left behind of a service: the measure of drift."""

    service: str
    version: str
    digest: str
    replicas: int


@dataclass(frozen=True, slots=True)
class ReleasedApp:
    """The app of one release (0: the working tree), as JSON."""

    release: int
    app: Json


@dataclass(frozen=True, slots=True)
class Desired:
    """Everything that should be here.

    `release`, `policy_set` and `settled` are what was settled last. `apps` are those in force at
    once, the newest last: two while a deployment is under way. `routing` is that of the deployment.
    `flags` are those in force, by name: of both apps at once, until one of them is settled.
    """

    apps: tuple[ReleasedApp, ...]
    services: Mapping[str, tuple[DesiredVersion, ...]]
    release: int = 0
    policy_set: int = 0
    settled: tuple[SettledVersion, ...] = ()
    routing: Routing | None = None
    flags: Mapping[str, Json] = field(default_factory=dict)

    @property
    def versions(self) -> Iterator[tuple[str, DesiredVersion]]:
        """Every version with its service, the one with most requests first."""
        for service, versions in self.services.items():
            for version in sorted(versions, key=lambda each: -each.weight):
                yield service, version

    @property
    def running(self) -> Iterator[tuple[str, DesiredVersion]]:
        """The versions that have processes, the main one of each service first.

        Workers and jobs get no requests that could be divided: only their main version runs, so
        that no work is done twice. They change hands when the requests of the others have.
        """
        for service, version in self.versions:
            if version.service.serves or version == self.main(service):
                yield service, version

    @property
    def at_rest(self) -> bool:
        """Whether no deployment is under way."""
        return self.routing is None and all(len(found) < 2 for found in self.services.values())

    @property
    def from_working_tree(self) -> bool:
        """Whether nothing of a release runs, and none was settled."""
        names = {version.name for _, version in self.versions}
        return self.release == 0 and names <= {WORKING_TREE}

    def find(self, service: str, version: str) -> DesiredVersion | None:
        """One version, if it should run."""
        return next((v for v in self.services.get(service, ()) if v.name == version), None)

    def main(self, service: str) -> DesiredVersion | None:
        """The version of a service that gets most requests."""
        return max(self.services.get(service, ()), key=lambda v: v.weight, default=None)

    def with_app(self, release: Release) -> Desired:
        """With the app of a release in force as well, as the newest.

        Of its flags only those that are new: what decides for others goes on deciding.
        """
        others = tuple(app for app in self.apps if app.release != release.number)
        fresh = ReleasedApp(release.number, release.content.app)
        flags = {**flags_of(release.content.app), **self.flags}
        return replace(self, apps=(*others, fresh), flags=flags)

    def governed(self, release: Release) -> Desired:
        """With the configuration of a release deciding wherever it says something."""
        desired = self.with_app(release)
        return replace(desired, flags={**self.flags, **flags_of(release.content.app)})

    def with_version(self, service: str, version: DesiredVersion) -> Desired:
        """With this version, instead of one of that name."""
        others = tuple(v for v in self.services.get(service, ()) if v.name != version.name)
        return replace(self, services={**self.services, service: (*others, version)})

    def without(self, gone: Iterable[Key]) -> Desired:
        """Without these versions, and without services that have none left."""
        names = frozenset(gone)
        left = {
            service: tuple(v for v in found if (service, v.name) not in names)
            for service, found in self.services.items()
        }
        routing = self.routing and self.routing.without_candidates(names)
        services = {service: found for service, found in left.items() if found}
        return replace(self, services=services, routing=routing)

    def routed(self, routing: Routing) -> Desired:
        """With the traffic divided so; services that are not named keep what they have."""
        services = {
            name: tuple(_weighed(version, routing.services.get(name)) for version in found)
            for name, found in self.services.items()
        }
        return replace(self, services=services, routing=routing.over(self.routing))

    def marking(self, routing: Routing) -> Routing:
        """Only the marks of a routing, with the traffic divided as it is."""
        weights = {name: {v.name: v.weight for v in found} for name, found in self.services.items()}
        return routing.marking(weights)

    def settle(self, release: Release) -> Desired:
        """With a release as what should be here from now on."""
        digests = {name: service.digest for name, service in release.content.services.items()}
        settled = tuple(
            SettledVersion(service, version.name, version.digest, version.replicas)
            for service, version in self.versions
            if digests.get(service) == version.digest
        )
        return replace(
            self,
            apps=(ReleasedApp(release.number, release.content.app),),
            release=release.number,
            policy_set=release.content.policy_set,
            settled=settled,
            routing=None,
            flags=flags_of(release.content.app),
        )


def _weighed(version: DesiredVersion, split: Split | None) -> DesiredVersion:
    if split is None:
        return version
    return replace(version, weight=split.weights.get(version.name, 0))


def working_tree(app: App, digests: Mapping[str, str], otlp: str | None) -> Desired:
    """What runs without any release: every service as it is declared, from its own folder."""
    declared = app.model_dump(mode="json")
    versions = {
        name: (
            DesiredVersion(
                WORKING_TREE,
                service.model_dump(mode="json"),
                "",
                digests[name],
                service.desired_replicas,
                weight=100,
                otlp=otlp,
            ),
        )
        for name, service in app.services.items()
    }
    return Desired((ReleasedApp(0, declared),), versions, flags=flags_of(declared))


def flags_of(app: Json) -> Mapping[str, Json]:
    """The flags of an app as JSON, as its environment sees it."""
    flags: Mapping[str, Json] = app.get("flags", {})
    return flags


class DesiredFile:
    """The file; read once, by the holder of the state folder's lock."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Desired | None:
        """What it says; None without one. InvalidInput when it is damaged: never guessed."""
        try:
            return _desired(json.loads(self._path.read_bytes()))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidInput(
                "desired-state-damaged",
                f"what should run here cannot be read: {error}",
                where=str(self._path),
                remedy="restore the file, or go back to the working tree: fairway up --watch",
            ) from error

    def write(self, desired: Desired) -> None:
        """Keep it; survives a power cut."""
        write_private(self._path, json.dumps(asdict(desired), indent=1).encode(), durable=True)

    def forget(self) -> None:
        """Back to the working tree."""
        self._path.unlink(missing_ok=True)


def _desired(content: Mapping[str, Any]) -> Desired:
    routing = content["routing"]
    return Desired(
        apps=tuple(ReleasedApp(**app) for app in content["apps"]),
        services={
            name: tuple(DesiredVersion(**version) for version in versions)
            for name, versions in content["services"].items()
        },
        release=content["release"],
        policy_set=content["policy_set"],
        settled=tuple(SettledVersion(**version) for version in content["settled"]),
        routing=None if routing is None else _routing(routing),
        flags=content.get("flags", {}),
    )


def _routing(content: Mapping[str, Any]) -> Routing:
    splits = {name: Split(**split) for name, split in content["services"].items()}
    return Routing(**{**content, "services": splits})
