"""`fairway(app)`: any ASGI app, verified, decided, logged, measured and drained.

The story of a request: read its head → ids and trace → admit (signature, intent, decision) → read
and compare the body → handler → one log line, one observation. Health, readiness and what is asked
of our own port (metrics, the OpenAPI document) go around admission; everything else is refused
unless something allows it. Without an identity in the environment nothing is verified or decided,
and everything else works the same.

Measured (see `runtime/README.md`): the whole of it adds well under 100 µs to a request.
"""

from __future__ import annotations

from fairway_runtime import answers
from fairway_runtime import metrics as metrics_module
from fairway_runtime.asgitypes import App, Message, Receive, Scope, Send
from fairway_runtime.context import current, open_context
from fairway_runtime.exchange import Exchange, Site
from fairway_runtime.governed import Guard
from fairway_runtime.lifecycle import Lifecycle
from fairway_runtime.lifespan import Lifespan
from fairway_runtime.logs import adopt_server_loggers, configure, get_logger
from fairway_runtime.metrics import Metrics, prometheus_text
from fairway_runtime.secrets.store import redact_mounted
from fairway_runtime.settings import Settings
from fairway_runtime.tracing import shared_tracing

DEFAULT_HEALTH = "/health"
READY = "/ready"
METRICS = "/metrics"
OPENAPI = "/openapi.json"
_log = get_logger(__name__)


def fairway(
    app: App, settings: Settings | None = None, *, metrics: Metrics | None = None
) -> Fairway:
    """Wrap an ASGI app. Reads the environment unless `settings` are given.

    Raises InvalidConfiguration when the environment is wrong: a governed service never starts
    ungoverned.
    """
    return Fairway(app, settings or Settings.from_environment(), metrics or metrics_module.shared)


class Fairway:
    """The wrapped app; itself an ASGI app. One per process."""

    def __init__(self, app: App, settings: Settings, metrics: Metrics) -> None:
        lines = configure(settings)
        redact_mounted(settings)
        self._app = app
        self._settings = settings
        self._metrics = metrics
        self._guard = Guard(settings) if settings.governed else None
        self._tracing = shared_tracing(settings, metrics)
        self._site = Site(app, settings, self._guard, metrics, self._tracing, lines)
        self.lifecycle = Lifecycle(settings.drain_timeout, settings.drain_delay)
        if settings.service and self._guard is None:
            _log.warning(
                "calls are neither verified nor decided here: no identity was given",
                remedy="declare `library: true` for this service in the app file",
            )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection scope."""
        match scope["type"]:
            case "http":
                await self._http(scope, receive, send)
            case "websocket":
                await self._serve(scope, receive, send)
            case "lifespan":
                adopt_server_loggers(self._settings)
                lifespan = Lifespan(self._app, self.lifecycle, self._metrics, self._close)
                await lifespan.run(scope, receive, send)
            case _:
                await self._app(scope, receive, send)

    def _close(self) -> None:
        try:
            self._tracing.close()
        finally:
            if self._guard is not None:
                self._guard.close()

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] in ("GET", "HEAD"):
            path = scope["path"]
            if path == self._health_path():
                await self._health(scope, receive, send)
                return
            if path == READY and _is_direct(scope):
                await self._ready(send)
                return
            if path == METRICS and self._settings.metrics and _is_direct(scope):
                await self._counters(send)
                return
            if path == OPENAPI and _is_direct(scope):
                await self._openly(scope, receive, send)
                return
        await self._serve(scope, receive, send)

    def _health_path(self) -> str:
        return (self._guard and self._guard.health_path) or DEFAULT_HEALTH

    async def _health(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Liveness: the app's own answer; ours where it has none (404) or where so configured."""
        if self._settings.health == "library":
            await self._alive(send)
            return
        if self._settings.health == "app":
            await self._openly(scope, receive, send)
            return
        answer = _AnswerUnlessMissing(send)
        await self._openly(scope, receive, answer.send)
        if answer.missing:
            await self._alive(send)

    async def _openly(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The app without admission or log line, but with ids, which its own code may ask for."""
        token = current.set(open_context(scope["headers"], self._settings.release))
        try:
            await self._app(scope, receive, send)
        finally:
            current.reset(token)

    async def _alive(self, send: Send) -> None:
        document = {
            "status": "alive",
            "service": self._settings.service,
            "release": self._settings.release,
        }
        await answers.send_json(send, 200, document)

    async def _ready(self, send: Send) -> None:
        state = self.lifecycle.state
        await answers.send_json(send, 200 if state == "ready" else 503, {"status": state})

    async def _counters(self, send: Send) -> None:
        text = prometheus_text(self._metrics.families())
        kind = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")
        await answers.send_bytes(send, 200, text.encode(), [kind])

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.lifecycle.request_began()
        self._metrics.in_flight += 1
        try:
            await Exchange(self._site, scope, receive, send).run()
        finally:
            self._metrics.in_flight -= 1
            self.lifecycle.request_ended()


class _AnswerUnlessMissing:
    """Passes a response through, unless it is a 404: then nothing is sent."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.missing = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 404:
            self.missing = True
        if not self.missing:
            await self._send(message)


def _is_direct(scope: Scope) -> bool:
    """Whether a request came to our own port, not through the mesh, whose sidecar marks it."""
    return all(name != b"x-forwarded-client-cert" for name, _ in scope["headers"])
