"""A fault on demand, to see a bad release being found out: `FAULT=errors` or `FAULT=latency`.

`main` wraps orbit's handlers in it. Every second dispatch is hit: it fails with 500, or takes 300
milliseconds more. Health checks never are, so that the release looks well until it gets traffic.
Without `FAULT` nothing is wrapped at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Literal

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

Fault = Literal["errors", "latency"]
Handler = Callable[[Request], Awaitable[Response]]
LATENCY = 0.3
"""Seconds that a slow answer takes more."""


def fault_of(text: str) -> Fault | None:
    """The fault that a variable's text asks for, None for an empty one; else a ValueError."""
    match text:
        case "":
            return None
        case "errors" | "latency":
            return text
        case _:
            raise ValueError(f"FAULT={text} is none of: errors, latency")


def faulty(handler: Handler, fault: Fault | None) -> Handler:
    """The handler with the fault in every second answer; without one, the handler itself."""
    if fault is None:
        return handler
    requests = count()

    async def hit(request: Request) -> Response:
        if next(requests) % 2:
            return await handler(request)
        if fault == "errors":
            return JSONResponse({"error": "fault", "message": "FAULT=errors"}, status_code=500)
        await asyncio.sleep(LATENCY)
        return await handler(request)

    return hit
