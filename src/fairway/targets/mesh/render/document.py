"""The vocabulary of rendering: JSON documents, Envoy's type URLs, names, and the files' places.

Used by every module of `render/`. A resource is one Envoy message; a discovery response is the
file that holds resources, with a version: see `fairway_runtime.agent.files`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = dict[str, Any]
"""A JSON object. Envoy checks its shape: `--mode validate` runs on everything in the tests."""

LOOPBACK = "127.0.0.1"
TYPES = "type.googleapis.com/envoy"
STDOUT = Path("/dev/stdout")
"""As an access log: Envoy's own standard output, which it need not open by this name."""
PUBLIC_ROOTS = Path("/etc/ssl/certs/ca-certificates.crt")


@dataclass(frozen=True, slots=True)
class EnvoyPaths:
    """Where one Envoy's files are. `admin` must be short: a Unix socket path ends at 104 bytes.

    `access_log` may be `STDOUT`. `public_roots` is the system's bundle of certificate
    authorities, for an OTLP endpoint or a legacy upstream that speaks https.
    """

    config: Path
    admin: Path
    access_log: Path
    public_roots: Path = PUBLIC_ROOTS


def typed(kind: str, **fields: Any) -> Json:
    """A message with its type, as Envoy wants it inside `typed_config`; `kind` follows `envoy.`."""
    return {"@type": f"{TYPES}.{kind}", **fields}


def from_file(paths: EnvoyPaths, name: str) -> Json:
    """A config source that is one file, re-read by Envoy whenever it is replaced.

    The file itself is watched, not its folder: a watched folder makes every subscription of the
    Envoy read its file again at each replacement of any, and count a bad one again each time.
    """
    return {
        "path_config_source": {"path": str(paths.config / name)},
        "resource_api_version": "V3",
        "initial_fetch_timeout": "0s",
    }


def seconds(value: float) -> str:
    """A protobuf duration."""
    return f"{value:.6f}".rstrip("0").rstrip(".") + "s"


def address(port: int, host: str = LOOPBACK) -> Json:
    """A numeric address; that of this machine's programs unless told otherwise."""
    return {"socket_address": {"address": host, "port_value": port}}


def replicas_cluster(version: str) -> str:
    """The cluster of one version's replicas."""
    return f"replicas.{version}"


def callee_cluster(name: str) -> str:
    """The cluster that leads to a callee's sidecar."""
    return f"callee.{name}"


def version_cluster(name: str, version: str) -> str:
    """The cluster that leads to one version of a callee, where callers divide."""
    return f"{callee_cluster(name)}.{version}"


def shifted_version_cluster(name: str, version: str, route: str) -> str:
    """The same for one route that is shifted: it counts on its own."""
    return f"{version_cluster(name, version)}.{route}"


def shifted_cluster(name: str, route: str) -> str:
    """The cluster that leads to a callee for one route that is shifted: it counts on its own."""
    return f"{callee_cluster(name)}.{route}"


def legacy_cluster(route: str) -> str:
    """The cluster that leads out of the mesh, to what still answers a route."""
    return f"legacy.{route}"


def endpoints_file(cluster: str) -> str:
    """The EDS file of a cluster: Envoy takes exactly one resource from each."""
    return f"eds.{cluster}.json"


def routes_file(route_config: str) -> str:
    """The RDS file of a route configuration: likewise one resource each."""
    return f"rds.{route_config}.json"
