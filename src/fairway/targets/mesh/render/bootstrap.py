"""The only file that an Envoy reads once: who it is, its admin socket, where all else comes from.

It never changes while the system runs, so no change ever needs a restart.
"""

from __future__ import annotations

from fairway.targets.mesh.render.document import (
    EnvoyPaths,
    Json,
    from_file,
    typed,
)
from fairway.targets.mesh.view import MeshView
from fairway_runtime.agent.files import (
    CDS,
    LDS,
)


def bootstrap(view: MeshView, name: str, paths: EnvoyPaths) -> Json:
    """The bootstrap configuration of one Envoy."""
    return {
        "node": {"id": name, "cluster": view.trust_domain},
        "admin": {"address": {"pipe": {"path": str(paths.admin), "mode": 0o600}}},
        "dynamic_resources": {
            "cds_config": from_file(paths, CDS),
            "lds_config": from_file(paths, LDS),
        },
        # Histograms can be read only after a flush, and a canary is judged within seconds.
        "stats_flush_interval": "0.500s",
        "overload_manager": {"resource_monitors": [_connection_limit()]},
        "layered_runtime": {
            "layers": [
                {
                    "name": "static",
                    "static_layer": {
                        # A long path template is a large but still linear regular expression.
                        "re2.max_program_size.error_level": 100_000,
                        "re2.max_program_size.warn_level": 100_000,
                        # Spans go out every second or 256 at once, not five at a time: at 10 %
                        # sampling that saved about 10 µs of each request in each Envoy.
                        "tracing.opentelemetry.min_flush_spans": 256,
                        "tracing.opentelemetry.flush_interval_ms": 1_000,
                    },
                }
            ]
        },
    }


def _connection_limit() -> Json:
    """A bound far above any laptop's use: a runaway client ends in refusals, not in memory."""
    kind = "extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig"
    return {
        "name": "envoy.resource_monitors.global_downstream_max_connections",
        "typed_config": typed(kind, max_active_downstream_connections=20_000),
    }
