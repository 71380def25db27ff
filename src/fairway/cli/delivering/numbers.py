"""Numbers of a deployment as people read them: bars, sparklines, shares, latencies. Pure."""

from __future__ import annotations

from collections.abc import Sequence

_TICKS = "▁▂▃▄▅▆▇█"
_EIGHTHS = " ▏▎▍▌▋▊▉"


def sparkline(values: Sequence[float], width: int = 16) -> str:
    """The last `width` values as ticks: the highest is the tallest, nothing is the lowest."""
    shown = values[-width:]
    highest = max(shown, default=0.0)
    if highest <= 0:
        return _TICKS[0] * len(shown)
    return "".join(_TICKS[round(max(value, 0.0) / highest * (len(_TICKS) - 1))] for value in shown)


def bar(percent: float, width: int = 20) -> str:
    """A share as a bar, exact to an eighth of a character, padded to `width`."""
    eighths = round(min(max(percent, 0.0), 100.0) / 100 * width * 8)
    whole, rest = divmod(eighths, 8)
    return ("█" * whole + (_EIGHTHS[rest] if rest else "")).ljust(width)


def share(part: int, whole: int) -> str:
    """A share in percent, with a digit more where it is small; `-` of nothing."""
    if whole == 0:
        return "-"
    percent = part / whole * 100
    return f"{percent:.2f} %" if 0 < percent < 1 else f"{percent:.1f} %"


def latency(seconds: float | None) -> str:
    """A latency with three digits that count: `840 µs`, `12.3 ms`, `1.25 s`; `-` if unknown."""
    if seconds is None:
        return "-"
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} µs"
    if seconds < 1:
        return f"{seconds * 1e3:.3g} ms" if seconds < 0.9995 else "1.00 s"
    return f"{seconds:.2f} s"


def plural(count: int, noun: str) -> str:
    """`1 request`, `2 requests`, `no requests`."""
    return f"{count or 'no'} {noun}{'' if count == 1 else 's'}"
