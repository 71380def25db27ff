"""One JSON line per request, the same fields on every hop. Times are microseconds.

Whoever reads the files: `fairway logs`, the canary analysis, people with `jq`. A field that has
no value on a hop is null, never missing.
"""

from __future__ import annotations

from typing import Literal

from fairway.targets.mesh.render.document import (
    STDOUT,
    EnvoyPaths,
    Json,
    typed,
)

Direction = Literal["inbound", "egress", "gateway"]


def access_log(service: str, direction: Direction, paths: EnvoyPaths) -> list[Json]:
    """The access log of one direction; all directions of an Envoy share one file, or its output."""
    loggers = "extensions.access_loggers"
    log_format = {"json_format": _fields(service, direction)}
    if paths.access_log == STDOUT:
        kind = f"{loggers}.stream.v3.StdoutAccessLog"
        return [{"name": "stdout", "typed_config": typed(kind, log_format=log_format)}]
    path, kind = str(paths.access_log), f"{loggers}.file.v3.FileAccessLog"
    return [{"name": "file", "typed_config": typed(kind, path=path, log_format=log_format)}]


def _fields(service: str, direction: Direction) -> Json:
    return {
        "time": "%START_TIME(%Y-%m-%dT%H:%M:%S.%3fZ)%",
        "direction": direction,
        "service": service,
        "peer": peer(direction),
        "method": "%REQ(:METHOD)%",
        "path": "%PATH(NQ:PATH)%",
        "status": "%RESPONSE_CODE%",
        "details": "%RESPONSE_CODE_DETAILS%",
        "flags": "%RESPONSE_FLAGS%",
        "duration_us": "%COMMON_DURATION(DS_RX_BEG:DS_TX_END:us)%",
        "upstream_us": "%COMMON_DURATION(US_TX_BEG:US_RX_END:us)%",
        "bytes": "%BYTES_SENT%",
        "request_id": "%REQ(X-REQUEST-ID)%",
        "correlation_id": "%REQ(X-CORRELATION-ID)%",
        "traceparent": "%REQ(TRACEPARENT)%",
        "cohort": "%REQ(X-FAIRWAY-COHORT)%",
        "version": "%METADATA(CLUSTER:fairway:version)%",
        "cluster": "%UPSTREAM_CLUSTER_RAW%",
        "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
        "decision": "%RESP(X-FAIRWAY-DECISION)%",
    }


def peer(direction: Direction) -> str:
    """The other side's SPIFFE ID: the caller's on the way in, the callee's on the way out."""
    return "%DOWNSTREAM_PEER_URI_SAN%" if direction == "inbound" else "%UPSTREAM_PEER_URI_SAN%"
