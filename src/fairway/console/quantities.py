"""Numbers as people read them: durations, rates, shares, bytes, times of day.

The console's pages and charts write every number through it. Pure: the present arrives as an
argument. Three figures are enough to compare by; more would pretend a precision that is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

_DURATIONS = ((1.0, 1.0, "s"), (1e-3, 1e-3, "ms"), (0.0, 1e-6, "µs"))
_BYTES = ("B", "KiB", "MiB", "GiB", "TiB")
UNKNOWN = "–"  # noqa: RUF001 - typography
_MINUS = "−"  # noqa: RUF001 - as wide as a plus
_LONG = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def duration(seconds: float | None) -> str:
    """`250 µs`, `12.3 ms`, `1.84 s`, `3 min 20 s`; a dash for what is not known."""
    if seconds is None:
        return UNKNOWN
    if seconds < 0:
        return f"{_MINUS}{duration(-seconds)}"
    if seconds >= 99.95:
        return _long(round(seconds))
    for least, unit, name in _DURATIONS:
        if seconds >= least:
            return f"{figures(seconds / unit)} {name}"
    return "0 µs"


def difference(seconds: float | None) -> str:
    """A duration with its sign: `+12 ms`."""
    if seconds is None:
        return ""
    return f"+{duration(seconds)}" if seconds > 0 else duration(seconds)


def rate(per_second: float | None) -> str:
    """`12.5/s`; what is rarer than once in ten seconds is told by the minute."""
    if per_second is None:
        return UNKNOWN
    if 0 < per_second < 0.1:
        return f"{figures(per_second * 60)}/min"
    return f"{figures(per_second)}/s"


def share(part: float | None) -> str:
    """A share of 1 in percent: `0.12 %`. Something is never rounded to nothing, nor to all."""
    if part is None:
        return UNKNOWN
    percent = part * 100
    if 0 < percent < 0.01:
        return "<0.01 %"
    if 99.99 < percent < 100:
        return ">99.99 %"
    if 99 < percent < 100:
        return f"{percent:.4g} %"
    return f"{figures(percent)} %"


def size(count: float | None) -> str:
    """`70.2 MiB`."""
    if count is None:
        return UNKNOWN
    for name in _BYTES[:-1]:
        if abs(count) < 1024:
            return f"{figures(count)} {name}"
        count /= 1024
    return f"{figures(count)} {_BYTES[-1]}"


def number(value: float | None) -> str:
    """`1,234,567`, `3.14`."""
    if value is None:
        return UNKNOWN
    return f"{value:,.0f}" if abs(value) >= 1000 else figures(value)


def quantity(value: float | None, unit: str) -> str:
    """A value of a metric with its unit, by the names of UCUM that OpenTelemetry uses."""
    if value is None:
        return UNKNOWN
    if unit == "ms":
        return duration(value / 1000)
    if unit in _WRITTEN:
        return _WRITTEN[unit](value)
    return f"{number(value)} {unit.strip('{}')}"


def figures(value: float) -> str:
    """Three figures, without useless zeros."""
    if abs(value) >= 999.5:
        return f"{value:.0f}"
    text = f"{value:.3g}"
    return text if "e" not in text else f"{value:.6f}".rstrip("0").rstrip(".")


def clock(at: float) -> str:
    """The time of day in UTC with milliseconds, for lists: `08:15:30.125`."""
    return _utc(at).strftime("%H:%M:%S.") + f"{_utc(at).microsecond // 1000:03d}"


def moment(at: float) -> str:
    """Day and time in UTC, the form that `fairway logs --since` reads: `2026-11-21 08:15:30`."""
    return _utc(at).strftime("%Y-%m-%d %H:%M:%S")


def iso(at: float) -> str:
    """For the attribute `datetime` of `<time>`."""
    return _utc(at).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ago(at: float, now: float) -> str:
    """`12 s ago`, `3 h ago`."""
    passed = max(0, int(now - at))
    for seconds, name in _LONG:
        if passed >= seconds:
            return f"{passed // seconds} {name} ago"
    return "now"


def _long(seconds: int) -> str:
    for index, (length, name) in enumerate(_LONG[:-1]):
        if seconds >= length:
            smaller, smaller_name = _LONG[index + 1]
            rest = seconds % length // smaller
            return f"{seconds // length} {name}" + (f" {rest} {smaller_name}" if rest else "")
    return f"{seconds} s"


def _utc(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


_WRITTEN: Mapping[str, Callable[[float], str]] = {
    "s": duration,
    "By": size,
    "share": share,
    "/s": rate,
    "1": number,
    "": number,
}
