"""OTLP over gRPC: generic handlers that take and give bytes, so that nothing is encoded twice.

`main.py` starts it. gRPC's library unpacks gzip by itself. What cannot be read is refused with
INVALID_ARGUMENT, what there is no room for with RESOURCE_EXHAUSTED and a `RetryInfo`, without which
clients would not try again.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

import grpc

from fairway.errors import FairwayError, Unavailable
from fairway.telemetry.config import Address
from fairway.telemetry.receiver.reception import LARGEST, Arrived, Reception
from fairway.telemetry.receiver.replies import RESOURCE_EXHAUSTED, Signal, status, success

Handler = Callable[[bytes, grpc.ServicerContext], bytes]

_SERVICES: Final[dict[str, Signal]] = {
    "opentelemetry.proto.collector.trace.v1.TraceService": "traces",
    "opentelemetry.proto.collector.metrics.v1.MetricsService": "metrics",
    "opentelemetry.proto.collector.logs.v1.LogsService": "logs",
}
_DETAILS: Final = "grpc-status-details-bin"
_THREADS: Final = 2
_MOST_AT_ONCE: Final = 64
"""Requests under way; gRPC refuses more by itself, with RESOURCE_EXHAUSTED."""


def grpc_server(reception: Reception, address: Address) -> grpc.Server:
    """A started server. Unavailable when it cannot listen there."""
    server = grpc.server(
        ThreadPoolExecutor(_THREADS, thread_name_prefix="grpc"),
        options=[
            ("grpc.so_reuseport", 0),  # else two receivers would share a port, and nobody notice
            ("grpc.max_receive_message_length", LARGEST),
        ],
        maximum_concurrent_rpcs=_MOST_AT_ONCE,
    )
    for service, signal in _SERVICES.items():
        export: Handler = partial(_export, reception, signal)
        method: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(export)
        handler = grpc.method_handlers_generic_handler(service, {"Export": method})
        server.add_generic_rpc_handlers((handler,))
    try:
        server.add_insecure_port(str(address))
    except RuntimeError as error:
        raise Unavailable(
            "port-taken",
            f"nothing can listen on {address}",
            remedy="stop the program that listens there",
        ) from error
    server.start()
    return server


def _export(
    reception: Reception, signal: Signal, body: bytes, context: grpc.ServicerContext
) -> bytes:
    try:
        found = reception.accept(Arrived(signal, body))
    except Unavailable as error:
        details = status(RESOURCE_EXHAUSTED, str(error), retry=True)
        context.set_trailing_metadata(((_DETAILS, details),))
        context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, str(error))
    except FairwayError as error:
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
    return success(found.rejected, found.complaint)
