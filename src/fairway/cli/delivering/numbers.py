"""Numbers of a deployment as pictures of characters: bars and sparklines. Pure."""

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
