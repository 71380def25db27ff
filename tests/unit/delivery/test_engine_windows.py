"""Maintenance windows and freezes, in their own time zones, also when the clocks change."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from fairway.delivery.windows import closed
from fairway.errors import InvalidInput
from fairway.model.gates import Freeze, Window


def at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def window(start: str, end: str, *days: str, zone: str = "UTC") -> Window:
    given: dict[str, Any] = {"from": start, "to": end, "zone": zone}
    return Window.model_validate(given | ({"days": days} if days else {}))


def freeze(start: str, end: str, zone: str = "UTC", reason: str = "") -> Freeze:
    return Freeze.model_validate({"from": start, "to": end, "zone": zone, "reason": reason})


def test_without_windows_it_is_always_open() -> None:
    assert closed((), (), at("2026-12-24T12:00")) is None


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        ("2026-12-01T08:59", "2026-12-01T09:00"),  # a Tuesday
        ("2026-12-01T09:00", None),
        ("2026-12-01T16:59", None),
        ("2026-12-01T17:00", "2026-12-03T09:00"),
        ("2026-12-04T12:00", "2026-12-08T09:00"),
    ],
)
def test_it_is_open_on_its_days_between_its_times(moment: str, opens: str | None) -> None:
    found = closed([window("09:00", "17:00", "tue", "thu")], (), at(moment))
    assert (found.until if found else None) == (at(opens) if opens else None)


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-12-04T21:59", False),
        ("2026-12-04T22:00", True),  # a Friday
        ("2026-12-05T01:59", True),
        ("2026-12-05T02:00", False),
        ("2026-12-05T22:30", False),
    ],
)
def test_a_window_may_last_past_midnight(moment: str, is_open: bool) -> None:
    assert (closed([window("22:00", "02:00", "fri")], (), at(moment)) is None) == is_open


def test_from_midnight_to_midnight_is_a_whole_day() -> None:
    all_sunday = [window("00:00", "00:00", "sun")]
    assert closed(all_sunday, (), at("2026-12-06T23:59")) is None
    assert closed(all_sunday, (), at("2026-12-07T00:00")) is not None


def test_a_window_follows_its_zone_through_daylight_saving() -> None:
    berlin = [window("09:00", "10:00", zone="Europe/Berlin")]
    assert closed(berlin, (), at("2026-07-01T07:30")) is None
    assert closed(berlin, (), at("2026-12-01T07:30")) is not None
    assert closed(berlin, (), at("2026-12-01T08:30")) is None


def test_a_freeze_holds_through_its_last_day_and_says_why() -> None:
    frozen = [freeze("2026-12-20", "2026-12-26", "Europe/Berlin", "holidays")]
    found = closed((), frozen, at("2026-12-26T23:59", "Europe/Berlin"))
    assert found is not None
    assert found.reason == "frozen until 2026-12-26: holidays"
    assert found.until == at("2026-12-27T00:00", "Europe/Berlin")
    assert closed((), frozen, found.until) is None
    assert closed((), frozen, at("2026-12-19T23:59", "Europe/Berlin")) is None


def test_a_freeze_closes_an_open_window() -> None:
    always = [window("00:00", "00:00")]
    assert closed(always, [freeze("2026-12-20", "2026-12-20")], at("2026-12-20T12:00")) is not None


def test_an_unknown_zone_is_said() -> None:
    with pytest.raises(InvalidInput, match="Atlantis"):
        closed([window("09:00", "17:00", zone="Sea/Atlantis")], (), at("2026-12-01T12:00"))
