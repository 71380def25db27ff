"""A golden scenario of the mesh: an app, its versions, and every file that is rendered from them.

`tests/scenarios/mesh/<name>/app.yaml` holds the input; the folders beside it, one per Envoy, hold
the expected files. `FAIRWAY_UPDATE_GOLDEN=1` writes them anew: the review is reading the diff.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fairway.model.app import App
from fairway.targets.contract import Routing, Split
from fairway.targets.mesh.build import mesh_view
from fairway.targets.mesh.render import EnvoyPaths, Json, render
from fairway.targets.mesh.view import (
    LegacyShare,
    LegacyUpstream,
    MeshView,
    PortPlan,
    Version,
)

SCENARIOS = Path(__file__).parents[2] / "scenarios" / "mesh"


@dataclass(frozen=True, slots=True)
class Allowed:
    """An access table written by hand: `{service: {intent: [names]}}`."""

    table: dict[str, dict[str, list[str]]]

    def principals(self, service: str, intent: str) -> frozenset[str]:
        return frozenset(self.table.get(service, {}).get(intent, ()))


def scenario_names() -> list[str]:
    return sorted(folder.name for folder in SCENARIOS.iterdir() if (folder / "app.yaml").exists())


def scenario(name: str) -> MeshView:
    content: dict[str, Any] = yaml.safe_load((SCENARIOS / name / "app.yaml").read_text())
    app = App.model_validate(content["declared"])
    versions = {
        service: tuple(Version(v["name"], v["weight"], tuple(v["ports"])) for v in some)
        for service, some in content["versions"].items()
    }
    routing = content.get("routing")
    return mesh_view(
        app,
        plan(app, [(n, v) for n, some in content.get("own_egress", {}).items() for v in some]),
        versions,
        Allowed(content["allowed"]),
        "local",
        routing=None if routing is None else _routing(routing),
        legacy={(r.get("host"), r["path"]): _share(r) for r in content.get("legacy", ())},
    )


def _share(content: dict[str, Any]) -> LegacyShare:
    return LegacyShare(LegacyUpstream(content["url"]), content["weight"])


def _routing(content: dict[str, Any]) -> Routing:
    services = {name: Split(**split) for name, split in content.pop("services").items()}
    return Routing(services, **content)


def plan(app: App, own: Sequence[tuple[str, str]] = ()) -> PortPlan:
    """Ports that tell what they are for: 1xxxx in, 2xxxx out by Host, 3xxxx to one callee.

    4xxxx and 5xxxx are the same of the versions in `own`.
    """
    names = list(app.services)
    own_calls = [(name, callee, v) for name, v in own for callee in app.services[name].calls]
    calls = [(name, callee) for name in names for callee in app.services[name].calls]
    return PortPlan(
        inbound={name: 10_000 + i for i, name in enumerate(names) if app.services[name].serves},
        egress={name: 20_000 + i for i, name in enumerate(names)},
        egress_to={call: 30_000 + i for i, call in enumerate(calls)},
        gateway=8080,
        egress_of={version: 40_000 + i for i, version in enumerate(own)},
        egress_to_of={call: 50_000 + i for i, call in enumerate(own_calls)},
    )


def paths(folder: Path, name: str) -> EnvoyPaths:
    return EnvoyPaths(
        folder / "mesh" / name, folder / f"{name}.admin", folder / "logs" / f"{name}.log"
    )


def rendered(view: MeshView, name: str, folder: Path = Path("/state")) -> dict[str, Json]:
    return render(view, name, paths(folder, name))


def one_file(files: dict[str, Json], secrets: dict[str, Json]) -> Json:
    """The same configuration without discovery: Envoy's own check reads no discovered file."""
    routes = {n: f["resources"][0] for n, f in files.items() if n.startswith("rds.")}
    endpoints = {n: f["resources"][0] for n, f in files.items() if n.startswith("eds.")}
    return {
        "admin": files["bootstrap.json"]["admin"],
        "node": files["bootstrap.json"]["node"],
        "layered_runtime": files["bootstrap.json"]["layered_runtime"],
        "static_resources": {
            "listeners": [_inlined(r, routes) for r in files["lds.json"]["resources"]],
            "clusters": [_settled(r, endpoints) for r in files["cds.json"]["resources"]],
            "secrets": [_untyped(f["resources"][0]) for f in secrets.values()],
        },
    }


def _inlined(listener: Json, routes: dict[str, Json]) -> Json:
    fresh = _without_sds_files(_untyped(listener))
    manager = fresh["filter_chains"][0]["filters"][0]["typed_config"]
    if "rds" in manager:
        name = manager.pop("rds")["route_config_name"]
        manager["route_config"] = _untyped(routes[f"rds.{name}.json"])
    return fresh


def _settled(cluster: Json, endpoints: dict[str, Json]) -> Json:
    fresh = _without_sds_files(_untyped(cluster))
    if fresh.pop("eds_cluster_config", None) is not None:
        fresh["type"] = "STATIC"
        fresh["load_assignment"] = _untyped(endpoints[f"eds.{fresh['name']}.json"])
    return fresh


def _untyped(resource: Json) -> Json:
    return {key: value for key, value in resource.items() if key != "@type"}


def _without_sds_files(value: Any) -> Any:
    """Secrets by name only: they stand in the same file."""
    if isinstance(value, dict):
        return {k: _without_sds_files(v) for k, v in value.items() if k != "sds_config"}
    if isinstance(value, list):
        return [_without_sds_files(entry) for entry in value]
    return value
