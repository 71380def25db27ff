"""Webhooks, chat and the bus, on real sockets."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from tests.unit.delivery.certified import wanting_certificates
from tests.unit.delivery.listening import Receiver, listening
from tests.waiting import PATIENCE

from fairway.delivery.events import cloud_event
from fairway.delivery.notify.bus import NatsBus, without_credentials
from fairway.delivery.notify.listeners import sinks
from fairway.delivery.notify.post import Poster
from fairway.delivery.notify.slack import Slack, message
from fairway.delivery.notify.webhook import Webhook, key_of, signature
from fairway.delivery.port import DeliveryEvent
from fairway.errors import Refused, Unavailable
from fairway.model.notify import Notification

EVENT = cloud_event(
    "shop",
    "prod",
    DeliveryEvent(
        3, 1000.0, "DeploymentRolledBack", "d1", "r8 failed <50 & more> requests", {"release": 8}
    ),
)
KEY = b"0123456789abcdef0123456789abcdef"
SECRET = "whsec_" + base64.b64encode(KEY).decode()
ALL: frozenset[str] = frozenset()


def hook(url: str, timeout: float = 10.0) -> Webhook:
    return Webhook(url, lambda: KEY, ALL, lambda: 1_700_000_000.9, Poster(timeout))


def test_the_signature_is_that_of_the_standards_own_example() -> None:
    """From the Standard Webhooks specification, with its libraries' test secret."""
    key = key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    found = signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_secret_that_is_no_base64_stands_for_itself() -> None:
    assert (key_of(SECRET), key_of("plain"), key_of("whsec_*")) == (KEY, b"plain", b"whsec_*")


async def test_a_webhook_can_be_checked_by_whoever_knows_the_secret() -> None:
    async with listening(Receiver()) as receiver:
        await hook(receiver.url).send(EVENT)
    [post] = receiver.posts
    stamp, number = post.headers["webhook-timestamp"], post.headers["webhook-id"]
    assert (stamp, number) == ("1700000000", "shop.prod.3")
    signed = f"{number}.{stamp}.".encode() + post.body
    expected = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert post.headers["webhook-signature"] == f"v1,{expected}"
    assert post.headers["content-type"].startswith("application/cloudevents+json")
    assert post.json == EVENT


@pytest.mark.parametrize(
    ("status", "error"),
    [(500, Unavailable), (429, Unavailable), (302, Unavailable), (410, Refused)],
)
async def test_what_is_not_taken_is_an_error(status: int, error: type[Exception]) -> None:
    async with listening(Receiver(lambda _post, _number: status)) as receiver:
        with pytest.raises(error, match=str(status)):
            await hook(receiver.url).send(EVENT)
    assert len(receiver.posts) == 1


async def test_whoever_does_not_answer_is_not_waited_for() -> None:
    async with listening(Receiver(lambda _post, _number: 0)) as receiver:
        async with asyncio.timeout(PATIENCE):
            with pytest.raises(Unavailable, match="no answer"):
                await hook(receiver.url, timeout=0.2).send(EVENT)
        with pytest.raises(Unavailable):
            await hook("http://127.0.0.1:1/").send(EVENT)
        with pytest.raises(Refused):
            await hook("ftp://127.0.0.1/").send(EVENT)


async def test_a_listener_that_wants_a_certificate_is_an_error_and_no_defect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with wanting_certificates(tmp_path, monkeypatch) as url:
        with pytest.raises(Unavailable, match="no answer"):
            await hook(url).send(EVENT)


async def test_a_chat_gets_a_message_that_people_can_read() -> None:
    async with listening(Receiver()) as receiver:
        await Slack("CHAT", ALL, {"CHAT": f"{receiver.url}\n"}.get).send(EVENT)
    [post] = receiver.posts
    text = "shop (prod): r8 failed &lt;50 &amp; more&gt; requests"
    assert post.json == message(EVENT)
    assert post.json["text"] == text
    assert "*shop (prod)*" in post.json["blocks"][0]["text"]["text"]
    assert [e["text"] for e in post.json["blocks"][1]["elements"]] == ["release 8", "deployment d1"]


async def test_no_secret_shows_in_logs_names_and_errors(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with listening(Receiver(lambda _post, _number: 500)) as receiver:
        address = f"{receiver.url}/T0/B0/s3cr3t"
        chat = Slack("CHAT", ALL, {"CHAT": address}.get)
        with pytest.raises(Unavailable) as caught:
            await chat.send(EVENT)
    assert "s3cr3t" not in chat.name + str(caught.value)
    assert not any("s3cr3t" in r.getMessage() for r in caplog.records if r.levelno >= logging.INFO)
    assert without_credentials("nats://me:s3cr3t@bus.example:4222") == "nats://bus.example:4222"


async def test_a_secret_that_nobody_has_set_is_waited_for() -> None:
    with pytest.raises(Unavailable, match="CHAT"):
        await Slack("CHAT", ALL, {}.get).send(EVENT)


def test_the_app_file_says_who_listens_to_what() -> None:
    declared = [
        Notification(webhook="https://a.example/hook", secret="KEY", events=("DeploymentFailed",)),
        Notification(slack="CHAT"),
        Notification(slack="CHAT"),
        Notification(bus="nats://me:pw@bus.example"),
    ]
    made = sinks(declared, {"KEY": "x"}.get, lambda: 0.0)
    names = ["webhook https://a.example/hook", "slack CHAT", "bus nats://bus.example"]
    assert [sink.name for sink in made] == names
    assert made[0].wants("DeploymentFailed")
    assert not made[0].wants("DeploymentStarted")
    assert made[1].wants("DeploymentStarted")


class Bus:
    """As much of a NATS server as a publisher meets (https://docs.nats.io/reference/protocols)."""

    def __init__(self) -> None:
        self.published: list[tuple[str, str, bytes]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        info = {"server_id": "x", "version": "2.11.0", "headers": True, "max_payload": 1 << 20}
        writer.write(b"INFO " + json.dumps(info).encode() + b"\r\n")
        while line := await reader.readline():
            verb, *rest = line.decode().split()
            if verb == "PING":
                writer.write(b"PONG\r\n")
            elif verb == "HPUB":
                subject, headers, total = rest[0], int(rest[-2]), int(rest[-1])
                payload = await reader.readexactly(total + 2)
                self.published.append((subject, payload[:headers].decode(), payload[headers:-2]))
        writer.close()


async def test_the_bus_gets_each_event_with_its_identity() -> None:
    bus = Bus()
    server = await asyncio.start_server(bus.serve, "127.0.0.1", 0)
    sink = NatsBus(f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}", ALL)
    await sink.send(EVENT)
    await sink.send(EVENT)
    await sink.close()
    server.close()
    subject, headers, body = bus.published[0]
    assert subject == "fairway.shop.prod.deployment.rolled-back"
    assert "Nats-Msg-Id: shop.prod.3" in headers
    found: dict[str, Any] = json.loads(body)
    assert found == EVENT
    assert len(bus.published) == 2


async def test_a_bus_that_is_away_is_worth_a_retry() -> None:
    with pytest.raises(Unavailable):
        await NatsBus("nats://127.0.0.1:1", ALL).send(EVENT)
