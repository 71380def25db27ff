"""What an app needs on this machine: ports, versions, specs."""

import contextlib
import socket
from dataclasses import replace

import pytest

from fairway.errors import Conflict
from fairway.model.load import load_app
from fairway.targets.local.blueprint import GATEWAY_PORT, Blueprint, port_plan, service_version
from fairway.targets.local.layout import open_state
from fairway.targets.local.ports import Ports
from fairway.targets.local.secret_files import Secret

APP = """
app: shop
services:
  axon: {run: axon, health: /health, intents: {reason: POST /reason}, secrets: [KEY]}
  orbit: {run: orbit, health: /health, public: /, calls: {axon: [reason]}}
  sweeper: {kind: worker, run: sweep}
"""


def app_of(text):
    return load_app("fairway.yaml", text, read=lambda _: "", variables={}).app


@pytest.fixture
def blueprint(tmp_path):
    return Blueprint(app_of(APP), open_state(tmp_path, stamp="now").state, {"PATH": "/bin"}, None)


@pytest.fixture
def ports(blueprint):
    return Ports(blueprint.state.ports, blueprint.state.instance, blueprint.declared_ports)


def test_every_listener_has_a_port_of_its_own(blueprint, ports):
    plan = port_plan(blueprint, ports, adopted=())
    assert set(plan.inbound) == set(plan.egress) == {"axon", "orbit"}
    assert set(plan.egress_to) == {("orbit", "axon")}
    found = [*plan.inbound.values(), *plan.egress.values(), *plan.egress_to.values(), plan.gateway]
    assert len(set(found)) == len(found)


def test_an_adopted_envoy_keeps_its_ports_and_others_must_find_them_free(blueprint, ports):
    before = port_plan(blueprint, ports, adopted=())
    with socket.create_server(("127.0.0.1", before.inbound["axon"])):
        adopted = port_plan(blueprint, ports, adopted={"axon"})
        fresh = port_plan(blueprint, ports, adopted=())
    assert adopted.inbound["axon"] == before.inbound["axon"]
    assert fresh.inbound["axon"] != before.inbound["axon"]


def test_the_gateway_moves_when_its_usual_port_is_taken(blueprint, ports):
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # taken by someone else: just as good
            stack.enter_context(socket.create_server(("127.0.0.1", GATEWAY_PORT)))
        assert port_plan(blueprint, ports, adopted=()).gateway != GATEWAY_PORT


