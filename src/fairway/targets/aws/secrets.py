"""The values of an app's secrets, in Secrets Manager. Methods block; no value is ever in an error.

    <app>-<environment>/fairway/values/<NAME>   what `fairway secrets set` was given: the control
                                                plane's alone, in the region that leads
    <app>-<environment>/<service>/<NAME>        the copy that a service reads, in every region

Terraform makes the copies without a value, with the key and the readers of their service; this
module puts the values in. A value can be set before there is anything else of the environment: the
copies get it when they are there (`hand_over`), which `AwsTarget` asks for before a version starts.
A copy that AWS has renewed since then (`aws.rotation` of the app file) keeps what it has.
Versions are counted in the description of the first secret, changed together with its value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fairway.errors import NotFound
from fairway.model.app import App
from fairway.targets.aws import names
from fairway.targets.aws.clients import Clients, telling
from fairway.targets.aws.place import Place

_OWNER = "fairway"
_COUNTED = re.compile(r"version (\d+)")


@dataclass(frozen=True, slots=True)
class KeptSecret:
    """A secret that has a value: how often it was set, and when last, in Unix seconds."""

    version: int
    changed_at: float


class AwsSecrets:
    """The secrets of one environment."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def all(self, wanted: Sequence[str]) -> dict[str, KeptSecret]:
        """Of these secrets those that have a value."""
        found = {name: self._described(name) for name in wanted}
        return {name: kept for name, kept in found.items() if kept is not None}

    def versions(self, app: App) -> Mapping[str, int]:
        """The versions in force of an app's secrets, as a release names them."""
        return {name: kept.version for name, kept in self.all(secrets_of(app)).items()}

    def set(self, app: App | None, name: str, value: str) -> KeptSecret:
        """Keep a value, and hand it to the services of `app` that read it."""
        before = self._described(name)
        version = before.version + 1 if before is not None else 1
        self._keep(name, value, version, known=before is not None)
        if app is not None:
            self._hand_over(app, regions_of(app, self._place), [name])
        kept = self._described(name)
        return kept if kept is not None else KeptSecret(version, self._place.clock())

    def hand_over(self, app: App, regions: Sequence[str]) -> None:
        """Have the copies of all services hold the newest values; again is fine."""
        self._hand_over(app, regions, secrets_of(app))

    def _hand_over(self, app: App, regions: Sequence[str], secrets: Sequence[str]) -> None:
        environment = app.environments.get(self._place.environment)
        rotated = environment.aws.rotation.secrets if environment is not None else {}
        for name in secrets:
            newest = self._newest(name)
            if newest is None:
                continue
            for region in regions:
                for copy in self._copies(app, name):
                    if not (name in rotated and self._renewed(region, copy, newest)):
                        self._put(region, copy, newest)

    def _copies(self, app: App, name: str) -> Iterator[str]:
        for service, declared in app.services.items():
            if name in declared.secrets:
                yield names.secret(self._place.app, self._place.environment, service, name)

    def _keep(self, name: str, value: str, version: int, *, known: bool) -> None:
        """Value and count in one call: a reader never sees one without the other."""
        client, own = self._client(self._place.lead), self._own(name)
        counted = {"SecretString": value, "Description": f"version {version}"}
        with telling(f"keep the secret {name}", where=own):
            if known:
                client.update_secret(SecretId=own, **counted)
            else:
                client.create_secret(Name=own, **counted)

    def _put(self, region: str, copy: str, newest: Any) -> None:
        """The same version again changes nothing. A copy that is not there yet gets it later."""
        try:
            with telling("hand a secret to its service", where=copy):
                self._client(region).put_secret_value(
                    SecretId=copy,
                    SecretString=newest["SecretString"],
                    ClientRequestToken=newest["VersionId"],
                )
        except NotFound:
            return

    def _renewed(self, region: str, copy: str, newest: Any) -> bool:
        """Whether AWS has renewed a copy since its value was set: what it holds is newer then."""
        try:
            with telling("look when a secret was renewed", where=copy):
                found = self._client(region).describe_secret(SecretId=copy)
        except NotFound:
            return False
        renewed = found.get("LastRotatedDate")
        return renewed is not None and renewed > newest["CreatedDate"]

    def _newest(self, name: str) -> Any:
        try:
            with telling(f"read the secret {name}", where=self._own(name)):
                return self._client(self._place.lead).get_secret_value(SecretId=self._own(name))
        except NotFound:
            return None

    def _described(self, name: str) -> KeptSecret | None:
        try:
            with telling(f"look for the secret {name}", where=self._own(name)):
                found = self._client(self._place.lead).describe_secret(SecretId=self._own(name))
        except NotFound:
            return None
        counted = _COUNTED.search(str(found.get("Description", "")))
        changed = found.get("LastChangedDate") or found.get("CreatedDate")
        at = changed.timestamp() if changed is not None else 0.0
        return KeptSecret(int(counted[1]) if counted else 1, at)

    def _own(self, name: str) -> str:
        return names.secret(self._place.app, self._place.environment, _OWNER, f"values/{name}")

    def _client(self, region: str) -> Any:
        self._place.require_account()
        return self._place.clients.of("secretsmanager", region)


def secrets_of(app: App) -> tuple[str, ...]:
    """Every secret that a service of the app reads."""
    return tuple(sorted({name for each in app.services.values() for name in each.secrets}))


def regions_of(app: App, place: Place) -> tuple[str, ...]:
    """The regions of the environment, as its app declares them."""
    declared = app.environments.get(place.environment)
    return (declared.regions if declared is not None else ()) or (place.lead,)


def keep_token(clients: Clients, arn: str, token: str) -> None:
    """Put the first admin's token into the secret that the control plane's root made for it."""
    with telling("keep the first admin's token", where=arn):
        region = arn.split(":")[3]
        clients.of("secretsmanager", region).put_secret_value(SecretId=arn, SecretString=token)
