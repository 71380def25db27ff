"""The files that a release would have here, for people to read before anything happens. Pure.

Used by `LocalTarget.render`. Ports are numbered from one as placeholders: which ones are free is
known only when it runs. Certificates and keys are left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

from fairway.model.app import App
from fairway.plan.release import Release
from fairway.targets.mesh.build import Access, mesh_view
from fairway.targets.mesh.render import EnvoyPaths, render
from fairway.targets.mesh.view import PortPlan, Version


def rendered(release: Release, access: Access, environment: str) -> Mapping[str, str]:
    """By relative path: what each service is started from, and every file of every Envoy."""
    app, numbers = App.model_validate(release.content.app), count(1)
    versions = {
        name: (Version(release.name, 100, _numbered(numbers, service.desired_replicas)),)
        for name, service in app.services.items()
        if service.serves
    }
    view = mesh_view(app, _placeholders(app, numbers), versions, access, environment)
    files = {f"services/{name}.json": _text(content) for name, content in _services(release)}
    for name in view.names:
        folder = Path("mesh", name)
        paths = EnvoyPaths(folder, Path(f"{name}.admin"), Path("logs", f"{name}.access.log"))
        files |= {
            f"{folder}/{f}": _text(content) for f, content in render(view, name, paths).items()
        }
    return files


def _services(release: Release) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, service in sorted(release.content.services.items()):
        yield (
            name,
            {
                "digest": service.digest,
                "artifact": service.artifact,
                "secrets": dict(service.secrets),
                "declared": service.declared,
            },
        )


def _placeholders(app: App, numbers: Iterator[int]) -> PortPlan:
    services = sorted(app.services.items())
    return PortPlan(
        inbound={name: next(numbers) for name, service in services if service.serves},
        egress={name: next(numbers) for name, _ in services},
        egress_to={
            (name, callee): next(numbers) for name, service in services for callee in service.calls
        },
        gateway=next(numbers),
    )


def _numbered(numbers: Iterator[int], many: int) -> tuple[int, ...]:
    return tuple(next(numbers) for _ in range(many))


def _text(content: object) -> str:
    return json.dumps(content, indent=2, sort_keys=True) + "\n"
