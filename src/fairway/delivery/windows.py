"""May an environment be changed now: maintenance windows and freezes as instants. Pure.

The engine asks while a deployment waits, the service to say so beforehand. Times are Unix seconds;
each window and each freeze counts in its own time zone, also through changes of daylight saving.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fairway.errors import InvalidInput
from fairway.model.gates import Freeze, Window

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Closed:
    """Why nothing may be changed, and when that ends at the earliest."""

    reason: str
    until: float


def closed(windows: Sequence[Window], freezes: Sequence[Freeze], at: float) -> Closed | None:
    """What forbids a change at this moment, None when nothing does. No windows: always open."""
    for freeze in freezes:
        begins, ends = _frozen(freeze)
        if begins <= at < ends:
            reason = f"frozen until {freeze.end}" + (f": {freeze.reason}" if freeze.reason else "")
            return Closed(reason, ends)
    spans = [span for window in windows for span in _spans(window, at)]
    if not windows or any(begins <= at < ends for begins, ends in spans):
        return None
    opens = min(begins for begins, _ in spans if begins > at)
    moment = datetime.fromtimestamp(opens, UTC).strftime("%a %H:%M UTC")
    return Closed(f"outside of the maintenance windows; the next one opens {moment}", opens)


def _frozen(freeze: Freeze) -> tuple[float, float]:
    zone = _zone(freeze.zone)
    after = date.fromisoformat(freeze.end) + _ONE_DAY
    return _instant(date.fromisoformat(freeze.start), "00:00", zone), _instant(after, "00:00", zone)


def _spans(window: Window, at: float) -> Iterator[tuple[float, float]]:
    """When it is open, from yesterday (it may last past midnight) to a week from today."""
    zone = _zone(window.zone)
    today = datetime.fromtimestamp(at, zone).date()
    for day in (today + n * _ONE_DAY for n in range(-1, 9)):
        if _DAYS[day.weekday()] in window.days:
            last = day if window.end > window.start else day + _ONE_DAY
            yield _instant(day, window.start, zone), _instant(last, window.end, zone)


def _instant(day: date, clock: str, zone: ZoneInfo) -> float:
    return datetime.combine(day, time.fromisoformat(clock), zone).timestamp()


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InvalidInput(
            "time-zone",
            f"the time zone {name} is not known on this machine",
            where="zone",
            remedy="write an IANA name such as Europe/Berlin; pip install tzdata brings them all",
        ) from error
