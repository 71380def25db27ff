"""Sends a planned call: mutual TLS straight to the callee's sidecar, or plain to the gateway.

Needs no control plane: certificates, keys and ports are in the state folder. The callee's SPIFFE ID
is checked, so a program that took over the port is noticed. Signing is the runtime library's own.
"""

from __future__ import annotations

import json
import secrets
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import cast

from fairway.control.calling.plan import CallPlan
from fairway.errors import NotFound, Refused, Unavailable
from fairway.targets.local.identity.authority import Authority
from fairway.targets.local.layout import StateDir
from fairway_runtime.policy.bundle import InvalidBundle, PolicyBundle
from fairway_runtime.sigv4 import SignableRequest, SigningFile, sign


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. `seconds` from connecting to the last byte; `signed` how it was sent."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes
    seconds: float
    signed: bool
    address: str


def read_bundle(state: StateDir) -> PolicyBundle:
    """What the running services decide by; raises Unavailable when the app never ran here."""
    try:
        return PolicyBundle.from_json(state.policy_bundle.read_text("utf-8"))
    except (FileNotFoundError, InvalidBundle) as error:
        raise Unavailable(
            "never-started",
            "this app has not been started here",
            where=str(state.home),
            remedy="start it with `fairway up -d`",
        ) from error


def send_as(plan: CallPlan, state: StateDir, bundle: PolicyBundle, timeout: float) -> Reply:
    """Call as a client or a service: with its certificate, signed where it has signing keys.

    Raises Unavailable when the sidecar is not there, Refused when TLS or the peer is not right.
    """
    port = port_of(state, f"{plan.callee}.inbound")
    trust_domain = f"{bundle.app}.{bundle.environment}"
    context = _tls(state, trust_domain, plan.caller)
    connection = HTTPSConnection("127.0.0.1", port, timeout=timeout, context=context)
    signature = _signature(plan, state)
    headers = dict(plan.headers) | signature
    started = time.perf_counter()
    try:
        connection.connect()
        _check_peer(connection, f"spiffe://{trust_domain}/{plan.callee}")
        return _exchange(connection, plan, headers, started, signed=bool(signature))
    except ssl.SSLError as error:
        raise _tls_refused(plan, error) from error
    except (OSError, HTTPException) as error:
        raise _unreachable(f"the sidecar of {plan.callee}", port, error) from error
    finally:
        connection.close()


def send_public(plan: CallPlan, port: int, timeout: float) -> Reply:
    """Call through the gateway as anyone could: unsigned. Raises Unavailable without a gateway."""
    headers = {name: value for name, value in plan.headers if name != "host"}
    headers["host"] = dict(plan.headers).get("host", "")
    if headers["host"].endswith(".internal"):
        headers["host"] = f"127.0.0.1:{port}"
    connection = HTTPConnection("127.0.0.1", port, timeout=timeout)
    started = time.perf_counter()
    try:
        return _exchange(connection, plan, headers, started, signed=False)
    except (OSError, HTTPException) as error:
        raise _unreachable("the gateway", port, error) from error
    finally:
        connection.close()


def port_of(state: StateDir, key: str) -> int:
    """A port from the port book; raises NotFound for who has none."""
    try:
        book = json.loads(state.ports.read_bytes())
        return int(book[key])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NotFound(
            "no-port",
            f"there is no port for {key}: it does not serve, or was never started",
            where=str(state.ports),
            remedy="see `fairway status -v`",
        ) from error


def _exchange(
    connection: HTTPConnection,
    plan: CallPlan,
    headers: Mapping[str, str],
    started: float,
    *,
    signed: bool,
) -> Reply:
    connection.putrequest(plan.method, plan.path, skip_host=True, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    if plan.body or plan.method in ("POST", "PUT", "PATCH"):
        connection.putheader("content-length", str(len(plan.body)))
    connection.endheaders(plan.body or None)
    answer = connection.getresponse()
    body = answer.read()
    return Reply(
        answer.status,
        answer.reason,
        {name.lower(): value for name, value in answer.getheaders()},
        body,
        time.perf_counter() - started,
        signed,
        f"127.0.0.1:{connection.port}",
    )


def _tls(state: StateDir, trust_domain: str, caller: str) -> ssl.SSLContext:
    if not (state.ca / "certificate.pem").exists():
        raise Unavailable(
            "no-authority",
            "there is no certificate authority yet",
            where=str(state.ca),
            remedy="start the app once with `fairway up -d`",
        )
    identities = state.identity(caller).parent
    now = datetime.now(UTC)
    Authority.open(state.ca, identities, trust_domain, now).leaf(caller, now)
    folder = state.identity(caller)
    context = ssl.create_default_context(cafile=str(folder / "authorities.pem"))
    context.check_hostname = False  # SPIFFE IDs are URIs: `_check_peer` compares them instead
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    context.set_alpn_protocols(["http/1.1"])
    return context


def _check_peer(connection: HTTPSConnection, expected: str) -> None:
    assert isinstance(connection.sock, ssl.SSLSocket)
    certificate = connection.sock.getpeercert() or {}
    names = cast(tuple[tuple[str, str], ...], certificate.get("subjectAltName", ()))
    found = [value for kind, value in names if kind == "URI"]
    if found != [expected]:
        raise Refused(
            "wrong-peer",
            f"the program that answers is {', '.join(found) or 'nameless'}, not {expected}",
            remedy="see who listens there; `fairway down && fairway up -d` starts afresh",
        )


def _signature(plan: CallPlan, state: StateDir) -> dict[str, str]:
    """The signature's headers; none for a service without the library, which has no keys."""
    file = state.identity(plan.caller) / "signing.json"
    if not file.exists():
        return {}
    path, _, query = plan.path.partition("?")
    request = SignableRequest(plan.method, path, query, plan.headers, plan.body)
    credentials = SigningFile(file).credentials(plan.callee)
    return sign(request, credentials, now=time.time(), nonce=secrets.token_urlsafe(16))


def _tls_refused(plan: CallPlan, error: ssl.SSLError) -> Refused:
    return Refused(
        "mutual-tls-refused",
        f"mutual TLS with {plan.callee} failed as {plan.caller}: {error.reason}",
        remedy="`fairway restart` renews certificates; see `fairway status -v`",
    )


def _unreachable(who: str, port: int, error: Exception) -> Unavailable:
    return Unavailable(
        "unreachable",
        f"{who} cannot be reached: {error}",
        where=f"127.0.0.1:{port}",
        remedy="see `fairway status`; start the app with `fairway up -d`",
    )
