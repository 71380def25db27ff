"""Two releases in force at once: neither loses what it may do, and the newer one's word counts."""

import pytest

from fairway.errors import InvalidInput
from fairway.model.app import App
from fairway.targets.merging import merged


def app(**services):
    return App.model_validate({"app": "shop", "services": services})


def service(**keys):
    return {"run": "x", **keys}


OLD = app(
    axon=service(
        intents={"ask": "GET /ask", "old": "GET /old"}, public=["/a", "/old"], health="/health"
    ),
    orbit=service(calls={"axon": ["ask", "old"]}),
)
NEW = app(
    axon=service(
        intents={"ask": "POST /ask", "new": "GET /new"}, public=["/a", "/new"], health="/health"
    ),
    orbit=service(calls={"axon": {"intents": ["new"], "timeout": "3s"}}),
)


def test_one_app_is_itself():
    assert merged([NEW]) == NEW


def test_both_versions_keep_intents_calls_and_routes():
    both = merged([OLD, NEW])
    axon, orbit = both.services["axon"], both.services["orbit"]
    assert set(axon.intents) == {"ask", "old", "new"}
    assert axon.intents["ask"].method == "POST"
    assert [route.path for route in axon.public] == ["/a", "/new", "/old"]
    assert orbit.calls["axon"].intents == ("new", "ask", "old")
    assert orbit.calls["axon"].timeout == 3.0


def test_the_order_decides_who_wins():
    assert merged([NEW, OLD]).services["axon"].intents["ask"].method == "GET"


def test_with_two_health_paths_the_mesh_looks_at_the_port_only():
    moved = app(axon=service(health="/ready"), orbit=service())
    assert merged([OLD, moved]).services["axon"].health.path is None
    assert merged([OLD, NEW]).services["axon"].health.path == "/health"


def test_a_service_that_goes_away_stays_while_it_runs():
    alone = app(orbit=service())
    assert set(merged([OLD, alone], running=["axon", "orbit"]).services) == {"axon", "orbit"}
    gone = merged([OLD, alone], running=["orbit"])
    assert set(gone.services) == {"orbit"}
    assert gone.services["orbit"].calls == {}


@pytest.mark.parametrize("change", [{"protocol": "http2"}, {"kind": "worker"}])
def test_one_service_in_two_ways_at_once_is_refused(change):
    one, other = app(axon=service()), app(axon=service(**change))
    with pytest.raises(InvalidInput, match="axon cannot be reached in two ways"):
        merged([one, other])


def test_clients_keep_their_calls():
    def with_client(intent):
        calls = {"web": {"calls": {"axon": [intent]}}}
        services = {"axon": service(intents={intent: f"GET /{intent}"})}
        return App.model_validate({"app": "shop", "services": services, "clients": calls})

    both = merged([with_client("one"), with_client("two")])
    assert set(both.clients["web"].calls["axon"].intents) == {"one", "two"}
