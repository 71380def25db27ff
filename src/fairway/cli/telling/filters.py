"""What the commands on telemetry have in common: filters as text, and whom to ask.

They read the store itself, as `fairway logs` reads files: also while nothing runs any more.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fairway.cli.place import state_of
from fairway.errors import InvalidInput

if TYPE_CHECKING:
    from fairway.cli.invocation import Invocation
    from fairway.telemetry.port import Telemetry

FOLLOW_SECONDS = 0.5
"""Between looks for what is new."""


def telemetry_of(invocation: Invocation) -> Telemetry:
    """The telemetry of the app in this folder; Unavailable where none is kept."""
    from fairway.wiring import open_telemetry

    return open_telemetry(state_of(invocation))


def since_of(text: str, now: float, where: str = "--since") -> float | None:
    """`5m` or a date and time (local unless it says otherwise) as unix seconds."""
    if not text:
        return None
    from fairway.model.values import parse_duration

    try:
        return now - parse_duration(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text).astimezone(UTC).timestamp()
    except ValueError as error:
        raise InvalidInput(
            "invalid-time",
            f"{text!r} is neither a duration nor a date and time",
            where=where,
            remedy="write 30s, 5m, 2h, 1d or 2026-11-21T08:00",
        ) from error


def seconds_of(text: str, where: str) -> float | None:
    """`200ms` in seconds; None for nothing."""
    if not text:
        return None
    from fairway.model.values import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise InvalidInput(
            "invalid-duration",
            f"{text!r} is not a duration",
            where=where,
            remedy="write a number and a unit: 200ms, 1.5s, 5m",
        ) from error


def pairs_of(texts: Iterable[str] | None, where: str = "--where") -> dict[str, str]:
    """`http.route=dispatch` and so on, by name."""
    found: dict[str, str] = {}
    for text in texts or ():
        name, separator, value = text.partition("=")
        if not separator or not name:
            raise InvalidInput(
                "invalid-filter",
                f"{text!r} is not a filter",
                where=where,
                remedy="write name=value, as in fairway.decision=deny",
            )
        found[name] = value
    return found


def one_of(text: str, choices: Iterable[str], where: str) -> str:
    """A word that must be one of some."""
    allowed = tuple(choices)
    if text in allowed:
        return text
    raise InvalidInput(
        "invalid-choice",
        f"{text!r} is not known",
        where=where,
        remedy=f"choose one of {', '.join(allowed)}",
    )
