"""The small parts by themselves: settings, logs, counters, breaker, and what an import costs."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys

import pytest

import fairway_runtime
from fairway_runtime import CircuitOpen, InvalidConfiguration, Settings, get_logger
from fairway_runtime.admission import hour_and_weekday
from fairway_runtime.breaker import Breaker
from fairway_runtime.logs import JsonLines, configure, timestamp, unconfigure
from fairway_runtime.metrics import BOUNDS, MAX_SERIES, Metrics, prometheus_text

HEAVY = ("httpx2", "opentelemetry", "botocore", "fastapi", "pydantic", "stamina", "purgatory")


def test_importing_everything_loads_nothing_heavy() -> None:
    program = (
        "import sys; from fairway_runtime import *; import fairway_runtime.sigv4;"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"


def test_the_public_names_are_there() -> None:
    assert {name for name in dir(fairway_runtime) if not name.startswith("_")} >= set(
        fairway_runtime.__all__
    )
    for name in fairway_runtime.__all__:
        assert getattr(fairway_runtime, name).__name__
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        fairway_runtime.nonsense  # noqa: B018


def test_wrong_settings_are_all_reported_at_once() -> None:
    wrong = {
        "FAIRWAY_METRICS": "perhaps", "FAIRWAY_LOG_LEVEL": "loud", "FAIRWAY_HEALTH": "x",
        "FAIRWAY_BODY_LIMIT": "-1", "FAIRWAY_DRAIN_TIMEOUT": "soon", "FAIRWAY_AUDIT_ALLOWED": "2",
        "FAIRWAY_DRAIN_DELAY": "nan",
    }  # fmt: skip
    with pytest.raises(InvalidConfiguration) as error:
        Settings.from_environment(wrong)
    assert all(name in error.value.message for name in wrong)
    assert error.value.remedy


def test_settings_read_what_is_there() -> None:
    found = Settings.from_environment(
        {"FAIRWAY_METRICS": "on", "AXON_TWO_URL": "http://h/", "OTEL_SERVICE_NAME": "axon",
         "FAIRWAY_LOG_LEVEL": "debug", "FAIRWAY_BODY_LIMIT": "10"}
    )  # fmt: skip
    assert (found.metrics, found.service, found.log_level, found.body_limit) == (
        True, "axon", "DEBUG", 10,
    )  # fmt: skip
    assert found.url_of("axon-two") == "http://h"
    assert found.url_of("none") is None
    assert not found.governed


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


class Broken:
    def __str__(self) -> str:
        raise RuntimeError("no text")


def test_log_lines_are_whole_json_objects(stream: io.StringIO) -> None:
    configure(Settings(service="axon", release="r7", log_level="DEBUG"), stream)
    log = get_logger("shop.axon")
    log.info("100% sure", answer=42, text='quote " and\nnewline', level="forged", broken=Broken())
    log.debug("fine detail")
    log.error("bad")
    logging.getLogger("other").warning("%s in stock", 3, extra={"shelf": 7})
    first, second, third, fourth = lines(stream)
    assert first["message"] == "100% sure"
    assert (first["answer"], first["level"], first["service"]) == (42, "info", "axon")
    assert first["broken"] == "<Broken without text: RuntimeError>"
    assert [second["level"], third["level"], fourth["level"]] == ["debug", "error", "warning"]
    assert (fourth["message"], fourth["shelf"], fourth["logger"]) == ("3 in stock", 7, "other")


def test_a_level_below_the_configured_one_is_not_written(stream: io.StringIO) -> None:
    configure(Settings(log_level="ERROR"), stream)
    get_logger("quiet").warning("not this")
    assert stream.getvalue() == ""


def test_configuring_again_does_not_double_lines(stream: io.StringIO) -> None:
    for _ in range(3):
        configure(Settings(), stream)
    get_logger("once").info("hello")
    assert len(lines(stream)) == 1


def test_the_uvicorn_access_log_is_silenced() -> None:
    configure(Settings())
    assert not logging.getLogger("uvicorn.access").hasHandlers()


def test_logging_can_be_had_back_as_it_was() -> None:
    root, server = logging.getLogger(), logging.getLogger("uvicorn.access")
    own = logging.NullHandler()
    server.addHandler(own)

    def now() -> tuple[object, ...]:
        return root.level, list(root.handlers), server.propagate, list(server.handlers)

    before = now()
    for level in ("DEBUG", "ERROR"):
        configure(Settings(log_level=level))
    assert root.level == logging.ERROR and server.handlers == []
    for _ in range(2):
        unconfigure()
        assert now() == before
    server.removeHandler(own)


def test_lines_work_without_constant_members(stream: io.StringIO) -> None:
    JsonLines({}, stream).write({"a": 1})
    JsonLines({"service": "axon"}, stream).write({"a": 1})
    assert lines(stream) == [{"a": 1}, {"a": 1, "service": "axon"}]


def test_timestamps_are_utc_with_microseconds() -> None:
    assert timestamp(1_795_219_200.25) == "2026-11-21T00:00:00.250000Z"


@pytest.mark.parametrize(
    ("now", "expected"), [(0, (0, 4)), (1_795_219_200, (0, 6)), (1_795_219_200 + 90_000, (1, 7))]
)
def test_hour_and_weekday_are_utc_and_iso(now: int, expected: tuple[int, int]) -> None:
    assert hour_and_weekday(now) == expected


def test_histograms_are_cumulative_in_the_text_format() -> None:
    metrics = Metrics()
    for seconds in (0.0005, 0.001, 0.3, 99.0):
        metrics.served('a"b\\c', 200, seconds)
    text = prometheus_text(metrics.families())
    labels = 'intent="a\\"b\\\\c",status="2xx"'
    name = "http_server_request_duration_seconds"
    assert f'{name}_bucket{{{labels},le="0.001"}} 2' in text
    assert f'{name}_bucket{{{labels},le="0.5"}} 3' in text
    assert f'{name}_bucket{{{labels},le="{BOUNDS[-1]}"}} 3' in text
    assert f'{name}_bucket{{{labels},le="+Inf"}} 4' in text
    assert f"{name}_count{{{labels}}} 4" in text


def test_series_are_bounded() -> None:
    metrics = Metrics()
    for number in range(MAX_SERIES + 50):
        metrics.served(f"intent-{number}", 200, 0.001)
        metrics.called("axon", f"intent-{number}", "2xx", 0.001)
    text = prometheus_text(metrics.families())
    for name in ("http_server_request_duration_seconds", "http_client_request_duration_seconds"):
        counts = [line for line in text.splitlines() if line.startswith(f"{name}_count")]
        assert len(counts) == MAX_SERIES + 1
        assert sum(int(line.rpartition(" ")[2]) for line in counts) == MAX_SERIES + 50


class TestBreaker:
    def fail(self, breaker: Breaker, times: int) -> None:
        for _ in range(times):
            breaker.enter()
            breaker.failed()

    def reopen(self, breaker: Breaker) -> None:
        """Let the recovery time pass."""
        breaker._context._state.opened_at -= 60  # type: ignore[operator]

    def test_it_opens_after_failures_in_a_row_only(self) -> None:
        breaker = Breaker("axon", threshold=3)
        self.fail(breaker, 2)
        breaker.enter()
        breaker.succeeded()
        self.fail(breaker, 2)
        assert breaker.state == "closed"
        self.fail(breaker, 1)
        assert breaker.state == "opened"
        with pytest.raises(CircuitOpen) as opened:
            breaker.enter()
        assert 0 < opened.value.retry_after <= 10
        assert "axon" in str(opened.value)

    def test_half_open_admits_one_probe_at_a_time(self) -> None:
        breaker = Breaker("axon", threshold=1)
        self.fail(breaker, 1)
        self.reopen(breaker)
        breaker.enter()
        with pytest.raises(CircuitOpen):
            breaker.enter()
        breaker.succeeded()
        assert breaker.state == "closed"
        breaker.enter()
        breaker.enter()

    def test_a_failed_probe_opens_it_again(self) -> None:
        breaker = Breaker("axon", threshold=1)
        self.fail(breaker, 1)
        self.reopen(breaker)
        self.fail(breaker, 1)
        with pytest.raises(CircuitOpen):
            breaker.enter()

    def test_an_abandoned_probe_decides_nothing(self) -> None:
        breaker = Breaker("axon", threshold=1)
        self.fail(breaker, 1)
        self.reopen(breaker)
        breaker.enter()
        breaker.abandoned()
        assert breaker.state == "half-opened"
        breaker.enter()
        breaker.succeeded()
        assert breaker.state == "closed"

    def test_late_failures_of_attempts_begun_before_change_nothing(self) -> None:
        breaker = Breaker("axon", threshold=1)
        breaker.enter()
        breaker.enter()
        breaker.failed()
        breaker.failed()
        assert breaker.state == "opened"
        assert breaker._context.messages == []
