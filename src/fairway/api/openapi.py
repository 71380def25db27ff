"""The OpenAPI 3.1 document, made to say the truth: `python -m fairway.api.openapi FILE` writes it.

FastAPI declares a 422 for every invalid request; this API answers 400, and what door, roles and
idempotency add to an operation FastAPI cannot see. The published copy is `docs/api/openapi.json`;
a test holds it against what is served.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from fairway.api.problems import ProblemDocument, fails
from fairway.control.door import ROLES

Json = dict[str, Any]
_DESCRIPTION = (
    "Every request carries a bearer token; `security` of an operation names the role that it "
    f"needs, and a role includes the ones before it: {' < '.join(ROLES)}. "
    "Errors are problem documents (RFC 9457). Times are Unix seconds."
)
_ALWAYS = (400, 401, 403, 429, 500)
_POST = (409, 413, 422)
"""What idempotency may answer."""


def operation_id(route: APIRoute) -> str:
    """The function's name; below an environment what exists locally as well says so."""
    shared = "/environments/{environment}/" in route.path and "records" in route.endpoint.__module__
    return f"environment_{route.name}" if shared else route.name


def install_document(app: FastAPI) -> None:
    """Have the app serve the truthful document."""

    def openapi() -> Json:
        if app.openapi_schema is None:
            app.openapi_schema = document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI documents this as the way


def document(app: FastAPI) -> Json:
    """The document of an app's routes."""
    found = get_openapi(
        title=app.title, version=app.version, description=_DESCRIPTION, routes=app.routes
    )
    schemas: Json = found["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    _add_problem(schemas)
    for methods in found["paths"].values():
        for method, operation in methods.items():
            _complete(method, operation)
    return found


def _complete(method: str, operation: Json) -> None:
    responses: Json = operation["responses"]
    responses.pop("422", None)
    for status, declared in fails(*_ALWAYS, *(_POST if method == "post" else ())).items():
        responses.setdefault(str(status), declared)
    responses["401"]["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    responses["429"]["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
    if method != "post":
        _drop_key(operation)
    for parameter in operation.get("parameters", []):
        _drop_null(parameter["schema"])


def _drop_key(operation: Json) -> None:
    """`Idempotency-Key` is a matter of POST; the other methods are idempotent by themselves."""
    kept = [p for p in operation.get("parameters", []) if p["name"] != "idempotency-key"]
    if kept:
        operation["parameters"] = kept
    else:
        operation.pop("parameters", None)


def _drop_null(schema: Json) -> None:
    """A parameter that is not there is absent: only bodies can say null."""
    chosen = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    if len(chosen) == 1:
        del schema["anyOf"]
        schema.update(chosen[0])


def _add_problem(schemas: Json) -> None:
    place = "#/components/schemas/{model}"
    own = ProblemDocument.model_json_schema(ref_template=place, mode="serialization")
    schemas.update(own.pop("$defs", {}))
    schemas["ProblemDocument"] = own


if __name__ == "__main__":
    from fairway.api.app import bare_app

    text = json.dumps(document(bare_app()), indent=2, sort_keys=True) + "\n"
    Path(sys.argv[1]).write_text(text, encoding="utf-8")
