"""Calls to other services: `await client.call("axon", "reason", json={…})`.

A service makes one `ServiceClient` per process. A call is looked up (method and path of the
intent), given the ids and the deadline of the request that is being served, signed anew for each
attempt, retried only where that is safe, and not tried while the callee's circuit is open
(`caller.py`). Everything that goes wrong is a `Denied`, `CircuitOpen` or `CallFailed`; any other
answer below 500 is the caller's to judge.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from fairway_runtime import metrics as metrics_module
from fairway_runtime.advice import Adviser
from fairway_runtime.attempts import RetryPolicy
from fairway_runtime.caller import Caller
from fairway_runtime.errors import InvalidConfiguration
from fairway_runtime.governed import live_policies, signing_file
from fairway_runtime.intents import IntentRoute, IntentTable, fill
from fairway_runtime.metrics import Metrics
from fairway_runtime.outgoing import Payload, Terms, build_request, outgoing
from fairway_runtime.policy.bundle import BundleService
from fairway_runtime.policy.engine import Context, Decision
from fairway_runtime.settings import Settings
from fairway_runtime.tracing import shared_tracing

if TYPE_CHECKING:
    import httpx2

DEFAULT_TIMEOUT = 15.0


class ServiceClient:
    """Calls other services. An async context manager; or call `aclose()` at the end."""

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        retries: RetryPolicy | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self._settings = settings or Settings.from_environment()
        counters = metrics or metrics_module.shared
        signing = signing_file(self._settings)
        self._live = live_policies(self._settings) if self._settings.policy_file else None
        self._tables: dict[str, tuple[BundleService, IntentTable]] = {}
        tracing = shared_tracing(self._settings, counters)
        self._adviser = Adviser(self._settings, self._live, signing, tracing)
        self._caller = Caller(signing, retries or RetryPolicy(), counters, tracing, transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections, and the audit log."""
        await self._caller.aclose()
        self._adviser.close()

    async def call(  # noqa: PLR0913 - the public face: every argument but two is optional and named
        self,
        callee: str,
        intent: str,
        *,
        path: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        content: bytes | str | AsyncIterable[bytes] | None = None,
        data: Mapping[str, Any] | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        idempotency_key: str | None = None,
    ) -> httpx2.Response:
        """Ask `callee` for a declared intent; `path` fills the parameters of its path.

        `timeout` is in seconds and covers all attempts; the deadline of the request that is being
        served shortens it. Raises Denied, CircuitOpen, CallFailed, and InvalidConfiguration when
        the intent or the address of the callee is not known.
        """
        route = self._route(callee, intent)
        target = fill(route.path, dict(path or {}))
        payload = Payload(params, headers, json, content, data)
        request = build_request(self._settings, callee, route.method, target, payload)
        terms = Terms(timeout, idempotency_key)
        return await self._caller.send(await outgoing(callee, route, request, terms))

    async def request(  # noqa: PLR0913 - as `call`
        self,
        callee: str,
        method: str,
        target: str,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        content: bytes | str | AsyncIterable[bytes] | None = None,
        data: Mapping[str, Any] | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        idempotency_key: str | None = None,
    ) -> httpx2.Response:
        """Like `call`, by method and path (with an optional query) instead of an intent.

        Needs no policy bundle, so it works where Fairway is absent.
        """
        payload = Payload(params, headers, json, content, data)
        request = build_request(self._settings, callee, method, target, payload)
        route = self._matching(callee, method, target.partition("?")[0])
        terms = Terms(timeout, idempotency_key)
        return await self._caller.send(await outgoing(callee, route, request, terms))

    async def ask(self, callee: str, intent: str, context: Context | None = None) -> Decision:
        """Would this service's call be allowed? Decided in process, nothing is sent."""
        return self._adviser.ask(callee, intent, context or {})

    def _route(self, callee: str, intent: str) -> IntentRoute:
        services = self._live.bundle.services if self._live else {}
        found = services[callee].intents.get(intent) if callee in services else None
        if found is None:
            raise InvalidConfiguration(
                f"{callee} declares no intent {intent}"
                if self._live
                else "intents are not known without FAIRWAY_POLICY_FILE",
                where=f"call of {callee}",
                remedy="declare it in the app file, or use request(callee, method, path)",
            )
        return found

    def _matching(self, callee: str, method: str, path: str) -> IntentRoute:
        services = self._live.bundle.services if self._live else {}
        service = services.get(callee)
        if service is None:
            return IntentRoute("", method, path)
        known = self._tables.get(callee)
        if known is None or known[0] is not service:
            known = self._tables[callee] = (service, IntentTable(service.intents.values()))
        return known[1].match(method, path) or IntentRoute("", method, path)
