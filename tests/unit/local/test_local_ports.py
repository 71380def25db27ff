"""Ports: stable while free, never given twice, and a conflict names the holder."""

import json
import os
import socket

import pytest

from fairway.errors import Conflict, Unavailable
from fairway.targets.local.ports import HIGHEST, LOWEST, Ports, holder_of, is_free


def listen(port=0, host="127.0.0.1"):
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((host, port))
    server.listen()
    return server


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ports.json"


def test_a_port_is_kept_across_restarts(path):
    first = Ports(path, "app").assign("orbit.0")
    assert LOWEST <= first <= HIGHEST
    assert Ports(path, "app").assign("orbit.0") == first
    assert json.loads(path.read_bytes()) == {"orbit.0": first}


def test_different_purposes_get_different_ports(path):
    ports = Ports(path, "app")
    given = [ports.assign(f"orbit.{n}") for n in range(50)]
    assert len(set(given)) == 50


def test_apps_are_spread(tmp_path):
    given = {Ports(tmp_path / f"{n}.json", f"app{n}").assign("orbit.0") for n in range(20)}
    assert len(given) == 20


def test_a_port_taken_meanwhile_is_given_up(path):
    first = Ports(path, "app").assign("orbit.0")
    with listen(first):
        second = Ports(path, "app").assign("orbit.0")
        assert second != first
        assert is_free(second)
    assert Ports(path, "app").assign("orbit.0") == second


def test_a_port_of_a_process_to_be_adopted_is_kept(path):
    first = Ports(path, "app").assign("orbit.0")
    with listen(first):
        assert Ports(path, "app").assign("orbit.0", keep=True) == first


def test_a_declared_port_is_given_to_nobody_else(path):
    first = Ports(path, "app").assign("orbit.0")
    assert Ports(path, "app", reserved={first}).assign("orbit.0") != first


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_declared_port_that_is_taken_names_the_holder(path, host):
    with listen(host=host) as server:
        port = server.getsockname()[1]
        with pytest.raises(Conflict, match=rf"\(process {os.getpid()}\)") as caught:
            Ports(path, "app").claim("orbit.0", port, where="services.orbit")
    assert caught.value.where == "services.orbit"


def test_a_declared_port_that_is_free_or_kept_is_taken(path):
    with listen() as server:
        port = server.getsockname()[1]
    assert Ports(path, "app").claim("orbit.0", port) == port
    with listen(port):
        assert Ports(path, "app").claim("orbit.0", port, keep=True) == port
        with pytest.raises(Conflict):
            Ports(path, "app").claim("axon.0", port, keep=True)


def test_connections_of_the_previous_owner_do_not_count(path):
    """A port whose last connection is in TIME_WAIT can be listened on again."""
    with listen() as server:
        port = server.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        accepted, _ = server.accept()
        accepted.close()
        client.close()
    assert is_free(port)


def test_a_released_port_is_forgotten(path):
    ports = Ports(path, "app")
    ports.assign("orbit.0")
    ports.release("orbit.0")
    ports.release("orbit.0")
    assert json.loads(path.read_bytes()) == {}


@pytest.mark.parametrize("content", [b"", b"{", b"[1]"])
def test_a_damaged_book_costs_new_ports_only(path, content):
    path.write_bytes(content)
    assert Ports(path, "app").assign("orbit.0") > 0


def test_none_left_is_said(path):
    with pytest.raises(Unavailable, match="no loopback port"):
        Ports(path, "app", reserved=range(LOWEST, HIGHEST + 1)).assign("orbit.0")


def test_nobody_holds_a_free_port():
    with listen() as server:
        port = server.getsockname()[1]
    assert holder_of(port) == "another program"
