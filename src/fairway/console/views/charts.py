"""Numbers over time in the form that the chart library draws, with what happened meanwhile.

The metrics page serves charts as JSON and `static/charts.js` hands them to uPlot: one array of
times, one of values per line, None where nothing is known. Guarantees: times grow strictly and all
lines have as many values; where steps are missing a gap is left instead of a line drawn across;
colours are classes that stay with a label. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from fairway.console.views.waterfall import service_colours
from fairway.telemetry.port import MetricAnswer, MetricPoint, Traffic

Values = Sequence[tuple[float, float | None]]
"""Times and values of one line, in any order."""
MarkKind = Literal["deployment", "weight", "success", "failure", "policies", "run"]
Statistic = Literal["value", "p50", "p95", "p99"]
Measure = Literal["rate", "errors", "denied", "p50", "p95", "p99"]
MEASURES: tuple[Measure, ...] = ("rate", "errors", "denied", "p50", "p95", "p99")
STATISTICS: tuple[Statistic, ...] = ("value", "p50", "p95", "p99")
MOST_LINES = 24
_LOOSE = 1.5


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart; `dashed` is how an earlier run is drawn."""

    label: str
    values: tuple[float | None, ...]
    colour: str
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened: a vertical line with a short `label`, told by `words`."""

    at: float
    kind: MarkKind
    label: str
    words: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Dot:
    """An exemplar: one observation, and where its trace is shown."""

    at: float
    value: float
    href: str


@dataclass(frozen=True, slots=True)
class Axis:
    """The time that a chart shows, and how far apart its points are, in seconds.

    A line goes on across less than `patience` seconds without a value: sources that are measured
    seldom have no gaps in between.
    """

    since: float
    until: float
    step: float
    patience: float = 0.0

    @property
    def gap(self) -> float:
        """More seconds without a value than these are a gap."""
        return max(self.step * _LOOSE, self.patience)


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart. `x` are Unix seconds or, where runs are compared, seconds since their start.

    `since` and `until` are the ends of the axis, `left_out` is how many lines were too many,
    `patience` is for how many seconds without a value a line still goes on.
    """

    unit: str
    since: float
    until: float
    x: tuple[float, ...]
    lines: tuple[Line, ...]
    marks: tuple[Mark, ...] = ()
    dots: tuple[Dot, ...] = ()
    relative: bool = False
    left_out: int = 0
    patience: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """What the browser gets."""
        return asdict(self)


def chart(series: Mapping[str, Values], axis: Axis, unit: str, dots: Sequence[Dot] = ()) -> Chart:
    """Lines by label on one axis; the busiest ones, where there are too many to tell apart."""
    kept = dict(sorted(sorted(series.items()), key=_weight, reverse=True)[:MOST_LINES])
    x = _times([at for values in kept.values() for at, _ in values], axis)
    colours = service_colours(kept)
    lines = []
    for label in sorted(kept):
        known = dict(kept[label])
        lines.append(Line(label, tuple(known.get(at) for at in x), colours[label]))
    left_out = len(series) - len(kept)
    return Chart(
        unit, axis.since, axis.until, x, tuple(lines), dots=tuple(dots),
        left_out=left_out, patience=axis.gap,
    )  # fmt: skip


def of_metric(answer: MetricAnswer, statistic: Statistic, axis: Axis) -> Chart:
    """A stored metric. A histogram without any labels to keep apart shows what was asked for."""
    series = {
        label_of(found.labels): [(point.at, _statistic(point, statistic)) for point in found.points]
        for found in answer.series
    }
    dots = [
        Dot(found.at, found.value, f"/traces/{found.trace_id}?span={found.span_id}")
        for found in answer.exemplars
        if found.trace_id
    ]
    shown = dots if statistic != "value" else []
    return chart(series, axis, metric_unit(answer, statistic), shown)


def metric_unit(answer: MetricAnswer, statistic: Statistic) -> str:
    """The unit of what is drawn: a histogram's own for percentiles, else per second."""
    kind, unit = answer.summary.kind, answer.summary.unit
    if kind == "gauge" or (kind == "histogram" and statistic != "value"):
        return unit
    counted = kind == "histogram" or unit in ("", "1") or unit.startswith("{")
    return "/s" if counted else f"{unit}/s"


