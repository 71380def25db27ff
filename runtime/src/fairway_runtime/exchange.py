"""One request (or WebSocket) from its head to its log line. Made by `asgi.py`, used once."""

from __future__ import annotations

import time
from typing import NamedTuple
from urllib.parse import unquote

from fairway_runtime import answers
from fairway_runtime.admission import Admission, Head, Refused
from fairway_runtime.answers import DECISION, DENIED, Headers
from fairway_runtime.asgitypes import App, Message, Receive, Scope, Send
from fairway_runtime.body import (
    BodyTooLarge,
    ClientGone,
    announced_too_large,
    read_body,
    replay,
)
from fairway_runtime.context import (
    RequestContext,
    carried_headers,
    correlation_id,
    current,
    parse_deadline,
    parse_trace,
)
from fairway_runtime.governed import Guard
from fairway_runtime.logs import JsonLines, get_logger
from fairway_runtime.metrics import Metrics
from fairway_runtime.request_line import Served, request_line
from fairway_runtime.settings import Settings
from fairway_runtime.sigv4.canonical import FoldedHeaders, fold_headers
from fairway_runtime.spoken import span_attributes
from fairway_runtime.tracing import NO_SPAN, Attributes, Tracing

CLIENT_CLOSED = 499
"""The status that is logged for a caller that went away before it was answered."""

_TOO_LARGE = {"error": "too large", "reason": "the body is larger than this service reads"}
_TOO_LATE = {"error": "deadline exceeded", "reason": "the caller's deadline has passed"}
_log = get_logger("fairway_runtime.asgi")


class Site(NamedTuple):
    """What every exchange of one app shares."""

    app: App
    settings: Settings
    guard: Guard | None
    metrics: Metrics
    tracing: Tracing
    lines: JsonLines


