"""The topology as drawn, variables of a service as shown, what the receiver is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairway.control.connections import topology
from fairway.control.port import EnvoyStatus, ReplicaStatus, ServiceStatus, SystemStatus
from fairway.control.receiver_config import receiver_config
from fairway.control.receiving import SOCKET_VARIABLE, receiver_program
from fairway.control.topology import Edge, NodeVersion
from fairway.control.variables import MASK, masked
from fairway.governance.access import AccessTable, compile_access
from fairway.model.app import App
from fairway.targets.local.layout import StateDir
from fairway.targets.local.receiver import Run
from fairway.targets.mesh.view import TelemetryPorts
from fairway.telemetry.config import HTTP_SOCKET, ReceiverConfig

DECLARED = {
    "app": "shop",
    "services": {
        "axon": {"run": "x", "intents": {"reason": "POST /reason", "train": "POST /train"}},
        "orbit": {
            "run": "x", "public": "/", "library": True, "intents": {"go": "POST /go"},
            "calls": {"axon": ["reason", "train"]}, "stores": ["db"], "publishes": ["made"],
        },
        "mailer": {"run": "x", "kind": "worker", "subscribes": ["made"]},
    },
    "clients": {"web": {"calls": {"orbit": ["go"]}}},
    "stores": {"db": {"kind": "postgres"}},
    "topics": {"made": {}},
    "slos": {"fast": {"service": "orbit", "intent": "go", "p95": "200ms"}},
}  # fmt: skip
SHOP = App.model_validate(DECLARED)
FORBID = 'permit (principal, action == Action::"go", resource);'
STATE = StateDir(Path("/app"))


def replica(version: str, state: str = "healthy", restarts: int = 0) -> ReplicaStatus:
    return ReplicaStatus(0, state, 1, 2, restarts, 3.0, "", version)  # type: ignore[arg-type]


def status(*services: ServiceStatus) -> SystemStatus:
    envoys = (EnvoyStatus("gateway", "healthy", 1),)
    return SystemStatus("shop", "local", "running", "", "http://g", 1, 0.0, services, envoys)


def drawn(access: AccessTable | None = None) -> dict[tuple[str, str], Edge]:
    edges = topology(SHOP, status(), {}, access or compile_access(SHOP, None)).edges
    return {(edge.source, edge.target): edge for edge in edges}


def test_a_node_has_its_versions_with_weights_and_health() -> None:
    orbit = ServiceStatus(
        "orbit", "http", "degraded", 3, "r7",
        (replica("r7"), replica("r8", "backoff", 4), replica("r8")), ("http://g/",),
    )  # fmt: skip
    found = topology(SHOP, status(orbit), {"orbit": {"r7": 90, "r8": 10}}, AccessTable({}, ()))
    nodes = {node.name: node for node in found.nodes}
    assert nodes["orbit"].versions == (NodeVersion("r7", 90, 1, 1), NodeVersion("r8", 10, 2, 1))
    assert (nodes["orbit"].state, nodes["orbit"].restarts) == ("degraded", 4)
    assert (nodes["axon"].state, nodes["gateway"].state) == ("stopped", "healthy")
    kinds = {name: node.kind for name, node in nodes.items()}
    assert (kinds["web"], kinds["db"], kinds["made"], kinds["public"]) == (
        "client", "store", "topic", "public",
    )  # fmt: skip


def test_edges_are_what_is_declared() -> None:
    edges = drawn()
    assert edges["orbit", "axon"] == Edge("orbit", "axon", "call", ("reason", "train"), True, True)
    assert edges["gateway", "orbit"].intents == ("go",)
    assert edges["public", "gateway"] == Edge("public", "gateway", "public")
    kinds = {ends: edge.kind for ends, edge in edges.items()}
    assert kinds["orbit", "db"] == "store"
    assert (kinds["orbit", "made"], kinds["made", "mailer"]) == ("publish", "subscribe")
    assert edges["web", "orbit"].mutual_tls


def test_what_no_policy_lets_through_is_drawn_as_denied() -> None:
    edges = drawn(compile_access(SHOP, FORBID))
    assert not edges["orbit", "axon"].allowed
    assert edges["web", "orbit"].allowed
    assert edges["gateway", "orbit"].allowed


def test_no_secret_is_shown_declared_as_one_or_not() -> None:
    own = {
        "PORT": "1", "KEY": "k", "API_TOKEN": "t", "EMPTY_SECRET": "", "FAIRWAY_SECRETS_DIR": "/s",
        "DATABASE_URL": "postgres://ada:hunter2@db/shop", "HOME_PAGE": "http://x/y@z",
    }  # fmt: skip
    shown = {each.name: each.value for each in masked(own, ["KEY", "OTHER"])}
    assert shown["KEY"] == shown["OTHER"] == shown["API_TOKEN"] == MASK
    assert shown["DATABASE_URL"] == f"postgres://ada:{MASK}@db/shop"
    assert (shown["PORT"], shown["EMPTY_SECRET"]) == ("1", "")
    assert shown["FAIRWAY_SECRETS_DIR"] == "/s", "where they are is none"
    assert shown["HOME_PAGE"] == "http://x/y@z"
    assert list(shown) == sorted(shown)


@pytest.mark.parametrize(
    "name", ["OTEL_EXPORTER_OTLP_HEADERS", "AUTHORIZATION", "DB_PWD", "PASSPHRASE", "SIGNING_KEY"]
)
def test_what_holds_a_secret_by_custom_is_masked(name: str) -> None:
    (shown,) = masked({name: "Bearer abc"}, ())
    assert (shown.value, shown.secret) == (MASK, True)


def test_a_password_is_masked_up_to_the_last_at() -> None:
    (shown,) = masked({"DSN": "postgres://ada:p@ss@db/shop?a=b@c"}, ())
    assert shown.value == f"postgres://ada:{MASK}@db/shop?a=b@c"


def test_the_receiver_is_told_what_it_needs_of_the_app() -> None:
    found = receiver_config(SHOP, STATE, TelemetryPorts(4318, 4317), Run(3, 5.0))
    assert (found.run, found.http.port, found.grpc.port) == (3, 4318, 4317)
    assert (found.retention.size, found.forward) == (2 * 2**30, None)
    assert [each.name for each in found.services["axon"].intents] == ["reason", "train"]
    assert (found.services["orbit"].library, found.services["axon"].library) == (True, False)
    assert [(slo.name, slo.p95) for slo in found.slos] == [("fast", 0.2)]
    assert ReceiverConfig.from_json(found.to_json()) == found
    assert SOCKET_VARIABLE == HTTP_SOCKET


def test_where_telemetry_is_switched_off_there_is_no_receiver() -> None:
    off = {"environments": {"local": {"telemetry": {"enabled": False}}}}
    assert receiver_program(lambda: App.model_validate(DECLARED | off), STATE) is None
    assert receiver_program(lambda: SHOP, STATE) is not None
