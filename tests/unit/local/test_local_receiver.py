"""The process that receives telemetry: its port, its adoption, its deaths. A stand-in receives."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.local_support import Place
from tests.waiting import eventually

from fairway.model.app import App
from fairway.targets.local.blueprint import Blueprint
from fairway.targets.local.receiver import Receiver, ReceiverProgram, Run
from fairway.targets.mesh.view import TelemetryPorts

PROGRAM = """
import http.server, json, os, socket, sys

class Server(http.server.ThreadingHTTPServer):
    def server_bind(self):
        number = os.environ.get("SOCKET")
        if number is None:
            return super().server_bind()
        self.socket.close()
        self.socket = socket.socket(fileno=int(number))
        self.server_name, self.server_port = self.socket.getsockname()

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/die":
            os._exit(1)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"pid": os.getpid(), **json.load(open(sys.argv[1]))}).encode())

    def log_message(self, *_):
        pass

port = json.load(open(sys.argv[1]))["port"]
Server(("127.0.0.1", port), Handler).serve_forever()
"""
APP = App.model_validate({"app": "shop", "services": {"web": {"run": "x"}}})


class Rig:
    """Receivers of one state folder, one control plane after the other."""

    def __init__(self, folder: Path) -> None:
        self.place = Place(folder)
        (folder / "receive.py").write_text(PROGRAM)
        self.argv = (sys.executable, str(folder / "receive.py"))
        ports = self.place.ports
        self.ports = TelemetryPorts(ports.assign("http"), ports.assign("grpc"))
        self.said = "hello"
        self.told: list[str] = []

    def receiver(self, edition: str = "1") -> Receiver:
        program = ReceiverProgram(self.argv, "SOCKET", edition, self.configured)
        variables = {"PATH": os.environ["PATH"], "FAIRWAY": "x"}
        blueprint = Blueprint(APP, self.place.state, variables, None)
        report = lambda kind, _subject, _words: self.told.append(kind)  # noqa: E731
        return Receiver(program, blueprint, self.place.processes, report)

    def configured(self, ports: TelemetryPorts, run: Run) -> str:
        return json.dumps({"port": ports.http, "run": run.number, "said": self.said})

    async def ask(self, path: str = "/") -> dict[str, object]:
        url = f"http://127.0.0.1:{self.ports.http}{path}"

        def asked() -> bytes:
            with urllib.request.urlopen(url, timeout=10) as answer:
                found: bytes = answer.read()
                return found

        found: dict[str, object] = json.loads(await asyncio.to_thread(asked))
        return found

    def running(self) -> tuple[object, ...]:
        return self.place.processes.survey().running


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    rig = Rig(tmp_path)
    yield rig
    await rig.place.processes.end_all()
    assert not rig.place.alive()


async def test_whoever_comes_before_the_program_is_up_waits(rig: Rig) -> None:
    receiver = rig.receiver()
    await receiver.open(rig.ports, ())
    early = asyncio.create_task(rig.ask())
    await asyncio.sleep(0.05)
    with receiver.soon():
        assert rig.running() == (), "services come first"
    answer = await early
    assert (answer["run"], answer["said"]) == (1, "hello")
    rig.said = "more"
    receiver.tell()
    assert (await rig.ask())["said"] == "more"
    await receiver.stop()
    assert rig.running() == ()
    with pytest.raises(OSError, match="refused"):
        await rig.ask()


async def test_the_next_control_plane_adopts_it_and_the_run_goes_on(rig: Rig) -> None:
    first = rig.receiver()
    await first.open(rig.ports, ())
    first.start()
    before = await rig.ask()
    first.leave()
    second = rig.receiver()
    assert second.is_among(rig.place.processes.survey().running)
    await second.open(rig.ports, rig.place.processes.survey().running)
    second.start()
    after = await rig.ask()
    assert (after["pid"], after["run"]) == (before["pid"], before["run"])
    await second.stop()
    third = rig.receiver()
    await third.open(rig.ports, ())
    third.start()
    assert (await rig.ask())["run"] == 2
    await third.stop()


async def test_another_edition_is_replaced(rig: Rig) -> None:
    first = rig.receiver()
    await first.open(rig.ports, ())
    first.start()
    before = await rig.ask()
    first.leave()
    second = rig.receiver("2")
    await second.open(rig.ports, rig.place.processes.survey().running)
    second.start()
    after = await rig.ask()
    assert after["pid"] != before["pid"]
    assert after["run"] == before["run"], "something of this run went on"
    await second.stop()


async def test_it_is_started_again_at_once_and_later_more_slowly(rig: Rig) -> None:
    receiver = rig.receiver()
    await receiver.open(rig.ports, ())
    receiver.start()
    before = await rig.ask()
    os.kill(int(str(before["pid"])), signal.SIGKILL)
    await eventually(lambda: rig.running() == ())
    waiting = asyncio.create_task(rig.ask())
    await receiver.heal()
    after = await waiting
    assert after["pid"] != before["pid"]
    assert rig.told == ["telemetry.restarted"]
    os.kill(int(str(after["pid"])), signal.SIGKILL)
    await eventually(lambda: rig.running() == ())
    await receiver.heal()
    assert rig.running() == (), "it dies again and again: there is a pause now"
    await receiver.stop()


async def test_without_ports_nothing_is_started(rig: Rig) -> None:
    receiver = rig.receiver()
    await receiver.open(None, ())
    with receiver.soon():
        pass
    await receiver.heal()
    assert rig.running() == ()
    await receiver.stop()
