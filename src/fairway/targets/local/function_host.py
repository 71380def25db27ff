"""The server behind services of kind `function`: an AWS Lambda handler behind an HTTP port.

Started by the supervisor as `python -m fairway.targets.local.function_host module:callable`, in
the service's folder. The handler gets an API Gateway event in payload format 2.0 and answers in
it, so the same file runs on AWS Lambda behind an HTTP API or a function URL:
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html

Like a Lambda instance it handles one event at a time: code written for Lambda may rely on that.
More at a time is what more `replicas` are for.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import importlib
import json
import os
import sys
import time
import traceback
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from fairway.errors import InvalidInput
from fairway.targets.local.ports import LOOPBACK

Handler = Callable[[dict[str, Any], "FunctionContext"], Any]

_TEXT_TYPES = ("text/", "application/json", "application/javascript", "application/xml")
_TIME_LIMIT = 29.0
"""API Gateway gives up on an HTTP API's integration after this many seconds (30 at most)."""


@dataclass(frozen=True, slots=True)
class FunctionContext:
    """The second argument of a handler, with the names that AWS Lambda uses."""

    function_name: str
    aws_request_id: str
    function_version: str = "$LATEST"
    memory_limit_in_mb: str = "512"
    invoked_function_arn: str = ""
    deadline: float = field(default_factory=lambda: time.monotonic() + _TIME_LIMIT)

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the caller gives up."""
        return max(0, int((self.deadline - time.monotonic()) * 1000))


@dataclass(frozen=True, slots=True)
class Incoming:
    """What an event is made of. `path` is as sent, still percent-encoded."""

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    source: str
    request_id: str
    at: datetime


def event_of(incoming: Incoming) -> dict[str, Any]:
    """The API Gateway event (payload format 2.0) of a request. Pure."""
    headers = _joined(incoming.headers)
    cookies = headers.pop("cookie", None)
    text = _as_text(incoming.body, headers.get("content-type", ""))
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": incoming.path,
        "rawQueryString": incoming.query,
        "headers": headers,
        "requestContext": _request_context(incoming, headers),
        "isBase64Encoded": bool(incoming.body) and text is None,
    }
    if cookies is not None:
        event["cookies"] = [cookie.strip() for cookie in cookies.split(";")]
    if incoming.query:
        pairs = parse_qsl(incoming.query, keep_blank_values=True)
        event["queryStringParameters"] = _joined(tuple(pairs))
    if incoming.body:
        event["body"] = text if text is not None else base64.b64encode(incoming.body).decode()
    return event


def response_of(answer: Any) -> Response:
    """The HTTP response that a handler's answer means. ValueError for one that means none. Pure.

    An answer without `statusCode` is a body: 200 and JSON, as API Gateway infers it.
    """
    if not (isinstance(answer, Mapping) and "statusCode" in answer):
        text = answer if isinstance(answer, str) else json.dumps(answer)
        return Response(text, media_type="application/json")
    response = Response(_body(answer), status_code=_status(answer["statusCode"]))
    for name, value in (answer.get("headers") or {}).items():
        response.headers[str(name)] = _header(value)
    for cookie in answer.get("cookies") or ():
        response.headers.append("set-cookie", str(cookie))
    if "content-type" not in response.headers:
        response.headers["content-type"] = "text/plain; charset=utf-8"
    return response


def load_handler(reference: str) -> Handler:
    """Import `module:callable`; InvalidInput when there is no such thing."""
    module_name, _, name = reference.partition(":")
    module = importlib.import_module(module_name)
    handler = getattr(module, name, None)
    if not callable(handler):
        raise InvalidInput(
            "no-such-handler",
            f"the module {module_name} has no function {name}",
            where=reference,
            remedy="correct `handler` in the app file: module:callable",
        )
    return handler  # type: ignore[no-any-return]  # found by name: its type is the user's promise


class FunctionHost:
    """An ASGI application that turns requests into events for one handler."""

    def __init__(self, handler: Handler, name: str) -> None:
        self._handler = handler
        self._name = name
        self._one_at_a_time = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        if scope["type"] != "http":
            raise ValueError(f"a function answers HTTP requests only, not {scope['type']}")
        incoming = await _read(Request(scope, receive))
        response = await self._answer(incoming)
        await response(scope, receive, send)

    async def _answer(self, incoming: Incoming) -> Response:
        context = FunctionContext(self._name, incoming.request_id)
        try:
            async with self._one_at_a_time:
                answer = await asyncio.to_thread(self._handler, event_of(incoming), context)
            return response_of(answer)
        except Exception:  # noqa: BLE001 - whatever the user's code raises is one failed event
            traceback.print_exc()
            return Response(
                '{"message": "Internal Server Error"}', 500, media_type="application/json"
            )


async def _read(request: Request) -> Incoming:
    raw_path = request.scope.get("raw_path") or request.scope["path"].encode()
    return Incoming(
        method=request.method,
        path=raw_path.decode("latin-1"),
        query=request.scope["query_string"].decode("latin-1"),
        headers=tuple((k.decode("latin-1"), v.decode("latin-1")) for k, v in request.headers.raw),
        body=await request.body(),
        source=request.client.host if request.client else LOOPBACK,
        request_id=request.headers.get("x-request-id") or str(uuid.uuid4()),
        at=datetime.now(UTC),
    )


def _request_context(incoming: Incoming, headers: Mapping[str, str]) -> dict[str, Any]:
    domain = headers.get("host", "").partition(":")[0]
    return {
        "accountId": "anonymous",
        "apiId": "local",
        "domainName": domain,
        "domainPrefix": domain.partition(".")[0],
        "http": {
            "method": incoming.method,
            "path": incoming.path,
            "protocol": "HTTP/1.1",
            "sourceIp": incoming.source,
            "userAgent": headers.get("user-agent", ""),
        },
        "requestId": incoming.request_id,
        "routeKey": "$default",
        "stage": "$default",
        "time": incoming.at.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(incoming.at.timestamp() * 1000),
    }


def _joined(pairs: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """Duplicates become one value with commas, cookies with semicolons."""
    joined: dict[str, str] = {}
    for name, value in pairs:
        separator = "; " if name == "cookie" else ","
        joined[name] = f"{joined[name]}{separator}{value}" if name in joined else value
    return joined


def _as_text(body: bytes, content_type: str) -> str | None:
    if not content_type.startswith(_TEXT_TYPES) and "+json" not in content_type:
        return None
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _status(value: Any) -> int:
    status = int(value)
    if not 100 <= status <= 599:
        raise ValueError(f"statusCode {status} is not an HTTP status")
    return status


def _body(answer: Mapping[str, Any]) -> bytes:
    body = answer.get("body")
    if body is None:
        return b""
    if answer.get("isBase64Encoded"):
        try:
            return base64.b64decode(body, validate=True)
        except (binascii.Error, TypeError):
            raise ValueError("isBase64Encoded is true and body is not base64") from None
    return (body if isinstance(body, str) else json.dumps(body)).encode()


def _header(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def main() -> None:
    """Serve the handler given as the only argument until SIGTERM."""
    sys.path.insert(0, str(Path.cwd()))
    try:
        handler = load_handler(sys.argv[1])
    except InvalidInput as error:
        sys.exit(str(error))
    host = FunctionHost(handler, os.environ.get("FAIRWAY_SERVICE", sys.argv[1]))
    address = os.environ.get("HOST", LOOPBACK)
    uvicorn.run(host, host=address, port=int(os.environ["PORT"]), lifespan="off")


if __name__ == "__main__":
    main()
