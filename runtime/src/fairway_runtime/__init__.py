"""What a service imports: signed calls, governance, logs, metrics, traces and secrets.

    from fairway_runtime import fairway, ServiceClient, Secrets, get_logger, current_request

`fairway(app)` wraps any ASGI app; `ServiceClient()` calls other services. Names are loaded when
they are first used, so that a tool that needs only one part pays only for that.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fairway_runtime.asgi import fairway
    from fairway_runtime.attempts import RetryPolicy
    from fairway_runtime.client import ServiceClient
    from fairway_runtime.context import RequestContext, current_request
    from fairway_runtime.errors import (
        CallFailed,
        CircuitOpen,
        Denied,
        InvalidConfiguration,
        RuntimeLibraryError,
        SecretMissing,
    )
    from fairway_runtime.logs import get_logger
    from fairway_runtime.secrets import Secrets, SecretValue
    from fairway_runtime.settings import Settings

_HOMES = {
    "CallFailed": "errors",
    "CircuitOpen": "errors",
    "Denied": "errors",
    "InvalidConfiguration": "errors",
    "RequestContext": "context",
    "RetryPolicy": "attempts",
    "RuntimeLibraryError": "errors",
    "SecretMissing": "errors",
    "SecretValue": "secrets",
    "Secrets": "secrets",
    "ServiceClient": "client",
    "Settings": "settings",
    "current_request": "context",
    "fairway": "asgi",
    "get_logger": "logs",
}

__all__ = [
    "CallFailed",
    "CircuitOpen",
    "Denied",
    "InvalidConfiguration",
    "RequestContext",
    "RetryPolicy",
    "RuntimeLibraryError",
    "SecretMissing",
    "SecretValue",
    "Secrets",
    "ServiceClient",
    "Settings",
    "current_request",
    "fairway",
    "get_logger",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
