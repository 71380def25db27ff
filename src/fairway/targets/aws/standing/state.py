"""What should be there on AWS: the versions of every service and who gets which requests. Pure.

`AwsTarget` changes it before it acts and keeps it in DynamoDB (`record.py`), so that a control
plane that died is continued by the next one. From it follow the values of the root modules
(`values/`) and the files of every Envoy (`mesh/`). Values are frozen; every change makes a new one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from fairway.errors import Conflict
from fairway.model.app import App
from fairway.model.services import Service
from fairway.plan.release import Json, Release
from fairway.targets.contract import Routing, Split
from fairway.targets.merging import merged

SLOTS = ("a", "b", "c", "d", "e")
"""Names of target groups: a load balancer's rule divides requests among five at most."""

Key = tuple[str, str]
"""A service and the name of one of its versions."""


@dataclass(frozen=True, slots=True)
class StandingVersion:
    """One version of a service: how it is declared, from which image, how often, how much.

    `image` is a complete reference, by digest once it is pushed; empty for a static site. `slot` is
    its target group where a load balancer divides the requests of its service, which it has to
    itself from `since`, in Unix seconds.
    """

    name: str
    declared: Json
    image: str
    digest: str
    replicas: int
    weight: int = 0
    slot: str = "a"
    since: float = 0.0

    @property
    def service(self) -> Service:
        """Its declaration."""
        return Service.model_validate(self.declared)


@dataclass(frozen=True, slots=True)
class Standing:
    """An environment as it should be.

    `app` is the app in force as JSON, its environment's overrides merged in; while a deployment is
    under way it is the union of both releases', with the flags of the one whose configuration
    decides. Empty before the first deployment. `policy_set` decides. `release` is the settled one,
    `settled` its replicas by service and version, `settled_policy_set` its policies. `stores` are
    all that ever were, by name, as declared: their data is not deleted when a release stops naming
    them.
    """

    environment: str
    app: Json
    services: Mapping[str, tuple[StandingVersion, ...]] = field(default_factory=dict)
    routing: Routing | None = None
    policy_set: int = 0
    release: int = 0
    settled: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    settled_policy_set: int = 0
    stores: Mapping[str, Json] = field(default_factory=dict)

    @property
    def model(self) -> App:
        """The app, validated."""
        return App.model_validate(self.app)

    @property
    def regions(self) -> tuple[str, ...]:
        """Where it runs, the leading one first; none before the first deployment."""
        declared: Json = self.app.get("environments", {}).get(self.environment, {})
        return tuple(declared.get("regions", ()))

    @property
    def outside_mesh(self) -> frozenset[str]:
        """The services whose requests a load balancer divides."""
        declared: Json = self.app.get("environments", {}).get(self.environment, {})
        return frozenset(declared.get("aws", {}).get("outside_mesh", ()))

    @property
    def versions(self) -> Iterator[tuple[str, StandingVersion]]:
        """Every version with its service."""
        for service, found in self.services.items():
            for version in found:
                yield service, version

    def find(self, service: str, version: str) -> StandingVersion | None:
        """One version, if it should be there."""
        return next((v for v in self.services.get(service, ()) if v.name == version), None)

    def main(self, service: str) -> StandingVersion | None:
        """The version of a service that gets most requests."""
        return max(self.services.get(service, ()), key=lambda v: v.weight, default=None)

    def tasks(self, service: str, version: StandingVersion) -> int:
        """How many tasks of a version should run.

        Workers and jobs get no requests that could be divided: only their main version runs, so
        that no work is done twice. They change hands when the requests of the others have.
        """
        if version.service.serves or version == self.main(service):
            return version.replicas
        return 0

    def with_app(self, release: Release) -> Standing:
        """With the app of a release in force as well.

        Of its flags only those that are new: what decides for others goes on deciding.
        """
        fresh: Json = release.content.app
        flags = {**fresh.get("flags", {}), **self.app.get("flags", {})}
        stores = {**self.stores, **fresh.get("stores", {})}
        if self.app:
            union = merged([self.model, App.model_validate(fresh)], self.services)
            fresh = union.model_dump(mode="json")
        return replace(self, app={**fresh, "flags": flags}, stores=stores)

    def governed(self, release: Release) -> Standing:
        """With the policies and the configuration of a release deciding."""
        joint = self.with_app(release)
        flags = {**self.app.get("flags", {}), **release.content.app.get("flags", {})}
        app = {**joint.app, "flags": flags}
        return replace(joint, app=app, policy_set=release.content.policy_set)

    def with_version(self, service: str, version: StandingVersion) -> Standing:
        """With this version instead of one of that name; a new one gets a slot of its own."""
        known = self.find(service, version.name)
        others = tuple(v for v in self.services.get(service, ()) if v.name != version.name)
        slot = known.slot if known is not None else self._free_slot(service)
        fresh = replace(version, slot=slot)
        return replace(self, services={**self.services, service: (*others, fresh)})

    def without(self, gone: Iterable[Key]) -> Standing:
        """Without these versions, and without services that have none left."""
        names = frozenset(gone)
        left = {
            service: tuple(v for v in found if (service, v.name) not in names)
            for service, found in self.services.items()
        }
        routing = self.routing and self.routing.without_candidates(names)
        services = {service: found for service, found in left.items() if found}
        return replace(self, services=services, routing=routing)

    def routed(self, routing: Routing) -> Standing:
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

    def settle(self, release: Release) -> Standing:
        """With a release alone as what should be there from now on; stores are kept."""
        digests = {name: each.digest for name, each in release.content.services.items()}
        settled = {
            service: {v.name: v.replicas for v in found if v.digest == digests.get(service)}
            for service, found in self.services.items()
        }
        return replace(
            self,
            app=release.content.app,
            release=release.number,
            settled={service: found for service, found in settled.items() if found},
            settled_policy_set=release.content.policy_set,
            routing=None,
        )

    def _free_slot(self, service: str) -> str:
        """The next one after the main version's that is free: a slot is left cold for long."""
        versions = self.services.get(service, ())
        taken = {version.slot for version in versions}
        main = self.main(service)
        start = SLOTS.index(main.slot) + 1 if main is not None else 0
        for slot in (*SLOTS[start:], *SLOTS[:start]):
            if slot not in taken:
                return slot
        raise Conflict(
            "too-many-versions",
            f"{len(versions)} versions of {service} run side by side, and there is room for no "
            "other",
            where=service,
            remedy="wait until the deployments under way have ended",
        )


def _weighed(version: StandingVersion, split: Split | None) -> StandingVersion:
    if split is None:
        return version
    return replace(version, weight=split.weights.get(version.name, 0))
