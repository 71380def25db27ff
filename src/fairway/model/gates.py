"""Who must agree to a change, and when it may happen.

Read by the delivery engine before anything is touched. Days and times are kept as they are written:
only who has a clock and a calendar turns them into instants.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from fairway.model.services import Declared, Short
from fairway.model.values import Misfit, SomeTime, TimeOfDay, Weekday, Whole, Zone

ApproverRole = Literal["deployer", "approver", "admin"]

DAY_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"


def _day(value: object) -> object:
    misfit = Misfit("is not a day", "write year, month and day: 2026-12-20")
    if not isinstance(value, str) or not re.fullmatch(DAY_PATTERN, value, re.ASCII):
        raise misfit
    try:
        date.fromisoformat(value)
    except ValueError:
        raise misfit from None
    return value


Day = Annotated[
    str, BeforeValidator(_day), WithJsonSchema({"type": "string", "pattern": DAY_PATTERN})
]
"""`2026-12-20`."""


class Approvals(Declared):
    """How many people must agree to a change before it begins; nobody approves their own."""

    count: Whole = Field(0, ge=0, le=10, description="people who must agree")
    roles: tuple[ApproverRole, ...] = Field(
        ("approver", "admin"), min_length=1, description="whose agreement counts"
    )
    timeout: SomeTime = Field(86_400.0, description="how long is waited for them")


class Window(Declared):
    """A time of the week in which changes may happen; past midnight where `to` is not later."""

    days: tuple[Weekday, ...] = Field(
        ("mon", "tue", "wed", "thu", "fri", "sat", "sun"),
        min_length=1,
        description="the days on which it opens",
    )
    start: TimeOfDay = Field("00:00", alias="from", description="when it opens")
    end: TimeOfDay = Field("00:00", alias="to", description="when it closes; 00:00 is midnight")
    zone: Zone = Field("UTC", description="the time zone of its times")


class Freeze(Declared):
    """Days on which nothing is changed, the first and the last one included."""

    start: Day = Field(alias="from", description="the first day")
    end: Day = Field(alias="to", description="the last day")
    reason: str = Field("", description="why, for whoever is stopped by it")
    zone: Zone = Field("UTC", description="the time zone in which its days begin and end")


def _expand_approvals(value: object) -> Any:
    """A number as a mapping; anything else with an inside, or nothing at all, is given back."""
    return value if value is None or isinstance(value, Mapping | list) else {"count": value}


ShortApprovals = Annotated[
    Approvals,
    BeforeValidator(_expand_approvals),
    Short(type="integer", minimum=0, maximum=10),
]
