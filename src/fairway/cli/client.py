"""A small client of the control plane's API, on the standard library's `http.client`.

Commands get one from `place.connect`. `http.client` imports in a fraction of the time of an HTTP
library, and importing is most of what `fairway status` does. Errors come back as the type that was
raised on the other side, so the exit code survives the way through HTTP.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from fairway.api.statuses import error_from
from fairway.errors import FairwayError, Unavailable

Headers = Mapping[str, str]
NONE: Headers = {}
_PROBE_SECONDS = 2.0
_CONNECT_SECONDS = 20.0
_PATIENCE_SECONDS = 120.0
_SERVER_SECONDS = 1800.0
"""A server answers late where Terraform plans or repairs hundreds of resources before it does."""


class ControlClient:
    """Talks to one control plane; `pid` is its process, 0 where it is on another machine."""

    def __init__(self, url: str, token: str, pid: int = 0) -> None:
        self.url = url
        self.pid = pid
        parts = urlsplit(url)
        self._address = parts.netloc
        self._secure = parts.scheme == "https"
        self._prefix = parts.path.rstrip("/")
        self._headers = {"authorization": f"Bearer {token}"}
        self._patience = _PATIENCE_SECONDS if pid else _SERVER_SECONDS

    def answers(self) -> bool:
        """Whether the control plane answers at all (a hung or half-dead one does not)."""
        try:
            status, body = self._exchange("GET", "/api/v1/ping", None, _PROBE_SECONDS)
            return status == 200 and bool(json.loads(body)["pid"] == self.pid)
        except (OSError, HTTPException, ValueError, KeyError, TypeError):
            return False

    def get(self, path: str, **query: Any) -> Any:
        """The JSON at a path; parameters that are None are left out."""
        wanted = {name: _text(value) for name, value in query.items() if value is not None}
        return self._call("GET", f"{path}?{urlencode(wanted)}" if wanted else path)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        """Ask for something to happen; the JSON answer. `_` in a header's name stands for `-`."""
        return self._call("POST", path, body, headers)

    def put(self, path: str, body: Any) -> Any:
        """Change something; the JSON answer."""
        return self._call("PUT", path, body)

    def delete(self, path: str) -> None:
        """Remove something."""
        self._call("DELETE", path)

    def has(self, path: str) -> bool:
        """Whether there is something at a path."""
        try:
            status, _ = self._exchange("HEAD", path, None, _PATIENCE_SECONDS)
        except (OSError, HTTPException) as error:
            raise self._unreachable(error) from error
        if status != 404:
            _raise_for(status, b"")
        return status < 400

    def upload(self, path: str, content: bytes) -> None:
        """Put bytes at a path."""
        connection = self._connection(_PATIENCE_SECONDS)
        headers = self._headers | {"content-type": "application/gzip"}
        try:
            connection.request("PUT", self._prefix + path, content, headers)
            response = connection.getresponse()
            _raise_for(response.status, response.read())
        except (OSError, HTTPException) as error:
            raise self._unreachable(error) from error
        finally:
            connection.close()

    def events(self, after: int | None = None) -> Iterator[dict[str, Any] | None]:
        """Events until the system stops. The first item is None: the stream is open."""
        with self.stream(
            "/api/v1/events" if after is None else f"/api/v1/events?after={after}"
        ) as stream:
            yield None
            yield from stream

    def stream(self, path: str) -> EventStream:
        """The server-sent events at a path; raises like `get` when there are none."""
        connection = self._connection(_PATIENCE_SECONDS)
        try:
            connection.request("GET", self._prefix + path, headers=self._headers)
            # Before the answer: the response takes over the socket of one that ends with it.
            reading = connection.sock
            response = connection.getresponse()
            _raise_for(response.status, response.read() if response.status >= 400 else b"")
        except (OSError, HTTPException) as error:
            connection.close()
            raise self._unreachable(error) from error
        except FairwayError:
            connection.close()
            raise
        return EventStream(reading, response, connection, self._unreachable)

    def _call(self, method: str, path: str, body: Any = None, headers: Headers = NONE) -> Any:
        try:
            status, answer = self._exchange(method, path, body, self._patience, headers)
        except (OSError, HTTPException) as error:
            raise self._unreachable(error) from error
        _raise_for(status, answer)
        return json.loads(answer) if answer else None

    def _exchange(
        self, method: str, path: str, body: Any, timeout: float, more: Headers = NONE
    ) -> tuple[int, bytes]:
        connection = self._connection(min(timeout, _CONNECT_SECONDS))
        headers = self._headers | {name.replace("_", "-"): value for name, value in more.items()}
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["content-type"] = "application/json"
        try:
            connection.connect()
            connection.sock.settimeout(timeout)
            connection.request(method, self._prefix + path, data, headers)
            response: HTTPResponse = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def _connection(self, timeout: float) -> HTTPConnection:
        kind = HTTPSConnection if self._secure else HTTPConnection
        return kind(self._address, timeout=timeout)

    def _unreachable(self, error: Exception) -> Unavailable:
        if not self.pid:
            return Unavailable(
                "server-unreachable",
                f"the server of this environment does not answer: {error}",
                where=self.url,
                remedy="check the address (`server` in the app file, or FAIRWAY_SERVER) and the "
                "network; deployments under way go on without you",
            )
        return Unavailable(
            "control-plane-unreachable",
            f"the control plane (process {self.pid}) does not answer: {error}",
            where=self.url,
            remedy="see `fairway logs control`; `fairway down` clears what is left",
        )


class EventStream:
    """Server-sent events as they come, as JSON objects; ends when the other side ends it.

    `close` may be called by another thread: it wakes up whoever waits for the next event.
    """

    def __init__(
        self,
        reading: socket.socket,
        response: HTTPResponse,
        connection: HTTPConnection,
        unreachable: Callable[[Exception], Unavailable],
    ) -> None:
        self._socket = reading
        self._response = response
        self._connection = connection
        self._unreachable = unreachable
        self._closed = False

    def __iter__(self) -> Iterator[dict[str, Any]]:
        try:
            for line in self._response:
                if line.startswith(b"data: "):
                    yield json.loads(line[6:])
        except (OSError, HTTPException, ValueError) as error:
            if not self._closed:
                raise self._unreachable(error) from error

    def __enter__(self) -> EventStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self._response.close()
        self._connection.close()

    def close(self) -> None:
        """End it."""
        self._closed = True
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)


def segment(name: str) -> str:
    """A name as one segment of a path."""
    return quote(name, safe="")


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _raise_for(status: int, body: bytes) -> None:
    if status < 400:
        return
    try:
        problem = json.loads(body)
    except ValueError:
        problem = {}
    raise error_from(status, problem if isinstance(problem, dict) else {})
