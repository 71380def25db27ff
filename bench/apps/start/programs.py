"""Two bare ASGI programs without any library: `front` answers with what `back` says."""

import asyncio
import os
import urllib.request


async def back(scope, _receive, send):
    """Answer at once."""
    if scope["type"] == "http":
        await _answer(send, b"hello")


async def front(scope, _receive, send):
    """Health at once; anything else needs back to answer first."""
    if scope["type"] == "http":
        healthy = scope["path"] == "/health"
        await _answer(send, b"ok" if healthy else await asyncio.to_thread(_ask_back))


def _ask_back():
    with urllib.request.urlopen(f"{os.environ['BACK_URL']}/answer", timeout=5) as answer:
        return answer.read()


async def _answer(send, body):
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