def of_traffic(
    rows: Sequence[Traffic], measure: Measure, label: Callable[[Traffic], str], axis: Axis
) -> Chart:
    """Requests over time: one line per label.

    A step in which a label had no requests is 0 for what is counted, unknown for a duration.
    """
    times = sorted({row.at for row in rows})
    found: dict[str, dict[float, float | None]] = {}
    nothing = None if measure in ("p50", "p95", "p99") else 0.0
    for row in rows:
        values = found.setdefault(label(row), dict.fromkeys(times, nothing))
        values[row.at] = _measured(row, measure)
    series = {name: list(values.items()) for name, values in found.items()}
    return chart(series, axis, _units(measure))


def label_of(labels: Mapping[str, str]) -> str:
    """`axon r8 status=200`: values that say what they are stand alone."""
    speaking = ("service", "version", "instance", "caller", "intent")
    parts = [
        value if name in speaking else f"{name}={value}" for name, value in labels.items() if value
    ]
    return " ".join(parts) or "all"


def since_start(found: Chart, start: float) -> Chart:
    """The same with times from the start of a run, so that runs can be laid over each other."""
    return replace(
        found,
        since=found.since - start,
        until=found.until - start,
        x=tuple(at - start for at in found.x),
        marks=tuple(replace(mark, at=mark.at - start) for mark in found.marks),
        dots=tuple(replace(dot, at=dot.at - start) for dot in found.dots),
        relative=True,
    )


def laid_over(present: Chart, earlier: Chart, name: str, step: float) -> Chart:
    """Two charts since their starts in one; the earlier one dashed and named, without its marks.

    Their steps begin at different moments, so times are rounded to the step before they meet.
    """
    now, then = _on_grid(present, step), _on_grid(earlier, step)
    x = tuple(sorted({*now.x, *then.x}))
    lines = [replace(line, values=_spread(line, now.x, x)) for line in now.lines]
    lines += [
        replace(line, label=f"{line.label} ({name})", values=_spread(line, then.x, x), dashed=True)
        for line in then.lines
    ]
    until = max(present.until, earlier.until)
    return replace(present, x=x, lines=tuple(lines), until=until)


def with_marks(found: Chart, marks: Sequence[Mark]) -> Chart:
    """The same with those marks that are within its time, the oldest first."""
    within = [mark for mark in marks if found.since <= mark.at <= found.until]
    return replace(found, marks=tuple(sorted(within, key=lambda mark: mark.at)))


def _times(times: Sequence[float], axis: Axis) -> tuple[float, ...]:
    """Every time once, and one without any value where steps are missing."""
    found: list[float] = []
    for at in sorted(set(times)):
        if found and at - found[-1] > axis.gap:
            found.append(found[-1] + axis.step)
        found.append(at)
    return tuple(found)


def _on_grid(found: Chart, step: float) -> Chart:
    """With times rounded to multiples of the step; of those that fall together the last counts."""
    places = {round(at / step) * step: index for index, at in enumerate(found.x)}
    lines = tuple(
        replace(line, values=tuple(line.values[index] for index in places.values()))
        for line in found.lines
    )
    return replace(found, x=tuple(places), lines=lines)


def _spread(line: Line, own: Sequence[float], x: Sequence[float]) -> tuple[float | None, ...]:
    known = dict(zip(own, line.values, strict=True))
    return tuple(known.get(at) for at in x)


def _weight(entry: tuple[str, Values]) -> float:
    return sum(abs(value) for _, value in entry[1] if value is not None)


def _statistic(point: MetricPoint, statistic: Statistic) -> float | None:
    match statistic:
        case "value":
            return point.value
        case "p50":
            return point.p50
        case "p95":
            return point.p95
        case "p99":
            return point.p99


def _measured(row: Traffic, measure: Measure) -> float | None:
    match measure:
        case "rate":
            return row.rate
        case "errors":
            return row.errors / row.requests if row.requests else 0.0
        case "denied":
            return row.denied / row.requests if row.requests else 0.0
        case "p50":
            return row.p50
        case "p95":
            return row.p95
        case "p99":
            return row.p99


def _units(measure: Measure) -> str:
    match measure:
        case "rate":
            return "/s"
        case "errors" | "denied":
            return "share"
        case _:
            return "s"
