"""`fairway call`: what is planned, what goes over the wire, how the path reads."""

from __future__ import annotations

import hashlib
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.unit.cli.cli_driver import CommandLine

from fairway.cli.calling.hops import complete, trace_path
from fairway.cli.commands import call as command
from fairway.control.calling.plan import Ids, Wish, plan_call
from fairway.errors import FairwayError, InvalidInput, NotFound
from fairway.governance.bundle import build_bundle
from fairway.model.app import App
from fairway.targets.local.identity.authority import Authority
from fairway.targets.local.layout import StateDir, write_private
from fairway_runtime.sigv4 import SignableRequest, SigningFile, sign

IDS = Ids("c" * 32, "a" * 32, "b" * 16)
APP = App.model_validate(
    {
        "app": "shop",
        "services": {
            "orbit": {
                "run": "x",
                "public": "/",
                "intents": {
                    "dispatch": "POST /dispatch",
                    "order": "GET /orders/{id}",
                    "cancel": "DELETE /orders/{id}",
                },
            },
            "axon": {"run": "x", "library": True, "intents": {"reason": "POST /reason"}},
        },
        "clients": {"web": {"calls": {"orbit": ["dispatch"], "axon": ["reason"]}}},
    }
)
BUNDLE = build_bundle(APP, "local", 1, "")


def wish(callee: str = "orbit", **given: Any) -> Wish:
    fields: dict[str, Any] = {
        "path": "", "caller": "web", "intent": "", "method": "", "headers": (), "body": None,
    } | given  # fmt: skip
    return Wish(callee, **fields)


@pytest.mark.parametrize(
    ("given", "method", "path", "intent"),
    [
        ({"intent": "dispatch"}, "POST", "/dispatch", "dispatch"),
        ({"path": "/dispatch"}, "POST", "/dispatch", "dispatch"),
        ({"path": "/orders/7"}, "GET", "/orders/7", "order"),
        ({"path": "/orders/7?full=1"}, "GET", "/orders/7?full=1", "order"),
        ({"path": "/orders/7", "intent": "cancel"}, "DELETE", "/orders/7", "cancel"),
        ({"path": "/orders/7", "method": "delete"}, "DELETE", "/orders/7", "cancel"),
        ({"path": "/nothing"}, "GET", "/nothing", ""),
        ({"path": "/nothing", "body": b"{}"}, "POST", "/nothing", ""),
        ({}, "GET", "/", ""),
    ],
)
def test_method_path_and_intent_complete_each_other(
    given: dict[str, Any], method: str, path: str, intent: str
) -> None:
    plan = plan_call(wish(**given), BUNDLE, IDS)
    assert (plan.method, plan.path, plan.intent) == (method, path, intent)


@pytest.mark.parametrize(
    ("given", "error", "hint"),
    [
        ({"callee": "orbti"}, NotFound, "did you mean 'orbit'?"),
        ({"caller": "wbe"}, NotFound, "did you mean 'web'?"),
        ({"intent": "dispach"}, NotFound, "did you mean 'dispatch'?"),
        ({"intent": "dispatch", "path": "/orders/1"}, InvalidInput, "POST /dispatch"),
        ({"intent": "order", "method": "POST", "path": "/orders/1"}, InvalidInput, "GET /orders"),
        ({"headers": ("no colon",)}, InvalidInput, "--header"),
        ({"headers": ("a: b\r\nx: y",)}, InvalidInput, "--header"),
    ],
)
def test_what_cannot_be_meant_is_told_before_anything_is_sent(
    given: dict[str, Any], error: type[FairwayError], hint: str
) -> None:
    with pytest.raises(error) as caught:
        plan_call(wish(**given), BUNDLE, IDS)
    assert hint in caught.value.remedy


def test_ids_and_content_type_are_sent_unless_given() -> None:
    headers = dict(plan_call(wish(intent="dispatch", body=b'{"a": 1}'), BUNDLE, IDS).headers)
    assert headers["content-type"] == "application/json"
    assert headers["x-correlation-id"] == IDS.correlation
    assert headers["traceparent"] == f"00-{IDS.trace}-{IDS.span}-01"
    assert headers["host"] == "orbit.internal"
    own = wish(intent="dispatch", body=b"text", headers=("Content-Type: x/y", "Accept: a:b"))
    headers = dict(plan_call(own, BUNDLE, IDS).headers)
    assert (headers["content-type"], headers["accept"]) == ("x/y", "a:b")


def test_who_calls_has_a_kind() -> None:
    kinds = [plan_call(wish(caller=name), BUNDLE, IDS).kind for name in ("web", "axon", "")]
    assert kinds == ["Client", "Service", "Gateway"]


