"""Attempts of a call: through the breaker, signed, measured, traced, and repeated where safe.

`client.py` hands over what to send. Backoff is `stamina`'s loop with our waits (`attempts.py`), so
that `stamina.set_active(False)` and `stamina.set_testing()` work for services as they know them.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import ssl
import time
from typing import TYPE_CHECKING

from fairway_runtime.attempts import PASSING, RetryPolicy, is_safe, parse_retry_after
from fairway_runtime.breaker import Breaker
from fairway_runtime.context import RequestContext, current, open_context
from fairway_runtime.errors import CallFailed, CircuitOpen, Denied
from fairway_runtime.metrics import Metrics
from fairway_runtime.outgoing import Outgoing, Stamp, attempt_headers
from fairway_runtime.sigv4 import SigningFile
from fairway_runtime.tracing import Attributes, Tracing

if TYPE_CHECKING:
    import httpx2

_MAX_CONNECTIONS = 512
_KEEP_ALIVE = 30.0


class _NeverReached(CallFailed):
    """The attempt provably did not reach the callee: another is safe, whatever the method."""


class _TryAgain(Exception):
    """An attempt failed and another is safe, after `wait` seconds."""

    def __init__(self, failure: CallFailed, wait: float) -> None:
        super().__init__(str(failure))
        self.failure = failure
        self.wait = wait


class Caller:
    """Sends calls over one pool of connections, with one breaker per callee."""

    def __init__(
        self,
        signing: SigningFile | None,
        retries: RetryPolicy,
        metrics: Metrics,
        tracing: Tracing,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._signing = signing
        self._retries = retries
        self._metrics = metrics
        self._tracing = tracing
        self._transport = transport
        self._breakers: dict[str, Breaker] = {}

    async def aclose(self) -> None:
        """Close all connections."""
        if self._transport is not None:
            await self._transport.aclose()
            self._transport = None

    async def send(self, call: Outgoing) -> httpx2.Response:
        """All attempts of one call."""
        import stamina  # noqa: PLC0415 - 35 ms that only callers pay, at their first call

        context = current.get() or open_context(())
        deadline = time.time() + call.terms.timeout
        if context.deadline is not None:
            deadline = min(deadline, context.deadline)
        attempts = stamina.retry_context(
            on=_wait_before_next, attempts=self._retries.attempts, timeout=None
        )
        try:
            async for attempt in attempts:
                with attempt:
                    return await self._attempt(call, context, deadline, attempt.num)
        except _TryAgain as last:
            raise last.failure from last.__cause__
        raise AssertionError("stamina ends with a result or an exception")

    async def _attempt(
        self, call: Outgoing, context: RequestContext, deadline: float, number: int
    ) -> httpx2.Response:
        """One signed attempt through the breaker, measured and traced."""
        now = time.time()
        if now >= deadline:
            raise CallFailed("the deadline has passed", where=call.callee)
        breaker = self._entered(call, context, number)
        try:
            response = await self._observed(call, context, now, (deadline, number))
        except CallFailed as failure:
            breaker.failed()
            raise self._again(call, failure, None, (deadline, number)) from failure.__cause__
        except BaseException:
            breaker.abandoned()
            raise
        if response.status_code >= 500:
            breaker.failed()
        else:
            breaker.succeeded()
        return self._judged(call, response, (deadline, number))

    def _entered(self, call: Outgoing, context: RequestContext, number: int) -> Breaker:
        breaker = self._breakers.get(call.callee)
        if breaker is None:
            breaker = self._breakers[call.callee] = Breaker(call.callee)
        try:
            breaker.enter()
        except CircuitOpen:
            self._metrics.called(call.callee, call.intent, "open", 0.0)
            _, span = self._tracing.begin_client(context.trace, _name(call))
            span.end(0, {**_said(call, number), "fairway.breaker": "open"})
            raise
        return breaker

    async def _observed(
        self, call: Outgoing, context: RequestContext, now: float, attempt: tuple[float, int]
    ) -> httpx2.Response:
        """One attempt (its deadline, its number), measured and traced."""
        started = time.perf_counter()
        deadline, number = attempt
        trace, span = self._tracing.begin_client(context.trace, _name(call))
        stamp = Stamp(now, secrets.token_urlsafe(18), trace, deadline)
        status = 0
        try:
            response = await self._exchange(call, context, stamp)
            status = response.status_code
            return response
        finally:
            outcome = f"{status // 100}xx" if status else "error"
            elapsed = time.perf_counter() - started
            self._metrics.called(call.callee, call.intent, outcome, elapsed)
            span.end(status, _said(call, number))

    async def _exchange(
        self, call: Outgoing, context: RequestContext, stamp: Stamp
    ) -> httpx2.Response:
        """Send and read to the end; raises CallFailed (`_NeverReached` where that is certain)."""
        import httpx2  # noqa: PLC0415 - imported already by build_request

        credentials = self._signing.credentials(call.callee) if self._signing else None
        remaining = stamp.deadline - stamp.now
        request = httpx2.Request(
            call.request.method,
            call.request.url,
            headers=attempt_headers(call, context, stamp, credentials),
            stream=call.request.stream,
            extensions={"timeout": {"connect": remaining, "pool": remaining}},
        )
        try:
            async with asyncio.timeout(remaining):
                response = await self._connections().handle_async_request(request)
                return await _read(response, request)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise _NeverReached(f"no connection: {error}", where=call.callee) from error
        except TimeoutError as error:
            raise CallFailed(f"no answer within {remaining:.3f} s", where=call.callee) from error
        except (httpx2.RequestError, ssl.SSLError) as error:
            # A certificate that the other side misses shows at the first read, as an SSLError.
            raise CallFailed(
                f"the connection failed: {type(error).__name__}: {error}", where=call.callee
            ) from error

    def _judged(
        self, call: Outgoing, response: httpx2.Response, attempt: tuple[float, int]
    ) -> httpx2.Response:
        """The response if it is the caller's to judge; else Denied, CallFailed or another try."""
        status = response.status_code
        if status in (401, 403):
            raise _denied(call.callee, response)
        if status < 500 and status != 429:
            return response
        failure = CallFailed(f"{call.callee} answered {status}", where=call.callee, status=status)
        if status not in PASSING:
            raise failure
        asked = parse_retry_after(response.headers.get("retry-after"), time.time())
        raise self._again(call, failure, asked, attempt)

    def _again(
        self,
        call: Outgoing,
        failure: CallFailed,
        retry_after: float | None,
        attempt: tuple[float, int],
    ) -> Exception:
        """The failure, as `_TryAgain` where another attempt is safe and fits into the deadline."""
        deadline, number = attempt
        safe = call.repeatable and (
            is_safe(call.request.method, call.terms.idempotency_key is not None)
            or isinstance(failure, _NeverReached)
        )
        wait = self._retries.wait(number, retry_after, random.random)
        if not safe or time.time() + wait >= deadline:
            return failure
        return _TryAgain(failure, wait)

    def _connections(self) -> httpx2.AsyncBaseTransport:
        if self._transport is None:
            import httpx2  # noqa: PLC0415 - imported already by build_request

            limits = httpx2.Limits(
                max_connections=_MAX_CONNECTIONS,
                max_keepalive_connections=_MAX_CONNECTIONS,
                keepalive_expiry=_KEEP_ALIVE,
            )
            self._transport = httpx2.AsyncHTTPTransport(limits=limits, trust_env=False)
        return self._transport


async def _read(response: httpx2.Response, request: httpx2.Request) -> httpx2.Response:
    """The response with its body; its connection goes back to the pool, or is closed."""
    response.request = request
    try:
        await response.aread()
    except BaseException:
        await response.aclose()
        raise
    return response


def _name(call: Outgoing) -> str:
    return f"{call.request.method} {call.callee}"


def _said(call: Outgoing, number: int) -> Attributes:
    """What the span of an attempt says; the first try is number 1."""
    return {
        "server.address": call.callee,
        "fairway.intent": call.intent,
        "fairway.attempts": number,
    }


def _wait_before_next(error: Exception) -> bool | float:
    return error.wait if isinstance(error, _TryAgain) else False


def _denied(callee: str, response: httpx2.Response) -> Denied:
    """What the callee said, or the text of a mesh that refused before it."""
    try:
        document = response.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        document = {"reason": response.text[:200] or "no reason was given"}
    return Denied(
        str(document.get("reason", "no reason was given")),
        str(document.get("decision_id", "")),
        response.status_code,
        where=callee,
    )
