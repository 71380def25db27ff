"""Sends every accepted request on to another OTLP endpoint, exactly as it came.

`main.py` starts one when the app file names an endpoint, and another when it names another one.
Requests wait in memory, up to `CAPACITY` bytes, and are tried again for as long as the endpoint
says that it may accept them later. What finds no room or is refused for good is counted as failed:
forwarding never holds up storing, nor a service.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Final
from urllib.parse import unquote

import httpx2

from fairway.telemetry.receiver.files import complain
from fairway.telemetry.receiver.reception import Arrived, Counts, Room

CAPACITY: Final = 32 * 2**20
_SENDERS: Final = 4
"""Requests under way at once: over a distance, one after the other would be too slow."""
_TIMEOUT: Final = 10.0
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 30.0
_LATER: Final = frozenset({429, 502, 503, 504})
"""Answers after which OTLP clients try again."""
HEADERS_VARIABLE: Final = "OTEL_EXPORTER_OTLP_HEADERS"


class Forwarder:
    """Forwards to one endpoint, the base URL of OTLP over HTTP."""

    def __init__(self, endpoint: str, counts: Counts, headers: Mapping[str, str]) -> None:
        self.endpoint = endpoint
        self._counts = counts
        self._room = Room(CAPACITY)
        self._waiting: queue.SimpleQueue[Arrived | None] = queue.SimpleQueue()
        self._ending = threading.Event()
        self._silent = False
        encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
        self._client = httpx2.Client(timeout=_TIMEOUT, headers=encoded)
        self._threads = [
            threading.Thread(target=self._send_on, name=f"forward-{n}", daemon=True)
            for n in range(_SENDERS)
        ]
        for thread in self._threads:
            thread.start()

    def __call__(self, arrived: Arrived) -> None:
        """Forward a request, some time."""
        if self._room.take(len(arrived.body)):
            self._waiting.put(arrived)
        else:
            self._counts.add("forward_failed")

    def end(self, patience: float = 3.0) -> None:
        """Send what waits, for so many seconds at most; the rest has failed."""
        self._ending.set()
        for _ in self._threads:
            self._waiting.put(None)
        deadline = time.monotonic() + patience
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._counts.add("forward_failed", self._left())
        for _ in self._threads:  # whoever is still at its last request ends after it
            self._waiting.put(None)
        self._client.close()

    def _left(self) -> int:
        """How many wait that nobody will send any more."""
        left = 0
        with suppress(queue.Empty):
            while True:
                left += self._waiting.get_nowait() is not None
        return left

    def _send_on(self) -> None:
        while (arrived := self._waiting.get()) is not None:
            sent = self._sent(arrived)
            self._counts.add("forwarded" if sent else "forward_failed")
            self._room.give_back(len(arrived.body))

    def _sent(self, arrived: Arrived) -> bool:
        wait = _FIRST_WAIT
        while True:
            answer = self._answer(arrived)
            if answer is not None and answer.status_code not in _LATER:
                if answer.is_success:
                    self._silent = False
                    return True
                self._complain(f"answers {answer.status_code}")
                return False
            if self._ending.wait(_asked_wait(answer) or wait):
                return False
            wait = min(2 * wait, _LONGEST_WAIT)

    def _answer(self, arrived: Arrived) -> httpx2.Response | None:
        """None when the endpoint cannot be reached."""
        headers = {"content-type": "application/json" if arrived.json else "application/x-protobuf"}
        if arrived.gzip:
            headers["content-encoding"] = "gzip"
        url = f"{self.endpoint.rstrip('/')}/v1/{arrived.signal}"
        try:
            return self._client.post(url, content=arrived.body, headers=headers)
        except (httpx2.HTTPError, RuntimeError) as error:  # RuntimeError: closed meanwhile
            self._complain(f"cannot be reached: {error}")
            return None

    def _complain(self, what: str) -> None:
        """Once, until something could be sent again."""
        if not self._silent:
            self._silent = True
            complain(f"telemetry is not forwarded: {self.endpoint} {what}")


def forward_headers(variables: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The headers that OpenTelemetry's variable asks for: `name=value,…`, values URL-encoded."""
    pairs = (pair.partition("=") for pair in variables.get(HEADERS_VARIABLE, "").split(","))
    return {name.strip(): unquote(value.strip()) for name, found, value in pairs if found}


def _asked_wait(answer: httpx2.Response | None) -> float | None:
    asked = answer.headers.get("retry-after", "") if answer is not None else ""
    return min(float(asked), _LONGEST_WAIT) if asked.isdecimal() else None
