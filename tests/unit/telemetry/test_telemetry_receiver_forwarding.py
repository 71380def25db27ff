"""An endpoint that is away, slow or unwilling costs nothing but what is meant for it."""

from __future__ import annotations

import socket
import threading

from tests.receiver_rig import LOOPBACK, exported, free_port
from tests.waiting import eventually

from fairway.telemetry.receiver.forwarding import CAPACITY, Forwarder, forward_headers
from fairway.telemetry.receiver.reception import Arrived, Counts


def test_what_finds_no_room_or_no_endpoint_has_failed_and_nobody_waits() -> None:
    counts = Counts()
    forwarder = Forwarder(f"http://{LOOPBACK}:{free_port()}", counts, {})
    large = Arrived("traces", b"\0" * (CAPACITY // 8))
    for _ in range(12):  # who waited for room would wait for ever: nothing can be sent
        forwarder(large)
    assert counts.total("forward_failed") == 4
    forwarder.end()
    assert counts.total("forward_failed") == 12
    assert counts.total("forwarded") == 0


async def test_senders_end_also_when_an_endpoint_is_given_up_at_once() -> None:
    counts = Counts()
    with socket.create_server((LOOPBACK, 0)) as silent:
        forwarder = Forwarder(f"http://{LOOPBACK}:{silent.getsockname()[1]}", counts, {"x": "é"})
        for _ in range(10):
            forwarder(Arrived("logs", b""))
        forwarder.end(patience=0)
    await eventually(lambda: not any(each.name.startswith("forward-") for each in _running()))
    assert counts.total("forward_failed") == 10


def _running() -> list[threading.Thread]:
    return threading.enumerate()


async def test_a_refusal_for_good_is_not_repeated() -> None:
    counts = Counts()
    with socket.create_server((LOOPBACK, 0)) as server:
        answers = threading.Thread(target=_refuse, args=(server,), daemon=True)
        answers.start()
        forwarder = Forwarder(f"http://{LOOPBACK}:{server.getsockname()[1]}/base/", counts, {})
        forwarder(Arrived("logs", exported()))
        await eventually(lambda: counts.total("forward_failed") == 1)
        answers.join(5)
        forwarder.end()


def _refuse(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        assert connection.recv(65536).startswith(b"POST /base/v1/logs HTTP/1.1\r\n")
        connection.sendall(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n")


def test_the_standard_variable_gives_the_headers() -> None:
    value = "api-key=a%3Db, x-tenant = shop ,nonsense"
    found = forward_headers({"OTEL_EXPORTER_OTLP_HEADERS": value})
    assert found == {"api-key": "a=b", "x-tenant": "shop"}
    assert forward_headers({}) == {}
