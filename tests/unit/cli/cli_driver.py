"""Drives the command line in process, and gives it a control plane that answers over HTTP."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.unit.api.fake_control import MemoryControl
from tests.waiting import PATIENCE

from fairway.api.offer import local_offer
from fairway.api.server import serve
from fairway.cli.main import run
from fairway.console.site import create_site
from fairway.control.directory import Directory
from fairway.targets.local.layout import open_state, write_private

APP_FILE = """\
app: shop
services:
  orbit:
    run: ./serve
    health: /health
    public: /
    intents: {dispatch: POST /dispatch}
    calls: {axon: [reason]}
  axon:
    run: ./serve
    health: /health
    intents: {reason: POST /reason}
clients:
  web: {calls: {orbit: [dispatch]}}
"""


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class CommandLine:
    """`fairway …` in a folder; fails the test on a defect of Fairway itself."""

    def __init__(self, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        self._capsys = capsys
        self.folder = folder

    def __call__(self, *arguments: str) -> Done:
        self._capsys.readouterr()
        try:
            run(list(arguments))
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        captured = self._capsys.readouterr()
        assert code != 70, captured.err
        return Done(code, captured.out, captured.err)


@contextmanager
def running(
    control: MemoryControl,
    folder: Path,
    environment: str = "local",
    directory: Directory | None = None,
) -> Iterator[str]:
    """Serve `control` for the app in `folder`, as `up` does; yields the API's URL."""
    state = open_state(folder, environment, stamp="now").state
    loop = asyncio.new_event_loop()
    ready: threading.Event = threading.Event()
    urls: list[str] = []

    async def live() -> None:
        async with serve(
            create_site(local_offer(control, "t", "ada", time.time, directory))
        ) as url:
            found = {"pid": os.getpid(), "url": url, "token": "t", "started_at": 0}
            write_private(state.control, json.dumps(found).encode())
            urls.append(url)
            ready.set()
            await ended.wait()
        state.control.unlink(missing_ok=True)

    async def main() -> None:
        nonlocal ended
        ended = asyncio.Event()
        watch = asyncio.create_task(control.wait_stopped())
        watch.add_done_callback(lambda _: ended.set())
        await live()
        watch.cancel()

    ended = asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(main()))
    thread.start()
    assert ready.wait(PATIENCE)
    try:
        yield urls[0]
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(10)
        loop.close()
