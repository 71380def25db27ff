"""What is to be deployed, made from the folder of the app: model, policies, artifacts.

`plan` and `deploy` make a `Wish` from it. The artifacts are snapshots of the services' folders;
those that a shared server has not got yet are sent there. On AWS they are images instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from fairway.cli.client import segment
from fairway.cli.delivering.door import Door
from fairway.cli.delivering.image_artifacts import image_artifacts, needs_images
from fairway.cli.output import note
from fairway.cli.policies import CheckedPolicies, check_policies
from fairway.delivery.port import Wish
from fairway.model.app import App
from fairway.model.services import Service
from fairway.targets.local.artifacts import ArtifactStore
from fairway.targets.local.layout import open_state
from fairway.workspace import Workspace


def wish_of(workspace: Workspace, environment: str, *, build: bool) -> Wish:
    """The app as it is in its folder now; snapshots of its services are kept on the way.

    Images that its environment needs are looked for, and made and pushed if `build`. Raises
    InvalidAppFile with every problem of the policies.
    """
    checked = check_policies(workspace, environment)
    store = artifact_store(workspace.folder, environment)
    folders = dict(sources(checked.app, workspace.folder))
    artifacts = {name: store.put(folder) for name, folder in folders.items()}
    if needs_images(checked.app, environment):
        made_from = {name: (folders[name], digest) for name, digest in artifacts.items()}
        artifacts = image_artifacts(checked.app, environment, made_from, build=build)
    return Wish(app=declared(checked), artifacts=artifacts, policies=checked.text)


def declared(checked: CheckedPolicies) -> dict[str, object]:
    """The app as its environment sees it, as JSON from which it can be made again."""
    return checked.app.model_dump(mode="json", by_alias=True, exclude_none=True)


def sources(app: App, folder: Path) -> Iterator[tuple[str, Path]]:
    """The services that have a source, each with its folder."""
    for name, service in app.services.items():
        if service.image is None or service.run is not None:
            yield name, folder / _source(service)


def _source(service: Service) -> str:
    return service.build or service.root or "."


def artifact_store(folder: Path, environment: str) -> ArtifactStore:
    """Where snapshots are kept on this machine. `plan` may be the first that needs the folder."""
    opened = open_state(folder, environment, stamp=datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ"))
    for message in opened.messages:
        note(message)
    return ArtifactStore(opened.state.artifacts)


def send_artifacts(door: Door, wish: Wish, store: ArtifactStore) -> tuple[str, ...]:
    """Send a shared server what it has not got yet; returns the services whose source was sent.

    The control plane of this machine reads the snapshots where they are, images are in a registry.
    """
    if not door.server:
        return ()
    sent = []
    for service, digest in wish.artifacts.items():
        path = _path(door, digest)
        if store.has(digest) and not door.client.has(path):
            door.client.upload(path, store.pack(digest))
            sent.append(service)
    return tuple(sent)


def _path(door: Door, digest: str) -> str:
    base = f"/api/v1/apps/{segment(door.app)}/environments/{segment(door.environment)}"
    return f"{base}/artifacts/{segment(digest)}"
