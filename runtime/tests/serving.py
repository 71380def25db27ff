"""A governed service for tests: its files, its ASGI app, and a real uvicorn on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import socket
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import uvicorn

from fairway_runtime.asgitypes import App, Receive, Scope, Send
from fairway_runtime.context import current_request
from fairway_runtime.intents import IntentRoute
from fairway_runtime.policy.bundle import BundleService, PolicyBundle, PublicPath
from fairway_runtime.settings import Settings
from fairway_runtime.sigv4 import Credentials, SignableRequest, derive_signing_key, sign

SECRETS = {"orbit": "orbit-secret-1", "web": "web-secret-1", "lynx": "lynx-secret-1"}
KINDS = {"orbit": "Service", "web": "Client", "lynx": "Service"}
POLICIES = """
permit (principal == Service::"orbit", action == Action::"reason", resource == Service::"axon");
permit (principal == Service::"orbit", action == Action::"item", resource == Service::"axon");
permit (principal == Service::"orbit", action == Action::"upload", resource == Service::"axon");
permit (principal == Service::"orbit", action == Action::"chat", resource == Service::"axon");
permit (principal == Gateway::"public", action == Action::"open", resource == Service::"axon");
"""
AXON = BundleService(
    intents={
        "reason": IntentRoute("reason", "POST", "/reason"),
        "forbidden": IntentRoute("forbidden", "POST", "/forbidden"),
        "item": IntentRoute("item", "GET", "/items/{id}"),
        "upload": IntentRoute("upload", "POST", "/upload", stream=True),
        "chat": IntentRoute("chat", "GET", "/chat", stream=True),
        "open": IntentRoute("open", "GET", "/open/page"),
    },
    public=(PublicPath("/open"),),
    health="/health",
    library=True,
)
GATEWAY = ("x-forwarded-client-cert", "Hash=ab;URI=spiffe://shop.local/gateway")


def bundle(policies: str = POLICIES, version: int = 1) -> PolicyBundle:
    calls = {("Service", "orbit", "axon", intent) for intent in AXON.intents}
    return PolicyBundle(
        version, "shop", "local", policies, {"axon": AXON, "orbit": BundleService({})},
        ("web",), frozenset(calls),
    )  # fmt: skip


def write_files(folder: Path, service: str = "axon") -> dict[str, str]:
    """Identity, policies and audit folder of a service; the variables that name them."""
    today = time.time()
    days = [time.strftime("%Y%m%d", time.gmtime(today + d * 86_400)) for d in (-1, 0, 1)]
    entries = [
        {
            "key_id": f"{name}.1", "caller": name, "kind": KINDS[name], "date": day,
            "key": derive_signing_key(secret, day, "local", service).hex(),
        }
        for name, secret in SECRETS.items()
        for day in days
    ]  # fmt: skip
    identity = folder / "identity"
    identity.mkdir(exist_ok=True)
    verifying = {"service": service, "region": "local", "keys": entries}
    (identity / "verifying.json").write_text(json.dumps(verifying))
    name = service if service in SECRETS else "orbit"
    signing = {
        "identity": name, "kind": KINDS[name], "region": "local",
        "keys": [{"key_id": f"{name}.1", "secret": SECRETS[name]}],
    }  # fmt: skip
    (identity / "signing.json").write_text(json.dumps(signing))
    (folder / "active.json").write_text(bundle().to_json())
    return {
        "FAIRWAY_APP": "shop",
        "FAIRWAY_ENVIRONMENT": "local",
        "FAIRWAY_SERVICE": service,
        "FAIRWAY_RELEASE": "r7",
        "FAIRWAY_IDENTITY_DIR": str(identity),
        "FAIRWAY_POLICY_FILE": str(folder / "active.json"),
        "FAIRWAY_AUDIT_DIR": str(folder / "audit"),
        "FAIRWAY_METRICS": "1",
    }


def settings(folder: Path, **more: str) -> Settings:
    return Settings.from_environment({**write_files(folder), **more})


def signed(
    host: str,
    method: str = "POST",
    target: str = "/reason",
    body: bytes | None = b"{}",
    caller: str = "orbit",
    headers: Mapping[str, str] | None = None,
    nonce: str | None = None,
    now: float | None = None,
) -> dict[str, str]:
    """Headers of a call to axon, signed by `caller`."""
    path, _, query = target.partition("?")
    pairs = {"host": host, **(headers or {})}
    added = sign(
        SignableRequest(method, path, query, list(pairs.items()), body),
        Credentials(f"{caller}.1", SECRETS[caller], "local", "axon"),
        now=now or time.time(),
        nonce=nonce or secrets.token_urlsafe(18),
    )
    return {**pairs, **added}


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with what it knows of the request; `/boom` raises, `/missing` is a 404."""
    if scope["type"] == "lifespan":
        raise NotImplementedError("this app knows nothing of lifespan")
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": current_request().correlation_id})
        await send({"type": "websocket.close"})
        return
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    if scope["path"].endswith("boom"):
        raise RuntimeError("boom")
    status = 404 if scope["path"] in ("/missing", "/health") else 200
    headers = []
    if scope["query_string"] == b"own=403":
        status, headers = 403, [(b"x-fairway-decision", b"deny"), (b"x-own", b"1")]
    document = {"path": scope["path"], "length": len(body), "body": body[:100].decode("latin-1")}
    with contextlib.suppress(LookupError):
        document |= known()
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(document).encode()})


def known() -> dict[str, Any]:
    request = current_request()
    return {
        "caller": f"{request.caller.kind}::{request.caller.name}" if request.caller else None,
        "intent": request.intent,
        "correlation_id": request.correlation_id,
        "trace_id": request.trace_id,
        "span_id": request.span_id,
        "source": request.source,
        "deadline": request.deadline,
        "from_gateway": request.from_gateway,
        "decision_id": request.decision.decision_id if request.decision else None,
    }


@contextlib.asynccontextmanager
async def served(app: App, **options: Any) -> AsyncIterator[str]:
    """`app` on a real uvicorn; gives its `host:port`."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, ws="websockets-sansio", **options)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:
            assert not task.done(), "the server stopped while starting"
            await asyncio.sleep(0.005)
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listener.close()
