"""orbit with an axon of ours behind it: real HTTP, real policies, real signatures."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from orbit.main import app

POLICIES = """
@id("orbit-may-reason")
permit (principal == Service::"orbit", action == Action::"reason", resource == Service::"axon");
@id("nobody-retrains")
forbid (principal, action == Action::"retrain", resource == Service::"axon");
"""


@dataclass
class FakeAxon:
    """Answers with `status` and remembers what it was asked, headers in lower case."""

    url: str = ""
    status: int = 200
    received: list[dict[str, str]] = field(default_factory=list)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        handler.rfile.read(int(handler.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        self.received.append(headers | {":path": handler.path})
        body = json.dumps({"status": "alive", "correlation_id": headers["x-correlation-id"]})
        handler.send_response(self.status)
        handler.send_header("content-type", "application/json")
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body.encode())


@pytest.fixture
def axon() -> Iterator[FakeAxon]:
    fake = FakeAxon()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            fake.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        fake.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield fake
        server.shutdown()
        thread.join()


@pytest.fixture
def orbit(axon: FakeAxon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """Started in process, with the policy bundle and the signing key that Fairway would give."""
    write(tmp_path / "policies.json", bundle())
    write(tmp_path / "signing.json", signing())
    monkeypatch.setenv("FAIRWAY_SERVICE", "orbit")
    monkeypatch.setenv("FAIRWAY_ENVIRONMENT", "local")
    monkeypatch.setenv("FAIRWAY_POLICY_FILE", str(tmp_path / "policies.json"))
    monkeypatch.setenv("FAIRWAY_IDENTITY_DIR", str(tmp_path))
    monkeypatch.setenv("AXON_URL", axon.url)
    with TestClient(app) as client:
        yield client


def write(file: Path, document: dict[str, Any]) -> None:
    file.write_text(json.dumps(document))
    file.chmod(0o600)


def bundle() -> dict[str, Any]:
    """A policy bundle in the form that the control plane writes."""
    intents = {
        name: {"method": "POST", "path": f"/{name}", "stream": False}
        for name in ("reason", "retrain")
    }
    axon = {"intents": intents, "public": [], "health": "/health", "library": True}
    return {
        "version": 1,
        "app": "axon-orbit",
        "environment": "local",
        "policies": POLICIES,
        "services": {"axon": axon},
        "clients": [],
        "calls": [["Service", "orbit", "axon", name] for name in intents],
    }


def signing() -> dict[str, Any]:
    return {
        "identity": "orbit",
        "kind": "Service",
        "region": "local",
        "keys": [{"key_id": "orbit.1", "secret": "a secret for tests"}],
    }
