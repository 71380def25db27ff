"""How figures, durations and states read on every page: the filters of the templates. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

NOTHING = "—"
_TONES = {
    "ok": ("healthy", "done", "ok", "succeeded", "allow", "active", "whole", "pass", "running"),
    "bad": ("failed", "error", "deny", "denied", "critical", "broken", "rolled_back", "fail"),
    "warn": (
        "degraded", "backoff", "warning", "warn", "awaiting_approval", "paused", "rolling_back",
        "cancelled",
    ),
    "busy": ("starting", "stopping", "applying", "shifting", "verifying", "planning", "pending"),
    "idle": ("stopped", "external", "debug", "", "retired"),
}  # fmt: skip
_TONE_OF = {state: tone for tone, states in _TONES.items() for state in states}
_SIZES = ("B", "KiB", "MiB", "GiB", "TiB")


def tone(state: str) -> str:
    """The tone of a state: ok, bad, warn, busy, idle, or info for any other word."""
    return _TONE_OF.get(state, "info")


def words(state: str) -> str:
    """A state as people read it."""
    return state.replace("_", " ")


def duration(seconds: float | None) -> str:
    """`850 µs`, `12 ms`, `1.2 s`, `3 min 5 s`, `2 h 10 min`, `4 d 3 h`."""
    if seconds is None or math.isnan(seconds):
        return NOTHING
    if seconds < 60:
        return _short(seconds)
    steps = ((86_400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s"))
    size, unit, smaller, smaller_unit = next(step for step in steps if seconds >= step[0])
    whole, rest = int(seconds // size), int(seconds % size // smaller)
    return f"{whole} {unit} {rest} {smaller_unit}" if rest else f"{whole} {unit}"


def _short(seconds: float) -> str:
    if seconds >= 0.9995:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    if seconds >= 0.0009995:
        milli = seconds * 1000
        return f"{milli:.1f} ms" if milli < 10 else f"{milli:.0f} ms"
    return f"{seconds * 1_000_000:.0f} µs"


def number(value: float | None) -> str:
    """Three digits that matter: `0.25`, `12.3`, `1,240`, `1.2 M`."""
    if value is None or math.isnan(value):
        return NOTHING
    size = abs(value)
    if size >= 1_000_000:
        return f"{value / 1_000_000:.1f} M"
    if size >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if size >= 10 else f"{value:.2g}"


def rate(value: float | None) -> str:
    """How often: `12.3/s`, and what is rare by the minute: `2/min`."""
    if value is None or math.isnan(value):
        return NOTHING
    return f"{number(value)}/s" if value >= 0.1 or not value else f"{number(value * 60)}/min"


def bare(principal: str) -> str:
    """The name in a principal: `Client::web` is `web`."""
    return principal.rpartition("::")[2].strip('"')


def percent(share: float | None) -> str:
    """A share as percent: 0.0123 is `1.2 %`; what is not zero never reads as zero."""
    if share is None or math.isnan(share):
        return NOTHING
    value = share * 100
    if 0 < value < 0.1:
        return "< 0.1 %"
    return f"{value:.0f} %" if value >= 10 or value == int(value) else f"{value:.1f} %"


def size(count: float | None) -> str:
    """Bytes: `12.3 MiB`."""
    if count is None or math.isnan(count):
        return NOTHING
    step = min(int(math.log(count, 1024)), len(_SIZES) - 1) if count >= 1 else 0
    value = count / 1024**step
    return (
        f"{value:.0f} {_SIZES[step]}" if value >= 100 or not step else f"{value:.1f} {_SIZES[step]}"
    )


def ago(at: float | None, now: float) -> str:
    """How long ago: `12 s ago`."""
    if at is None:
        return NOTHING
    passed = max(0.0, now - at)
    return "now" if passed < 1 else f"{duration(float(int(passed)))} ago"


def iso(at: float | None) -> str:
    """A time as machines read it; the browser shows it in its own zone."""
    if at is None:
        return ""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def clock(at: float | None) -> str:
    """A time of day in UTC, for where there is no script."""
    return NOTHING if at is None else datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S")


def day(at: float | None) -> str:
    """Day and time in UTC."""
    return NOTHING if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def url(path: str, **query: object) -> str:
    """A local address; what is None or empty is left out. Path parts are to be quoted by `part`."""
    kept = {name: str(value) for name, value in query.items() if value not in (None, "")}
    return f"{path}?{urlencode(kept)}" if kept else path


def part(text: str) -> str:
    """A name as one part of a path, whatever is in it."""
    return quote(text, safe="")


def plural(count: int, one: str, many: str = "") -> str:
    """`1 replica`, `3 replicas`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def sparkline(values: Sequence[float | None], width: float = 96, height: float = 24) -> str:
    """The points of an SVG polyline through `values`, the least at the bottom; gaps are zero."""
    known = [0.0 if value is None else value for value in values]
    if len(known) < 2:
        return ""
    top = max(known) or 1.0
    step = width / (len(known) - 1)
    return " ".join(
        f"{index * step:.1f},{height - 1 - value / top * (height - 2):.1f}"
        for index, value in enumerate(known)
    )


FILTERS: Mapping[str, object] = {
    "tone": tone,
    "words": words,
    "duration": duration,
    "number": number,
    "percent": percent,
    "rate": rate,
    "bare": bare,
    "size": size,
    "iso": iso,
    "clock": clock,
    "day": day,
    "part": part,
    "sparkline": sparkline,
}
GLOBALS: Mapping[str, object] = {"url": url, "plural": plural, "ago": ago}