def test_a_declared_gateway_port_is_insisted_on(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        text = f"{APP}\nenvironments: {{local: {{gateway: {{port: {port}}}}}}}"
        state = open_state(tmp_path, stamp="now").state
        blueprint = Blueprint(app_of(text), state, {}, None)
        with pytest.raises(Conflict, match=str(port)):
            port_plan(blueprint, Ports(state.ports, state.instance), adopted=())


def test_telemetry_stays_on_its_ports_while_somebody_sends_there(blueprint, ports):
    before = port_plan(blueprint, ports, adopted=()).telemetry
    assert before is not None
    with contextlib.ExitStack() as stack:
        for port in (before.http, before.grpc):
            stack.enter_context(socket.create_server(("127.0.0.1", port)))
        assert port_plan(blueprint, ports, {"axon"}, receiving=True).telemetry == before
        assert port_plan(blueprint, ports, {"axon"}).telemetry != before, "somebody else listens"


def test_a_collector_of_ones_own_keeps_its_port(tmp_path):
    collector = "telemetry: {otlp: 'http://localhost:4318'}"
    text = f"{APP}\nenvironments: {{local: {{{collector}}}}}"
    state = open_state(tmp_path, stamp="now").state
    blueprint = Blueprint(app_of(text), state, {}, None)
    ports = Ports(state.ports, state.instance, blueprint.declared_ports)
    plan = port_plan(blueprint, ports, adopted=())
    assert plan.telemetry is not None
    assert plan.telemetry.http != 4318
    axon = spec(blueprint, "axon", plan, {"KEY": Secret("x")}).environment(0, 1)
    assert axon.own["OTEL_EXPORTER_OTLP_ENDPOINT"] == plan.telemetry.url
    assert axon.inherited["OTEL_METRIC_EXPORT_INTERVAL"] == "5000"


def test_without_a_store_of_its_own_a_service_sends_where_the_app_file_says(tmp_path):
    elsewhere = "telemetry: {enabled: false, otlp: 'http://collector.test'}"
    text = f"{APP}\nenvironments: {{local: {{{elsewhere}}}}}"
    state = open_state(tmp_path, stamp="now").state
    shell = {"OTEL_METRIC_EXPORT_INTERVAL": "60000"}
    blueprint = Blueprint(app_of(text), state, shell, None)
    plan = port_plan(blueprint, Ports(state.ports, state.instance), adopted=())
    assert plan.telemetry is None
    axon = spec(blueprint, "axon", plan, {"KEY": Secret("x")}).environment(0, 1)
    assert axon.own["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://collector.test"
    assert axon.inherited["OTEL_METRIC_EXPORT_INTERVAL"] == "60000", "the user's own word counts"


@pytest.mark.parametrize(
    ("change", "same"),
    [({"replicas": 5}, True), ({"run": "axon --fast"}, False), ({"env": {"A": "b"}}, False)],
)
def test_a_version_follows_the_declaration_but_not_the_replicas(blueprint, change, same):
    service = blueprint.app.services["axon"]
    changed = service.model_copy(update=change)
    assert (service_version(changed) == service_version(service)) is same


def test_a_spec_holds_the_services_own_secrets_and_urls(blueprint, ports):
    plan = port_plan(blueprint, ports, adopted=())
    secrets = {"KEY": Secret("hunter2")}
    axon = spec(blueprint, "axon", plan, secrets).environment(0, 1234)
    orbit = spec(blueprint, "orbit", plan, secrets).environment(1, 1235)
    assert axon.inherited["KEY"] == "hunter2"
    assert "KEY" not in axon.own, "a new value is no reason to restart"
    assert "KEY" not in {**orbit.inherited, **orbit.own}
    assert orbit.own["AXON_URL"] == f"http://127.0.0.1:{plan.egress_to['orbit', 'axon']}"
    assert orbit.own["FAIRWAY_REPLICA"] == "1"


def test_a_start_after_a_rotation_has_the_new_value(blueprint, ports):
    secrets = {"KEY": Secret("hunter2")}
    axon = spec(blueprint, "axon", port_plan(blueprint, ports, adopted=()), secrets)
    secrets["KEY"] = Secret("hunter3", version=2)
    assert axon.environment(0, 1234).inherited["KEY"] == "hunter3"


def test_the_wish_says_how_many_replicas_run(blueprint, ports):
    plan = port_plan(blueprint, ports, adopted=())
    assert spec(blueprint, "orbit", plan, {}).replicas == 1
    assert spec(blueprint, "orbit", plan, {}, replicas=4).replicas == 4


def test_a_released_version_runs_in_its_snapshot_and_calls_by_its_own_ports(blueprint, ports):
    source = blueprint.state.app_dir / "sources"
    source.mkdir()
    (source / "orbit.py").write_text("print('hello')")
    digest = blueprint.snapshots.put(source)
    plan = port_plan(blueprint, ports, (), {("orbit", "r7")})
    released = spec(blueprint, "orbit", plan, {}, name="r7", artifact=digest, digest="sha256:x")
    variables = released.environment(0, 1234).own
    assert released.cwd == blueprint.snapshots.path(digest)
    assert released.watch == ()
    assert (released.label(0), released.version) == ("orbit.r7.0", "r7")
    assert variables["FAIRWAY_RELEASE"] == "r7"
    assert variables["AXON_URL"].endswith(f":{plan.egress_to_of['orbit', 'axon', 'r7']}")
    assert plan.egress_to_of["orbit", "axon", "r7"] != plan.egress_to["orbit", "axon"]


def spec(blueprint, service, plan, secrets, **changes):
    version = blueprint.as_desired().main(service)
    return blueprint.spec(service, replace(version, **changes), plan, secrets)
