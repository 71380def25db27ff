"""Sends spans to an OTLP/HTTP endpoint as fast as it takes them: a process of its own.

`measure` runs it as `python -m bench.span_load`, so that the sender's work weighs the same on
whoever receives. A request that is refused (429, 503) is sent again until it is taken, as an SDK
would: what counts is what was taken.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from bench.spans import SPANS, requests

_CONNECTIONS = 2
_HEADERS = {"content-type": "application/x-protobuf"}
_REFUSED = (429, 503)
_PAUSE = 0.02
"""Seconds before a refused request is sent again."""


@dataclass(frozen=True, slots=True)
class Sent:
    """How many spans were taken in how many seconds, and how many requests were refused."""

    spans: int
    seconds: float
    refused: int

    @property
    def rate(self) -> float:
        """Spans a second."""
        return self.spans / self.seconds


def begin(port: int, count: int) -> subprocess.Popen[str]:
    """Start to send `count` requests to a port of this machine."""
    return subprocess.Popen(
        [sys.executable, "-m", "bench.span_load", str(port), str(count)],
        stdout=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> Sent:
    """Wait until all is sent."""
    output, _ = process.communicate()
    if process.returncode:
        raise RuntimeError("spans could not be sent")
    return Sent(**json.loads(output))


class _Sender:
    """Several connections that share one stream of requests."""

    def __init__(self, port: int, bodies: Iterator[bytes]) -> None:
        self._port, self._bodies = port, bodies
        self._lock = threading.Lock()
        self.taken = self.refused = 0

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        while True:
            with self._lock:
                body = next(self._bodies, None)
            if body is None:
                return
            while not self._taken(connection, body):
                time.sleep(_PAUSE)

    def _taken(self, connection: http.client.HTTPConnection, body: bytes) -> bool:
        connection.request("POST", "/v1/traces", body, _HEADERS)
        answer = connection.getresponse()
        answer.read()
        with self._lock:
            if answer.status in _REFUSED:
                self.refused += 1
                return False
            if answer.status != 200:
                raise RuntimeError(f"answered {answer.status}")
            self.taken += SPANS
        return True


def main() -> None:
    """Send, and say how it went."""
    port, count = int(sys.argv[1]), int(sys.argv[2])
    sender = _Sender(port, requests(count, time.time_ns()))
    threads = [threading.Thread(target=sender.run) for _ in range(_CONNECTIONS)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - begun
    print(json.dumps(asdict(Sent(sender.taken, seconds, sender.refused))))


if __name__ == "__main__":
    main()
