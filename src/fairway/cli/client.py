"""A small client of the control plane's API, on the standard library's `http.client`.

Commands get one from `place.connect`. `http.client` imports in a fraction of the time of an HTTP
library, and importing is most of what `fairway status` does. Errors come back as the type that was
raised on the other side, so the exit code survives the way through HTTP.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from fairway.api.statuses import error_from
from fairway.errors import Unavailable

_PROBE_SECONDS = 2.0
_PATIENCE_SECONDS = 120.0


class ControlClient:
    """Talks to one control plane; `pid` is its process."""

    def __init__(self, url: str, token: str, pid: int) -> None:
        self.url = url
        self.pid = pid
        self._address = urlsplit(url).netloc
        self._headers = {"authorization": f"Bearer {token}"}

    def answers(self) -> bool:
        """Whether the control plane answers at all (a hung or half-dead one does not)."""
        try:
            status, body = self._exchange("GET", "/v1/ping", None, _PROBE_SECONDS)
            return status == 200 and bool(json.loads(body)["pid"] == self.pid)
        except (OSError, HTTPException, ValueError, KeyError, TypeError):
            return False

    def get(self, path: str, **query: Any) -> Any:
        """The JSON at a path; parameters that are None are left out."""
        wanted = {name: _text(value) for name, value in query.items() if value is not None}
        return self._call("GET", f"{path}?{urlencode(wanted)}" if wanted else path)

    def post(self, path: str, body: Any = None) -> Any:
        """Ask for something to happen; the JSON answer."""
        return self._call("POST", path, body)

    def put(self, path: str, body: Any) -> Any:
        """Change something; the JSON answer."""
        return self._call("PUT", path, body)

    def delete(self, path: str) -> None:
        """Remove something."""
        self._call("DELETE", path)

    def events(self, after: int | None = None) -> Iterator[dict[str, Any] | None]:
        """Events until the system stops. The first item is None: the stream is open."""
        path = "/v1/events" if after is None else f"/v1/events?after={after}"
        connection = HTTPConnection(self._address, timeout=_PATIENCE_SECONDS)
        try:
            connection.request("GET", path, headers=self._headers)
            response = connection.getresponse()
            _raise_for(response.status, response.read() if response.status >= 400 else b"")
            yield None
            for line in response:
                if line.startswith(b"data: "):
                    yield json.loads(line[6:])
        except (OSError, HTTPException) as error:
            raise self._unreachable(error) from error
        finally:
            connection.close()

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        try:
            status, answer = self._exchange(method, path, body, _PATIENCE_SECONDS)
        except (OSError, HTTPException) as error:
            raise self._unreachable(error) from error
        _raise_for(status, answer)
        return json.loads(answer) if answer else None

    def _exchange(self, method: str, path: str, body: Any, timeout: float) -> tuple[int, bytes]:
        connection = HTTPConnection(self._address, timeout=timeout)
        headers = dict(self._headers)
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["content-type"] = "application/json"
        try:
            connection.request(method, path, data, headers)
            response: HTTPResponse = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def _unreachable(self, error: Exception) -> Unavailable:
        return Unavailable(
            "control-plane-unreachable",
            f"the control plane (process {self.pid}) does not answer: {error}",
            where=self.url,
            remedy="see `fairway logs control`; `fairway down` clears what is left",
        )


def segment(name: str) -> str:
    """A name as one segment of a path."""
    return quote(name, safe="")


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _raise_for(status: int, body: bytes) -> None:
    if status < 400:
        return
    try:
        error = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        error = {}
    raise error_from(status, error)
