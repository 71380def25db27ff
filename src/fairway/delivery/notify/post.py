"""Posts to an address, once: the HTTP of webhooks and chat.

No redirect is followed, so that a signed event goes nowhere else, and what the other side answers
beyond its status is not read. Requests go through the transport, because a client of the library
would log the address, which is a secret where it belongs to a chat.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping

import httpx2

from fairway.errors import Refused, Unavailable

TIMEOUT_SECONDS = 10.0
_GONE = 410


class Poster:
    """Keeps connections between posts."""

    def __init__(self, timeout: float = TIMEOUT_SECONDS) -> None:
        self._timeout = timeout
        self._transport = httpx2.AsyncHTTPTransport()

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Return when it was taken (2xx).

        Raises Refused for an address that is no more (410) or is none, Unavailable for all else.
        """
        limits = httpx2.Timeout(self._timeout).as_dict()
        try:
            request = httpx2.Request(
                "POST", url, headers=dict(headers), content=body, extensions={"timeout": limits}
            )
            async with asyncio.timeout(self._timeout):
                response = await self._transport.handle_async_request(request)
                await response.aclose()
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol) as error:
            raise Refused("listener-address", "its address is none") from error
        except (httpx2.HTTPError, TimeoutError, ssl.SSLError) as error:
            # A certificate that the other side misses shows at the first read, as an SSLError.
            raise Unavailable("listener-silent", f"no answer: {type(error).__name__}") from error
        _check(response.status_code)

    async def close(self) -> None:
        """Give the connections up."""
        await self._transport.aclose()


def _check(status: int) -> None:
    if status == _GONE:
        raise Refused("listener-gone", f"it answered {status}: it wants no events any more")
    if not 200 <= status < 300:
        raise Unavailable("listener-failing", f"it answered {status}")
