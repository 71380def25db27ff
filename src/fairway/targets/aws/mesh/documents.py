"""Everything that the tasks of an environment are told, as objects of the bucket `config`. Pure.

    mesh/<service>/<version>/envoy.json   all files of the Envoys beside the tasks of a version
    mesh/gateway/envoy.json               those of the gateway
    handouts/<service>/<version>.json     what their apps read: policies, flags, configuration

`AwsTarget` calls `documents_of` for every change, puts what differs, and waits until the tasks
report its digest. An agent fetches its own two documents: `{"version": …, "files": {name: …}}`.
Secrets and keys are in none of them: a handout names the secrets, the agent fetches their values.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fairway.model.app import App
from fairway.targets.aws import names
from fairway.targets.aws.mesh import ports
from fairway.targets.aws.mesh.views import Ground, Views
from fairway.targets.aws.ports import Document, Rules
from fairway.targets.aws.standing.state import Standing, StandingVersion
from fairway.targets.mesh.render import EnvoyPaths, render
from fairway.targets.mesh.render.document import (
    STDOUT,
)
from fairway.targets.mesh.view import GATEWAY
from fairway_runtime.policy.bundle import PolicyBundle

Json = dict[str, Any]

SIGNING = "identity"
"""The secret of a service with its signing keys, beside those that it declares."""


def documents_of(standing: Standing, _region: str, rules: Rules) -> tuple[Document, ...]:
    """All documents of an environment; every region is told the same."""
    views = Views(standing, rules.access, Ground())
    handouts = Handouts(standing, rules.bundle)
    found = [gateway_document(views)] if views.has_gateway else []
    for service in views.services:
        for version in standing.services.get(service, ()):
            found.append(mesh_document(views, service, version))
            found.append(handouts.document(service, version))
    return tuple(found)


def mesh_key(service: str, version: str) -> str:
    """Where the files of an Envoy are; the gateway has no version."""
    own = f"{service}/{version}" if version else service
    return f"mesh/{own}/envoy.json"


def handouts_key(service: str, version: str) -> str:
    """Where the handouts of a version are."""
    return f"handouts/{service}/{version}.json"


def mesh_document(
    views: Views, service: str, version: StandingVersion, paths: EnvoyPaths | None = None
) -> Document:
    """All files of the Envoys beside the tasks of a version; they say where these files are."""
    files = render(views.of_version(service, version), service, paths or envoy_paths())
    return _mesh(service, version.name, files)


def gateway_document(views: Views, paths: EnvoyPaths | None = None) -> Document:
    """All files of the gateway's Envoys."""
    return _mesh(GATEWAY, "", render(views.of_gateway(), GATEWAY, paths or envoy_paths()))


def envoy_paths(state: Path = ports.STATE) -> EnvoyPaths:
    """Where a sidecar's files are, by the folder that its agent was given."""
    return EnvoyPaths(state / "envoy", state / "admin.sock", STDOUT)


class Handouts:
    """The handouts of an environment; what they share is worked out once."""

    def __init__(self, standing: Standing, bundle: PolicyBundle) -> None:
        self._app: App = standing.model
        self._environment = standing.environment
        self._bundle: Json = json.loads(bundle.to_json())
        self._flags = _flags(self._app)

    def document(self, service: str, version: StandingVersion) -> Document:
        """What the app of a version is given."""
        own = version.service
        files: Json = {"flags.json": self._flags}
        if own.library:
            files["policies.json"] = self._bundle
        if own.config:
            files["config.json"] = own.config
        content = {"files": files, "secrets": self._secrets(service, own.secrets, own.library)}
        return _document(
            handouts_key(service, version.name), "handouts", (service, version.name), content
        )

    def _secrets(self, service: str, declared: Sequence[str], library: bool) -> dict[str, str]:
        """Files by the secret in Secrets Manager that goes there; `identity` holds two files.

        Programs without the library have their secrets in the environment, from ECS itself.
        """
        app, environment = self._app.app, self._environment
        if not library:
            return {}
        files = {f"secrets/{name}": name for name in declared} | {"identity": SIGNING}
        return {file: names.secret(app, environment, service, name) for file, name in files.items()}


def _flags(app: App) -> Json:
    return {name: flag.model_dump(mode="json", by_alias=True) for name, flag in app.flags.items()}


def _mesh(service: str, version: str, files: Mapping[str, Json]) -> Document:
    content = {"files": dict(files)}
    return _document(mesh_key(service, version), "mesh", (service, version), content)


def _document(key: str, kind: Any, whose: tuple[str, str], content: Json) -> Document:
    """With its version first: a digest of the rest, which is written once, because it is long."""
    rest = json.dumps(content, separators=(",", ":"), sort_keys=True)
    version = hashlib.sha256(rest.encode()).hexdigest()[:12]
    return Document(key, f'{{"version":"{version}",{rest[1:]}', kind, *whose, digest=version)