class Exchange:
    """Admits, serves and records one request."""

    __slots__ = (
        "_admission", "_correlation", "_headers", "_reason", "_receive", "_refusal", "_scope",
        "_send", "_site", "_span", "_started", "_status", "_trace", "_websocket",
    )  # fmt: skip

    def __init__(self, site: Site, scope: Scope, receive: Receive, send: Send) -> None:
        self._started = time.perf_counter()
        self._site = site
        self._scope = scope
        self._receive = receive
        self._send = send
        self._websocket = scope["type"] == "websocket"
        self._headers: FoldedHeaders = fold_headers(scope["headers"])
        trace = parse_trace(self._headers.values)
        self._trace, self._span = site.tracing.begin_server(trace, scope.get("method", "WEBSOCKET"))
        self._correlation = correlation_id(self._headers.values, self._trace.trace_id)
        self._status = 0
        self._reason = ""
        self._admission: Admission | None = None
        self._refusal: Refused | None = None

    async def run(self) -> None:
        """Serve it and record it, whatever happens."""
        try:
            await self._admit_and_handle()
        finally:
            self._record()

    async def _admit_and_handle(self) -> None:
        try:
            self._admission = self._admit()
            deadline = self._deadline()
            receive = await self._checked_body()
        except Refused as refusal:
            await self._refuse(refusal)
        except ClientGone:
            self._status = CLIENT_CLOSED
        else:
            await self._handle(receive, deadline)

    def _deadline(self) -> float | None:
        deadline = parse_deadline(self._headers.values)
        if deadline is not None and deadline < time.time():
            raise Refused(504, "the deadline had passed on arrival", _TOO_LATE)
        return deadline

    def _admit(self) -> Admission | None:
        guard = self._site.guard
        if guard is None:
            return None
        scope = self._scope
        head = Head(
            "GET" if self._websocket else scope["method"],
            scope.get("raw_path") or scope["path"].encode(),
            scope.get("query_string", b""),
            self._headers,
            self._websocket,
        )
        try:
            admission = guard.admit(head)
        except Refused as refusal:
            guard.record(refusal, self._correlation)
            raise
        guard.record(admission, self._correlation)
        return admission

    async def _checked_body(self) -> Receive:
        """Where the handler reads from: after comparing the body with its signed hash, if any."""
        admission = self._admission
        if admission is None or self._websocket or not admission.hashed:
            return self._receive
        limit = self._site.settings.body_limit
        if announced_too_large(self._headers.values.get(b"content-length"), limit):
            raise self._too_large(limit)
        try:
            body = await read_body(self._receive, limit)
        except BodyTooLarge:
            raise self._too_large(limit) from None
        assert admission.verified is not None
        if not admission.verified.body_matches(body):
            raise Refused(401, "the body does not match its signed hash")
        return replay(body, self._receive)

    def _too_large(self, limit: int) -> Refused:
        return Refused(413, f"the body is larger than {limit} bytes and hashed", _TOO_LARGE)

    async def _handle(self, receive: Receive, deadline: float | None) -> None:
        token = current.set(self._context(deadline))
        try:
            await self._site.app(self._decided_scope(), receive, self._send_and_note)
        except Exception as error:  # noqa: BLE001 - the app's own: logged here, where its ids are known
            await self._failed(error)
        finally:
            current.reset(token)

    def _decided_scope(self) -> Scope:
        """The scope with the path that was decided on, as Envoy would have sent it."""
        scope = self._scope
        if self._admission is None:
            return scope
        path = self._admission.path
        raw_path = path.encode()
        if scope.get("raw_path", raw_path) == raw_path:
            return scope
        return {**scope, "path": unquote(path), "raw_path": raw_path}

    def _context(self, deadline: float | None) -> RequestContext:
        admission = self._admission
        values = self._headers.values
        return RequestContext(
            correlation_id=self._correlation,
            trace=self._trace,
            caller=admission.caller if admission else None,
            intent=admission.intent.name if admission and admission.intent else None,
            decision=admission.decision if admission else None,
            release=self._site.settings.release,
            deadline=deadline,
            source=admission.source if admission else "direct",
            cohort=values.get(b"x-fairway-cohort", b"").decode("latin-1"),
            request_id=values.get(b"x-request-id", b"").decode("latin-1"),
            carried=carried_headers(values),
        )

    async def _send_and_note(self, message: Message) -> None:
        # An app that passes on what its callee answered must not pass on who refused.
        kind = message["type"]
        if kind in ("http.response.start", "websocket.accept"):
            self._status = message.get("status", 101)
            own = (each for each in message.get("headers", ()) if each[0].lower() != DECISION)
            message = {**message, "headers": [*own, self._id_header()]}
        elif kind == "websocket.close" and not self._status:
            self._status = 403
        await self._send(message)

    def _id_header(self) -> tuple[bytes, bytes]:
        return b"x-correlation-id", self._correlation.encode()

    async def _failed(self, error: Exception) -> None:
        """A handler raised: answer 500 if nothing was answered yet, else let the server cut it."""
        _log.exception("the handler failed", error=type(error).__name__)
        answered = bool(self._status)
        self._reason = f"the handler raised {type(error).__name__}"
        if answered:
            raise error
        self._status = 500
        document = {"error": "internal error", "correlation_id": self._correlation}
        await self._answer(500, document)

    async def _refuse(self, refusal: Refused) -> None:
        self._refusal = refusal
        self._status = refusal.status
        self._reason = refusal.reason
        self._site.metrics.refused(refusal.status)
        marks = (DENIED,) if refusal.status in (401, 403) else ()
        await self._answer(refusal.status, refusal.answer, marks)

    async def _answer(self, status: int, document: dict[str, str], marks: Headers = ()) -> None:
        headers = (self._id_header(), *marks)
        if self._websocket:
            await answers.refuse_websocket(self._send, self._scope, headers)
        else:
            await answers.send_json(self._send, status, document, headers)

    def _record(self) -> None:
        seconds = time.perf_counter() - self._started
        found = self._refusal if self._refusal and not self._admission else self._admission
        intent = _intent_name(found)
        decision = found.decision if found else None
        status = self._status or CLIENT_CLOSED
        metrics = self._site.metrics
        metrics.served(intent or "none", status, seconds)
        if decision is not None:
            metrics.decided(decision.allowed)
        if self._span is not NO_SPAN:
            self._span.end(status, self._said(found, intent))
        self._site.lines.write_text(request_line(self._served(status, seconds, found, intent)))

    def _said(self, found: Admission | Refused | None, intent: str) -> Attributes:
        scope = self._scope
        cohort = self._headers.values.get(b"x-fairway-cohort", b"").decode("latin-1")
        words = (self._reason, cohort, self._correlation)
        return span_attributes((scope.get("method", ""), scope["path"]), found, intent, words)

    def _served(
        self, status: int, seconds: float, found: Admission | Refused | None, intent: str
    ) -> Served:
        scope, trace = self._scope, self._trace
        return Served(
            time.time(),
            seconds,
            scope.get("method", "WEBSOCKET"),
            scope["path"],
            status,
            (self._correlation, trace.trace_id, trace.span_id),
            found is not None,
            found.caller if found else None,
            intent,
            found.decision if found else None,
            self._reason,
        )


def _intent_name(found: Admission | Refused | None) -> str:
    if found is None or found.intent is None:
        return ""
    return found.intent if isinstance(found.intent, str) else found.intent.name
