"""What an app file may listen to is what the delivery tells."""

from __future__ import annotations

from typing import get_args

from fairway.delivery.events import TYPES
from fairway.model.notify import EventName


def test_every_event_can_be_listened_to_and_nothing_else() -> None:
    assert get_args(EventName) == tuple(kind.name for kind in TYPES)
