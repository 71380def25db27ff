"""Telemetry on a terminal: lists, waterfalls, courses, budgets; what finds a log line."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.cli.cli_driver import CommandLine

from fairway.cli.log_lines import Wanted
from fairway.cli.output import Painter
from fairway.cli.telling.filters import one_of, pairs_of, seconds_of
from fairway.cli.telling.metrics import metric_table, metrics_table, slo_table, traffic_table
from fairway.cli.telling.traces import trace_table, waterfall, what_is_left
from fairway.errors import InvalidInput
from fairway.telemetry.lines import Source, parse_line
from fairway.telemetry.port import (
    BurnRate,
    DurationBucket,
    Exemplar,
    MetricAnswer,
    MetricPoint,
    MetricSeries,
    MetricSummary,
    SloStatus,
    Span,
    SpanEvent,
    Trace,
    TracePage,
    TraceSummary,
    Traffic,
)

PLAIN = Painter(colourful=False)
SUMMARY = TraceSummary("a" * 32, "orbit", "POST dispatch", 1.0, 0.1, 3, 0, "denied", ("orbit",))


def span(number: int, parent: int, started: float, lasted: float, **more: Any) -> Span:
    attributes = {name.replace("__", "."): value for name, value in more.pop("said", {}).items()}
    given = {"service": "orbit", "name": "POST dispatch", "status": "unset", "message": ""} | more
    return Span(
        trace_id="a" * 32, span_id=f"{number:016x}", parent_id=f"{parent:016x}" if parent else "",
        kind="server", version="r8", instance="orbit.r8.0", started_at=started, duration=lasted,
        attributes=attributes, resource={}, **given,
    )  # fmt: skip


def test_a_waterfall_shows_who_called_whom_and_what_was_decided() -> None:
    spans = (
        span(1, 0, 1.0, 0.1, sidecar=True, said={"fairway__attempts": "3", "fairway__flags": "-"}),
        span(2, 1, 1.05, 0.05, said={"fairway__decision": "allow", "fairway__policies": "p1"}),
        span(
            3, 2, 1.08, 0.02, service="axon", name="POST reason", status="error",
            said={"fairway__decision": "deny", "fairway__reason": "no policy permits it"},
        ),
    )  # fmt: skip
    lines = waterfall(Trace(SUMMARY, spans), PLAIN, 100).splitlines()
    assert lines[0].endswith("orbit POST dispatch  100.0ms  denied")
    assert lines[2].startswith("orbit (envoy) POST dispatch")
    assert lines[3] == "  3 attempts"
    assert lines[4].startswith("  orbit POST dispatch")
    assert lines[5] == "    allow; by p1"
    assert lines[6].startswith("    axon POST reason")
    assert lines[7] == "      deny; no policy permits it"
    starts = [line.index("█") for line in (lines[2], lines[4], lines[6])]
    assert starts == sorted(starts), "who starts later stands further right"


def test_a_hop_of_a_failed_request_shows_status_and_error() -> None:
    thrown = {"exception.type": "KeyError", "exception.message": "'id'"}
    spans = (
        span(1, 0, 1.0, 0.1, sidecar=True, said={"http__status_code": "503"}),
        span(2, 1, 1.0, 0.1, said={"http__response__status_code": 200, "error__type": "timeout"}),
        replace(span(3, 2, 1.0, 0.1), events=(SpanEvent(1.0, "exception", thrown),)),
        span(4, 3, 1.0, 0.1, message="refused", said={"http__status_code": "0"}),
    )
    text = waterfall(Trace(SUMMARY, spans), PLAIN, 100)
    said = [line.strip() for line in text.splitlines()[2:] if "█" not in line]
    assert said == ["HTTP 503", "HTTP 200; timeout", "KeyError: 'id'", "no answer; refused"]
    good = replace(SUMMARY, outcome="ok")
    text = waterfall(Trace(good, spans[:2]), PLAIN, 100)
    assert "HTTP 503" in text
    assert "HTTP 200" not in text


@pytest.mark.parametrize(
    ("count", "since", "cursor", "says"),
    [
        (3, None, None, ""),
        (40, None, "c", "39 more match: -n 40, or --until "),
        (40, 1.0, "c", "at least 39 more match: -n 40, or --until "),
        (9000, None, "c", "8999 more match: -n 500, or --until "),
        (0, None, "c", "there may be more: -n 10, or --until "),
    ],
)
def test_a_list_says_what_it_leaves_out(
    count: int, since: float | None, cursor: str | None, says: str
) -> None:
    durations = (DurationBucket(1.0, count, 0),) if count else ()
    left = what_is_left(TracePage((SUMMARY,), durations, cursor, None, since))
    assert left.startswith(says)
    assert bool(left) is bool(says)


def test_nothing_that_was_sent_steers_the_terminal() -> None:
    evil = "\x1b]0;owned\x07\x9b2J"
    spans = (span(1, 0, 1.0, 0.1, name=evil, message=f"two\nlines {evil}"),)
    summary = replace(SUMMARY, name=evil, services=(evil,))
    metric = MetricSummary(evil, "gauge", evil, evil, (evil,), ())
    series = MetricSeries({"label": evil}, (MetricPoint(1.0, 1.0),))
    for text in (
        waterfall(Trace(summary, spans), PLAIN, 80),
        trace_table([summary], PLAIN),
        metrics_table([metric], PLAIN),
        metric_table(MetricAnswer(metric, (series,), ()), PLAIN),
    ):
        assert "owned" in text
        assert all(line.isprintable() for line in text.split("\n"))


def test_a_trace_of_a_moment_has_a_bar_nevertheless() -> None:
    assert "█" in waterfall(Trace(SUMMARY, (span(1, 0, 1.0, 0.0),)), PLAIN, 20)


def test_the_newest_trace_is_the_last_line() -> None:
    older = TraceSummary("b" * 32, "axon", "x", 0.5, 2.5, 1, 1, "error", ("axon",))
    lines = trace_table([SUMMARY, older], PLAIN).splitlines()
    assert ["bbbbbbbbbbbb" in lines[1], "aaaaaaaaaaaa" in lines[2]] == [True, True]
    assert "2.50s" in lines[1]


def test_a_metric_has_a_course_with_gaps_and_percentiles() -> None:
    points = (MetricPoint(1, 1.0), MetricPoint(2, None), MetricPoint(3, 4.0, 0.1, 0.2, 0.3))
    answer = MetricAnswer(
        MetricSummary("took", "histogram", "s", "how long", ("orbit",)),
        (MetricSeries({"service": "orbit"}, points), MetricSeries({}, (MetricPoint(1, None),))),
        (Exemplar(1, 0.1, "c" * 32, "d" * 16),),
    )
    text = metric_table(answer, PLAIN)
    assert "▁ █" in text
    assert "0.1  0.2  0.3" in text
    assert "cccccccccccc" in text


def test_a_budget_that_burns_is_told_in_words() -> None:
    burning = SloStatus(
        "fast", "orbit", "dispatch", "latency", 0.95, 0.2, 86400.0, 100, 50, -9.0,
        (BurnRate(300.0, 14.5),), "critical", "the budget is used up",
    )  # fmt: skip
    kept = SloStatus("up", "orbit", "", "availability", 0.999, None, 3600.0, 10, 0, 1.0, ())
    text = slo_table((burning, kept), PLAIN)
    assert "95 % within 200.0ms over 1d" in text
    assert "99.9 % succeed over 1h" in text
    assert "used up" in text.splitlines()[1]
    assert "100.0 %" in text.splitlines()[2]
    assert text.splitlines()[-1] == "critical: fast: the budget is used up"


def test_traffic_without_requests_has_no_percentiles() -> None:
    flow = Traffic("web", "orbit", "", "", 0.0, 0, 0, 0, 0.0, None, None, None)
    assert traffic_table((flow,), PLAIN).splitlines()[1].split()[-3:] == ["-", "-", "-"]


def test_filters_are_names_and_values() -> None:
    assert pairs_of(["a=b", "c=d=e"]) == {"a": "b", "c": "d=e"}
    assert seconds_of("200ms", "--slower") == 0.2
    for wrong in (
        lambda: pairs_of(["nothing"]),
        lambda: seconds_of("soon", "--slower"),
        lambda: one_of("bad", ("ok",), "--outcome"),
    ):
        with pytest.raises(InvalidInput):
            wrong()


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(trace="AB".lower()), True),
        (Wanted(trace="cd"), False),
        (Wanted(version="r8"), True),
        (Wanted(version="working-tree"), False),
        (Wanted(fields={"route": "dispatch", "status": "200"}), True),
        (Wanted(fields={"route": "reason"}), False),
    ],
)
def test_a_log_line_is_found_by_trace_version_and_fields(wanted: Wanted, found: bool) -> None:
    fields = {"trace_id": "ab" * 16, "route": "dispatch", "status": 200, "message": "hello"}
    line = parse_line(json.dumps(fields), Source("orbit", "r8.0"), 1.0)
    assert wanted(line) is found


def test_a_line_of_an_access_log_belongs_to_the_trace_that_it_passed_on() -> None:
    fields = {"traceparent": f"00-{'ab' * 16}-{'c' * 16}-01", "version": "r7", "method": "GET"}
    line = parse_line(json.dumps(fields), Source("orbit", "envoy", access=True), 1.0)
    assert Wanted(trace="abab", version="r7")(line)


@pytest.mark.parametrize("command", [["traces"], ["trace", "ab"], ["metrics"], ["slo"]])
def test_without_any_telemetry_commands_say_so(fairway: CommandLine, command: list[str]) -> None:
    done = fairway(*command)
    assert done.code != 0
    assert "no telemetry is kept here" in done.err
