"""The API does what its OpenAPI document says, whatever it is sent: all checks of schemathesis.

Against a real `fairway server` with a service on the memory target, and against the API of a local
control plane. Requests are derived from the document, deterministically.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
from tests.e2e.server_rig import ended, first_token, serving, shop
from tests.unit.api.fake_control import MemoryControl
from tests.unit.console.fake_telemetry import MemoryTelemetry

from fairway.api.app import create_app
from fairway.api.offer import local_offer
from fairway.api.server import serve

CONFIG = Path(__file__).with_name("schemathesis.toml")
TEMPLATE = "/apps/{app}/environments/{environment}"
PLACE = "/apps/shop/environments/prod"


def test_the_shared_control_plane_keeps_its_promises(tmp_path: Path) -> None:
    with serving(tmp_path, f"sqlite:///{tmp_path}/server.db") as server:
        token = first_token(tmp_path)
        with server.client(token) as client:
            begun = client.post(f"/api/v1{PLACE}/deployments", json={"app": shop()})
            assert ended(client, begun.json()["id"])["status"] == "succeeded"
            document = settled(client.get("/api/v1/openapi.json").json())
        assert checked(document, server.url, token, tmp_path) >= 40
        assert server.process.poll() is None


def test_the_control_plane_of_one_machine_keeps_its_promises(tmp_path: Path) -> None:
    with served_here("t") as url:
        headers = {"authorization": "Bearer t"}
        document = httpx2.get(f"{url}/api/v1/openapi.json", headers=headers).json()
        assert checked(document, url, "t", tmp_path) >= 20


def settled(document: dict[str, Any]) -> dict[str, Any]:
    """The document with the names of the one environment that exists: all else is a mere 404."""
    paths = {}
    for path, methods in document["paths"].items():
        for operation in methods.values() if TEMPLATE in path else ():
            named = [p for p in operation.get("parameters", []) if not is_place(p)]
            operation["parameters"] = named
        paths[path.replace(TEMPLATE, PLACE)] = methods
    return document | {"paths": paths}


def is_place(parameter: dict[str, Any]) -> bool:
    return parameter["in"] == "path" and parameter["name"] in ("app", "environment")


def checked(document: dict[str, Any], url: str, token: str, folder: Path) -> int:
    """Run every check; how many operations were tested."""
    file = folder / "openapi.json"
    file.write_text(json.dumps(document))
    done = subprocess.run(
        [
            sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run",
            str(file), "--url", url, "--checks", "all", "--phases", "coverage,fuzzing",
            "--workers", "2", "--no-color",
        ],
        check=False, cwd=folder,
        env={**os.environ, "FAIRWAY_TOKEN": token}, capture_output=True, text=True,
        timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    return min(int(found) for found in re.findall(r"✅ +(\d+) passed", done.stdout))


@contextmanager
def served_here(token: str) -> Iterator[str]:
    """The API of a control plane in memory, on an event loop of its own."""
    ready: asyncio.Queue[str] = asyncio.Queue()
    loop = asyncio.new_event_loop()
    over = asyncio.Event()

    async def live() -> None:
        control = MemoryControl(told=MemoryTelemetry())
        async with serve(create_app(local_offer(control, token, "ada", time.time))) as url:
            ready.put_nowait(url)
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(live()))
    thread.start()
    try:
        yield asyncio.run_coroutine_threadsafe(ready.get(), loop).result(20)
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(20)
        loop.close()
