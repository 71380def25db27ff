"""Asks a service for its OpenAPI document, at its own port: not through the mesh.

Programs that say what they offer do so at one of a few usual paths.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from typing import Any

from fairway.errors import NotFound
from fairway.targets.local.ports import LOOPBACK

PATHS = ("/openapi.json", "/api/openapi.json", "/swagger.json", "/v3/api-docs")
_PATIENCE = 3.0
_LARGEST = 5 * 2**20


def openapi_document(service: str, port: int) -> Mapping[str, Any]:
    """The document; blocks. NotFound when there is none at any of `PATHS`."""
    for path in PATHS:
        found = _asked(port, path)
        if found is not None:
            return found
    raise NotFound(
        "no-openapi",
        f"'{service}' has no OpenAPI document",
        where=f"http://{LOOPBACK}:{port}{PATHS[0]}",
        remedy=f"serve one at {', '.join(PATHS)}, or call it by its intents",
    )


def _asked(port: int, path: str) -> Mapping[str, Any] | None:
    connection = HTTPConnection(LOOPBACK, port, timeout=_PATIENCE)
    try:
        connection.request("GET", path, headers={"accept": "application/json"})
        answer = connection.getresponse()
        if answer.status != 200:
            return None
        document = json.loads(answer.read(_LARGEST))
    except (OSError, HTTPException, ValueError, RecursionError):  # the last: nested too deeply
        return None
    finally:
        connection.close()
    described = isinstance(document, dict) and ("openapi" in document or "swagger" in document)
    return document if described else None
