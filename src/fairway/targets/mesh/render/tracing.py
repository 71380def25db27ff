"""The spans of Envoys: which traces are recorded, what a span is called, what it says of its hop.

A hop is called by what stays the same from request to request: the intent on the way in, the callee
on the way out, the route at the gateway; never by a path, of which there may be millions.
"""

from __future__ import annotations

from typing import Any

from fairway.targets.mesh.render.access_log import Direction, peer
from fairway.targets.mesh.render.clusters import OTLP
from fairway.targets.mesh.render.document import (
    Json,
    typed,
)
from fairway.targets.mesh.view import MeshView

_NAMED_BY: dict[Direction, str] = {
    "inbound": "%ROUTE_NAME%",
    "egress": "%UPSTREAM_CLUSTER_RAW%",
    "gateway": "%ROUTE_NAME%",
}


def tracing(view: MeshView, service: str, direction: Direction) -> Json:
    """W3C trace context is made and passed on in any case, exported only to a collector."""
    return {
        "operation": f"%REQ(:METHOD)% {_NAMED_BY[direction]}",
        "custom_tags": _tags(direction),
        "provider": {
            "name": "opentelemetry",
            "typed_config": typed(
                "config.trace.v3.OpenTelemetryConfig",
                service_name=service,
                resource_detectors=[_resource(view)],
                sampler=_sampler(view.sampling),
                **_exporter(view),
            ),
        },
    }


def _tags(direction: Direction) -> list[Json]:
    """What a hop shows: the same names as the runtime library's; one without a value is left out.

    `flags` and `details` say why Envoy answered by itself: UO is an open circuit.
    """
    values = {
        "direction": direction,
        "peer": peer(direction),
        "cohort": "%REQ(X-FAIRWAY-COHORT)%",
        "version": "%METADATA(CLUSTER:fairway:version)%",
        "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
        "flags": "%RESPONSE_FLAGS%",
        "details": "%RESPONSE_CODE_DETAILS%",
        "correlation_id": "%REQ(X-CORRELATION-ID)%",
    }
    return [{"tag": f"fairway.{name}", "value": value} for name, value in values.items()]


def _resource(view: MeshView) -> Json:
    attributes = {
        "service.namespace": view.app,
        "deployment.environment.name": view.environment,
    }
    package = "extensions.tracers.opentelemetry.resource_detectors.v3"
    return {
        "name": "envoy.tracers.opentelemetry.resource_detectors.static_config",
        "typed_config": typed(
            f"{package}.StaticConfigResourceDetectorConfig", attributes=attributes
        ),
    }


def _sampler(percent: float) -> Json:
    """Whoever starts a trace draws; everyone after follows what `traceparent` says."""
    share = {"numerator": round(percent * 10_000), "denominator": "MILLION"}
    draw = _extension("trace_id_ratio_based", "TraceIdRatioBased", sampling_percentage=share)
    return _extension("parent_based", "ParentBased", wrapped_sampler=draw)


def _extension(name: str, kind: str, **fields: Any) -> Json:
    package = "extensions.tracers.opentelemetry.samplers.v3"
    return {
        "name": f"envoy.tracers.opentelemetry.samplers.{name}",
        "typed_config": typed(f"{package}.{kind}SamplerConfig", **fields),
    }


def _exporter(view: MeshView) -> Json:
    """Envoy insists on an exporter; without a collector its cluster has no address."""
    endpoint = view.otlp or "http://no-collector"
    uri = f"{endpoint.rstrip('/')}/v1/traces"
    return {"http_service": {"http_uri": {"uri": uri, "cluster": OTLP, "timeout": "1s"}}}
