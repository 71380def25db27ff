"""Metrics, traffic and objectives as text. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from fairway.cli.output import Painter, inert, table
from fairway.cli.telling.traces import took
from fairway.model.values import format_duration
from fairway.telemetry.port import (
    MetricAnswer,
    MetricPoint,
    MetricSeries,
    MetricSummary,
    SloStatus,
    Traffic,
)

_TICKS = "▁▂▃▄▅▆▇█"
_ALERTS = {"": "green", "warning": "yellow", "critical": "red"}


def metrics_table(found: Sequence[MetricSummary], paint: Painter) -> str:
    """Which metrics there are."""
    rows = [
        [
            inert(each.name), each.kind, inert(each.unit) or "-", inert(", ".join(each.services)),
            inert(each.description[:60]),
        ]
        for each in found
    ]  # fmt: skip
    return table(["METRIC", "KIND", "UNIT", "SERVICES", "WHAT IT IS"], rows, paint)


def metric_table(answer: MetricAnswer, paint: Painter) -> str:
    """One metric: a line for each series, with its course and where it stands now."""
    histogram = answer.summary.kind == "histogram"
    headers = ["SERIES", "COURSE", "NOW", *(("P50", "P95", "P99") if histogram else ())]
    rows = [_series_row(each, histogram) for each in answer.series]
    head = f"{paint.bold(inert(answer.summary.name))}  {inert(answer.summary.description)}"
    unit = paint.dim(_unit(answer))
    traces = [each.trace_id[:12] for each in answer.exemplars[:5]]
    lines = [head, unit, "", table(headers, rows, paint)]
    if traces:
        lines += ["", paint.dim(f"exemplars: {', '.join(traces)}; see `fairway trace ID`")]
    return "\n".join(lines)


def _unit(answer: MetricAnswer) -> str:
    unit = inert(answer.summary.unit) or "1"
    return {
        "gauge": f"mean, in {unit}",
        "sum": f"per second, in {unit}",
        "histogram": f"observations per second; percentiles in {unit}",
    }[answer.summary.kind]


def _series_row(series: MetricSeries, histogram: bool) -> list[str]:
    labels = ", ".join(f"{name}={value}" for name, value in series.labels.items()) or "all"
    values = [point.value for point in series.points]
    last = next((p for p in reversed(series.points) if p.value is not None), None)
    row = [inert(labels), _course(values), _number(last.value if last else None)]
    return [*row, *_percentiles(series.points)] if histogram else row


def _percentiles(points: Sequence[MetricPoint]) -> list[str]:
    last = next((p for p in reversed(points) if p.p50 is not None), None)
    return [_number(each) for each in (last.p50, last.p95, last.p99)] if last else ["-"] * 3


def _course(values: Sequence[float | None], width: int = 40) -> str:
    shown = values[-width:]
    known = [value for value in shown if value is not None]
    lowest, highest = min(known, default=0.0), max(known, default=0.0)
    return "".join(_tick(value, lowest, highest) for value in shown)


def _tick(value: float | None, lowest: float, highest: float) -> str:
    if value is None:
        return " "
    share = (value - lowest) / (highest - lowest) if highest > lowest else 0.0
    return _TICKS[round(share * (len(_TICKS) - 1))]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.4g}"


def traffic_table(found: Sequence[Traffic], paint: Painter) -> str:
    """Who asked whom, how often, how well."""
    headers = ["FROM", "TO", "VERSION", "RATE", "REQUESTS", "ERRORS", "DENIED", "P50", "P95", "P99"]
    rows = [
        [
            each.caller, each.service, each.version or "-", f"{each.rate:.2f}/s",
            str(each.requests), str(each.errors), str(each.denied),
            *("-" if p is None else took(p) for p in (each.p50, each.p95, each.p99)),
        ]
        for each in found
    ]  # fmt: skip
    return table(headers, rows, paint)


def slo_table(found: Sequence[SloStatus], paint: Painter) -> str:
    """Each objective with what is left of its budget; what burns, in words below."""
    headers = ["SLO", "SERVICE", "PROMISE", "REQUESTS", "BAD", "BUDGET LEFT", "BURNS"]
    rows = [
        [
            each.name, f"{each.service} {each.intent}".strip(), _promise(each),
            str(each.requests), str(each.bad), _budget(each),
            ", ".join(f"{b.rate:.1f}x/{format_duration(round(b.window))}" for b in each.burn[:3]),
        ]
        for each in found
    ]  # fmt: skip
    alerts = [
        paint.paint(f"{each.alert}: {each.name}: {each.words}", _ALERTS[each.alert])
        for each in found
        if each.alert
    ]
    return "\n".join([table(headers, rows, paint), *alerts])


def _budget(slo: SloStatus) -> str:
    return f"{slo.budget_left * 100:.1f} %" if slo.budget_left > 0 else "used up"


def _promise(slo: SloStatus) -> str:
    share = f"{slo.objective * 100:g} %"
    window = format_duration(slo.window)
    if slo.kind == "latency" and slo.threshold is not None:
        return f"{share} within {took(slo.threshold)} over {window}"
    return f"{share} succeed over {window}"
