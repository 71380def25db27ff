"""Structured logs: one JSON object per line on standard output.

`get_logger(name).info("text", key=value)` for services; `configure` is called by `fairway(app)`,
and `unconfigure` takes back what it did to the process; `request_line.py` makes the one line per
request. Every line carries time, level, service, release,
and within a request its correlation and trace ids. Standard `logging` works beside it and comes
out in the same form. Known secrets are redacted from every line.

Learned by measuring: a record of `logging` costs about 8 µs before it is formatted, so the line
per request goes to the same stream without one; constant members are encoded once.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TextIO

from fairway_runtime.context import current
from fairway_runtime.redaction import redact
from fairway_runtime.settings import Settings

_FIELDS = "fairway_fields"
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "color_message",  # uvicorn repeats its message with terminal colours
    _FIELDS,
}
_UVICORN = ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi")


class Logger:
    """Text plus fields. Fields may be anything: what JSON cannot hold is written as text."""

    __slots__ = ("_logger",)

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def debug(self, text: str, /, **fields: object) -> None:
        """For whoever looks for a fault."""
        self._log(logging.DEBUG, text, fields)

    def info(self, text: str, /, **fields: object) -> None:
        """Something happened as it should."""
        self._log(logging.INFO, text, fields)

    def warning(self, text: str, /, **fields: object) -> None:
        """Something is wrong, but was coped with."""
        self._log(logging.WARNING, text, fields)

    def error(self, text: str, /, **fields: object) -> None:
        """Something failed."""
        self._log(logging.ERROR, text, fields)

    def exception(self, text: str, /, **fields: object) -> None:
        """Something failed with the exception that is being handled, whose traceback is added."""
        self._log(logging.ERROR, text, fields, exc_info=True)

    def _log(
        self, level: int, text: str, fields: Mapping[str, object], exc_info: bool = False
    ) -> None:
        if self._logger.isEnabledFor(level):
            # Not `Logger.log`, which searches the stack for who called and finds this module: a
            # seventh of the 8 µs. The text is an argument, never a format: a percent sign in it
            # must not matter.
            exception = sys.exc_info() if exc_info else None
            record = self._logger.makeRecord(
                self._logger.name, level, __file__, 0, "%s", (text,), exception,
                extra={_FIELDS: fields},
            )  # fmt: skip
            self._logger.handle(record)


def get_logger(name: str) -> Logger:
    """The logger of a module: `log = get_logger(__name__)`."""
    return Logger(logging.getLogger(name))


class JsonLines:
    """Encodes and writes lines. `constant` members (service, release, …) are encoded once."""

    def __init__(self, constant: Mapping[str, str], stream: TextIO | None = None) -> None:
        self._stream = stream
        self._tail = f", {_encode(constant)[1:]}" if constant else "}"

    def write(self, members: Mapping[str, object]) -> None:
        """One line of `members` (at least one) and the constant ones."""
        self.write_text(_encode(members)[1:-1])

    def write_text(self, members: str) -> None:
        """Members that are JSON already, without braces; secrets are redacted from the whole line.

        In one write, so that lines of several threads never mix.
        """
        stream = self._stream or sys.stdout
        stream.write(redact(f"{{{members}{self._tail}\n"))
        stream.flush()


@dataclass(frozen=True, slots=True)
class _Before:
    """How logging was before it was configured here: a level, and what uvicorn's loggers had."""

    level: int
    servers: Mapping[str, tuple[list[logging.Handler], bool]]

    @classmethod
    def now(cls) -> _Before:
        loggers = {name: logging.getLogger(name) for name in _UVICORN}
        servers = {name: (logger.handlers, logger.propagate) for name, logger in loggers.items()}
        return cls(logging.getLogger().level, servers)

    def restore(self) -> None:
        logging.getLogger().setLevel(self.level)
        for name, (handlers, propagate) in self.servers.items():
            logger = logging.getLogger(name)
            logger.handlers, logger.propagate = handlers, propagate


class JsonHandler(logging.Handler):
    """Standard logging in the same lines; it knows how logging was before."""

    def __init__(self, lines: JsonLines, before: _Before) -> None:
        super().__init__()
        self._lines = lines
        self.before = before

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; a failure goes to `logging`'s own error handling, never to the app."""
        try:
            self._lines.write(_members(record))
        except Exception:  # noqa: BLE001 - the contract of logging handlers: never raise
            self.handleError(record)


def configure(settings: Settings, stream: TextIO | None = None) -> JsonLines:
    """Send all logging of this process to JSON lines; called again, it replaces the former.

    uvicorn's own access log is turned off: there is one line per request already.
    """
    lines = JsonLines(_constant(settings), stream)
    if settings.log_format == "json":
        unconfigure()
        root = logging.getLogger()
        root.addHandler(JsonHandler(lines, _Before.now()))
        root.setLevel(settings.log_level)
        adopt_server_loggers(settings)
    return lines


def unconfigure() -> None:
    """Leave logging as it was before `configure`; nothing where that was not called.

    For programs that go on without the wrapped app, as tests do.
    """
    root = logging.getLogger()
    for handler in [each for each in root.handlers if isinstance(each, JsonHandler)]:
        root.removeHandler(handler)
        handler.before.restore()


def adopt_server_loggers(settings: Settings) -> None:
    """Let uvicorn's own loggers come out as JSON lines, but for its access log.

    `asgi.py` calls it again when the server starts up, because `uvicorn.run(fairway(app))` sets
    its loggers up after the app was wrapped.
    """
    if settings.log_format != "json":
        return
    for name in _UVICORN:
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = name != "uvicorn.access"


def _constant(settings: Settings) -> dict[str, str]:
    members = {
        "service": settings.service,
        "environment": settings.environment,
        "release": settings.release,
        "replica": settings.replica if settings.service else "",
    }
    return {name: value for name, value in members.items() if value}


def _members(record: logging.LogRecord) -> dict[str, object]:
    fields: Mapping[str, object] = getattr(record, _FIELDS, None) or _extra(record)
    own: dict[str, object] = {
        "time": timestamp(record.created),
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": record.getMessage(),
    }
    # Twice: ours come first for whoever reads, and a field of the same name does not replace them.
    members = {**own, **fields, **own}
    request = current.get()
    if request is not None:
        members["correlation_id"] = request.correlation_id
        members["trace_id"] = request.trace.trace_id
        members["span_id"] = request.trace.span_id
    if record.exc_info and record.exc_info[0] is not None:
        members["exception"] = "".join(traceback.format_exception(*record.exc_info))
    return members


def _extra(record: logging.LogRecord) -> dict[str, object]:
    """What other libraries gave as `extra=`."""
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


_second = (0, "")


def timestamp(now: float) -> str:
    """ISO 8601 in UTC with microseconds; the seconds are formatted once each."""
    global _second  # noqa: PLW0603 - a cache of one entry; a lost race costs one formatting
    whole = int(now)
    known, text = _second
    if known != whole:
        text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))
        _second = (whole, text)
    return f"{text}.{int((now - whole) * 1_000_000):06d}Z"


def _printable(value: Any) -> str:
    try:
        return str(value)
    except Exception as error:  # noqa: BLE001 - a field with a broken __str__ must not cost the line
        return f"<{type(value).__name__} without text: {type(error).__name__}>"


_encode = json.JSONEncoder(default=_printable, ensure_ascii=False, check_circular=True).encode