class _Recorder(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen: list[dict[str, Any]]
    status = 200

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        peer = ()
        if isinstance(self.connection, ssl.SSLSocket):
            peer = (self.connection.getpeercert() or {}).get("subjectAltName", ())  # type: ignore[assignment]
        found = {"headers": self.headers.items(), "body": body, "peer": dict(peer)}
        self.seen.append(found | {"path": self.path})
        answer = b'{"fine": true}'
        self.send_response(self.status)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def sidecar(
    state: StateDir, name: str, status: int = 200
) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """A server that asks for a certificate of the app's authority, as the callee's Envoy does."""
    now = datetime.now(UTC)
    authority = Authority.open(state.ca, state.identity(name).parent, "shop.local", now)
    authority.leaf(name, now)
    folder = state.identity(name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    context.load_verify_locations(folder / "authorities.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    handler = type("Handler", (_Recorder,), {"seen": [], "status": status})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server.server_port, handler.seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def state(folder: Path, monkeypatch: pytest.MonkeyPatch) -> StateDir:
    """An app that was started here: its bundle, its port book, the keys of `web`."""
    monkeypatch.setattr(command, "_HOPS_SECONDS", 0.05)
    state = StateDir(folder)
    write_private(state.policy_bundle, BUNDLE.to_json().encode())
    keys = [{"key_id": "web.1", "secret": "old"}, {"key_id": "web.2", "secret": "new"}]
    document = {"identity": "web", "kind": "Client", "region": "local", "keys": keys}
    write_private(state.identity("web") / "signing.json", json.dumps(document).encode())
    return state


def book(state: StateDir, **ports: int) -> None:
    named = {name.replace("_", "."): port for name, port in ports.items()}
    write_private(state.ports, json.dumps(named).encode())


def test_a_call_is_signed_and_carries_the_callers_certificate(
    fairway: CommandLine, state: StateDir
) -> None:
    with sidecar(state, "axon") as (port, seen):
        book(state, axon_inbound=port)
        done = fairway(
            "call", "axon", "/reason?x=a b".replace(" ", "%20"), "--as", "web",
            "--intent", "reason", "--data", '{"n": 1}', "--json",
        )  # fmt: skip
    assert done.code == 0
    assert (done.json["status"], done.json["body"]) == (200, {"fine": True})
    assert (done.json["signed"], done.json["intent"]) == (True, "reason")
    (request,) = seen
    assert request["peer"] == {"URI": "spiffe://shop.local/web"}
    assert request["body"] == b'{"n": 1}'
    headers = [(name.lower().encode(), value.encode()) for name, value in request["headers"]]
    digest = hashlib.sha256(request["body"]).hexdigest()
    assert digest in [value.decode() for name, value in headers if name == b"x-amz-content-sha256"]
    authorization = dict(headers)[b"authorization"].decode()
    assert "Credential=web.2/" in authorization
    assert "/local/axon/aws4_request" in authorization
    assert _signature_holds(state, request)


def _signature_holds(state: StateDir, request: dict[str, Any]) -> bool:
    """Sign the received request again with the caller's key: equal means that nothing changed."""
    headers = {name.lower(): value for name, value in request["headers"]}
    path, _, query = request["path"].partition("?")
    signable = SignableRequest("POST", path, query, tuple(headers.items()), request["body"])
    credentials = SigningFile(state.identity("web") / "signing.json").credentials("axon")
    at = datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    again = sign(signable, credentials, now=at.timestamp(), nonce=headers["x-fairway-nonce"])
    return again["authorization"] == headers["authorization"]


def test_a_program_with_another_identity_is_noticed(fairway: CommandLine, state: StateDir) -> None:
    with sidecar(state, "orbit") as (port, seen):
        book(state, axon_inbound=port)
        done = fairway("call", "axon", "/reason", "--as", "web", "-d", "{}")
    assert done.code == 6
    assert "spiffe://shop.local/orbit, not spiffe://shop.local/axon" in done.err
    assert seen == []


def test_a_service_without_the_library_calls_unsigned(
    fairway: CommandLine, state: StateDir
) -> None:
    with sidecar(state, "axon") as (port, seen):
        book(state, axon_inbound=port)
        done = fairway("call", "axon", "/reason", "--as", "orbit", "-d", "{}", "--json")
    assert done.json["signed"] is False
    assert "authorization" not in {name.lower() for name, _ in seen[0]["headers"]}


def test_the_public_goes_through_the_gateway(fairway: CommandLine, state: StateDir) -> None:
    handler = type("Handler", (_Recorder,), {"seen": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        book(state, gateway=server.server_port)
        done = fairway("call", "orbit", "/dispatch", "-d", "{}", "--json")
        server.shutdown()
        thread.join()
    assert (done.json["caller"], done.json["signed"]) == ("public", False)
    hosts = [value for name, value in handler.seen[0]["headers"] if name.lower() == "host"]
    assert hosts == [f"127.0.0.1:{server.server_port}"]


def test_nobody_calls_what_is_not_public_without_a_name(
    fairway: CommandLine, state: StateDir
) -> None:
    done = fairway("call", "axon", "/reason")
    assert done.code == 2
    assert "--as" in done.err
    assert "web" in done.err


def test_an_app_that_never_ran_is_told_apart_from_a_dead_sidecar(
    fairway: CommandLine, folder: Path
) -> None:
    done = fairway("call", "orbit", "/dispatch", "--as", "web")
    assert (done.code, "never-started" in done.err) == (5, True)


def test_a_sidecar_that_is_gone(fairway: CommandLine, state: StateDir) -> None:
    with sidecar(state, "axon") as (port, _):
        pass
    book(state, axon_inbound=port)
    done = fairway("call", "axon", "/reason", "--as", "web", "-d", "{}")
    assert (done.code, "unreachable" in done.err) == (5, True)


SPIFFE = "spiffe://shop.local"


def entry(direction: str, service: str, peer: str, at: float, **more: Any) -> dict[str, Any]:
    return {
        "direction": direction, "service": service, "peer": f"{SPIFFE}/{peer}", "status": 200,
        "details": "via_upstream", "flags": None, "duration_us": 900, "time": at,
        "correlation_id": "c",
    } | more  # fmt: skip


def decision(principal: str, service: str, allowed: bool, at: float) -> dict[str, Any]:
    return {
        "kind": "decision", "principal": principal, "service": service, "intent": "i",
        "allowed": allowed, "reason": "because", "policies": ["p"], "policy_set": 3,
        "decision_id": f"d-{service}", "time": at,
    }  # fmt: skip


def test_the_path_reads_in_the_order_of_the_request() -> None:
    access = [
        entry("inbound", "axon", "orbit", 3, duration_us=100),
        entry("egress", "orbit", "axon", 3, duration_us=200),
        entry("inbound", "orbit", "gateway", 1, duration_us=800),
        entry("gateway", "gateway", "orbit", 1, duration_us=900),
    ]
    decisions = [
        decision("Service::orbit", "axon", True, 3.1),
        decision("Gateway::public", "orbit", True, 1.1),
    ]
    hops = trace_path(access, decisions)
    assert [(h.by, h.caller, h.callee, h.verdict) for h in hops] == [
        ("gateway", "public", "orbit", "allowed"),
        ("mesh", "gateway", "orbit", "allowed"),
        ("library", "public", "orbit", "allowed"),
        ("mesh", "orbit", "axon", "allowed"),
        ("library", "orbit", "axon", "allowed"),
    ]
    assert hops[2].policies == ("p",)
    assert hops[0].milliseconds == 0.9


@pytest.mark.parametrize(
    ("record", "verdict"),
    [
        (entry("inbound", "axon", "web", 1, status=403, details="rbac_access_denied"), "denied"),
        (entry("inbound", "axon", "web", 1, status=403), "allowed"),
        (entry("inbound", "axon", "web", 1, status=503, details="no_healthy_upstream"), "failed"),
        (entry("egress", "orbit", "axon", 1, status=403, details="direct_response"), "denied"),
    ],
)
def test_only_what_the_envoy_itself_answered_is_its_verdict(
    record: dict[str, Any], verdict: str
) -> None:
    (hop,) = trace_path([record], [])
    assert hop.verdict == verdict


def test_a_path_is_complete_when_every_hop_has_been_written() -> None:
    inbound, egress = entry("inbound", "orbit", "web", 1), entry("egress", "orbit", "axon", 2)
    assert not complete([], "orbit")
    assert complete([inbound], "orbit")
    assert not complete([inbound, egress], "orbit")
    assert complete([inbound, egress, entry("inbound", "axon", "orbit", 2)], "orbit")
    assert complete([inbound, egress | {"details": "direct_response"}], "orbit")
    door = entry("gateway", "gateway", "orbit", 0)
    assert not complete([inbound], "orbit", public=True)
    assert complete([door, inbound], "orbit", public=True)
    assert not complete([door], "orbit", public=True)
    assert complete([door | {"details": "direct_response"}], "orbit", public=True)


def test_the_hops_come_from_the_files_of_envoys_and_services(
    fairway: CommandLine, state: StateDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command.secrets, "token_hex", lambda n: "c" * 2 * n)
    correlation = "c" * 32
    record = entry("inbound", "axon", "web", 1) | {"correlation_id": correlation}
    asked = decision("Client::web", "axon", False, 2) | {"correlation_id": correlation}
    write_private(state.logs / "axon.access.log", f"{json.dumps(record)}\n{{half".encode())
    write_private(state.audit / "axon.0.jsonl", f"{json.dumps(asked)}\n".encode())
    with sidecar(state, "axon") as (port, _):
        book(state, axon_inbound=port)
        done = fairway("call", "axon", "/reason", "--as", "web", "-d", "{}")
    assert "✓ mesh     web → axon" in done.out
    assert "✗ library  web → axon" in done.out
    assert "because; policies p; policy set 3; decision d-axon" in done.out
    assert f"fairway logs --correlation {correlation}" in done.out


def test_fail_makes_a_denial_an_exit_code(fairway: CommandLine, state: StateDir) -> None:
    with sidecar(state, "axon", status=403) as (port, _):
        book(state, axon_inbound=port)
        asked = ("call", "axon", "/reason", "--as", "web", "-d", "{}")
        assert fairway(*asked).code == 0
        assert fairway(*asked, "--fail").code == 6
