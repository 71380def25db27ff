"""IAM Access Analyzer, which moto does not have: analyzers are kept, and find nothing.

Added: CreateAnalyzer, GetAnalyzer, UpdateAnalyzer, ListAnalyzers, DeleteAnalyzer, tags.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, unquote

from moto.iam.models import iam_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication as Dispatcher

ACCOUNT = "123456789012"
Answer = tuple[HTTPStatus, dict[str, Any]]
Analyzers = dict[str, dict[str, Any]]


def install() -> None:
    choose = Dispatcher.get_application

    def get_application(self: Dispatcher, environ: dict[str, Any]) -> Any:
        if "/access-analyzer/aws4_request" in environ.get("HTTP_AUTHORIZATION", ""):
            return _served
        return choose(self, environ)

    Dispatcher.get_application = get_application


def _served(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    status, answer = _answer(environ)
    start(f"{status.value} {status.phrase}", [("Content-Type", "application/json")])
    return [json.dumps(answer).encode()]


def _answer(environ: dict[str, Any]) -> Answer:
    region = environ["HTTP_AUTHORIZATION"].split("/")[2]
    kept = _kept(region)
    kind, _, name = unquote(environ["PATH_INFO"]).lstrip("/").partition("/")
    length = int(environ.get("CONTENT_LENGTH") or 0)
    given = json.loads(environ["wsgi.input"].read(length) or b"{}")
    match environ["REQUEST_METHOD"], kind:
        case "PUT", "analyzer" if not name:
            return HTTPStatus.OK, {"arn": _made(kept, region, given)}
        case "GET", "analyzer" if not name:
            return HTTPStatus.OK, {"analyzers": list(kept.values())}
        case "GET" | "PUT" | "DELETE", "analyzer" if name not in kept:
            return HTTPStatus.NOT_FOUND, {"message": f"no analyzer {name}"}
        case "GET", "analyzer":
            return HTTPStatus.OK, {"analyzer": kept[name]}
        case "PUT", "analyzer":
            kept[name]["configuration"] = given.get("configuration", {})
            return HTTPStatus.OK, {"configuration": kept[name]["configuration"]}
        case "DELETE", "analyzer":
            del kept[name]
            return HTTPStatus.OK, {}
        case _, "tags":
            return HTTPStatus.OK, _tagged(environ, kept[name.rpartition("/")[2]]["tags"], given)
        case _:
            return HTTPStatus.BAD_REQUEST, {"message": "not emulated"}


def _made(kept: Analyzers, region: str, given: dict[str, Any]) -> str:
    name = given["analyzerName"]
    kept[name] = {
        "arn": f"arn:aws:access-analyzer:{region}:{ACCOUNT}:analyzer/{name}",
        "name": name,
        "type": given["type"],
        "createdAt": "2026-01-01T00:00:00Z",
        "status": "ACTIVE",
        "tags": given.get("tags", {}),
    }
    if given.get("configuration"):
        kept[name]["configuration"] = given["configuration"]
    arn: str = kept[name]["arn"]
    return arn


def _tagged(environ: dict[str, Any], tags: dict[str, str], given: dict[str, Any]) -> dict[str, Any]:
    tags.update(given.get("tags", {}))
    if environ["REQUEST_METHOD"] == "DELETE":
        for key in parse_qs(environ["QUERY_STRING"]).get("tagKeys", []):
            tags.pop(key, None)
    return {"tags": tags}


def _kept(region: str) -> Analyzers:
    """Kept on the backend of IAM, which a reset replaces."""
    iam = iam_backends[ACCOUNT]["aws"]
    found: Analyzers = iam.__dict__.setdefault("_analyzers", {}).setdefault(region, {})
    return found
