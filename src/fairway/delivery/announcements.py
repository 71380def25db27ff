"""What a deployment tells the world, before it is an event of the environment. Pure data.

`transitions.advance` yields them, the store keeps them in the outbox in the same transaction as the
deployment they tell of, `events.py` makes CloudEvents of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Announcement:
    """Something worth telling: a type in CamelCase, a sentence, and what programs need of it."""

    type: str
    words: str
    data: Mapping[str, Any] = field(default_factory=dict)
