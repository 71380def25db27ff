"""What an environment may cost, and how much it is assumed to be used.

Read by the estimates of targets that cost something; which keys mean what is in `usage.py`.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from fairway.model.services import Declared
from fairway.model.values import SIZE_PATTERN, Misfit, Name, Number, parse_size


def _amount(value: object) -> object:
    """A plain number, or a size with its unit as bytes."""
    if isinstance(value, str):
        return parse_size(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise Misfit("is no amount", "write a number (5000000) or a size (10Gi)")
    return value


Amount = Annotated[
    float,
    BeforeValidator(_amount),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0},
                {"type": "string", "pattern": SIZE_PATTERN},
            ],
            "examples": [5000000, "10Gi"],
        }
    ),
]
"""How much of something in a month: a number, or bytes."""


class Cost(Declared):
    """What the environment may cost, and what it is assumed to be used for."""

    budget: Number | None = Field(None, gt=0, description="US dollars a month")
    usage: dict[Name, dict[str, Amount]] = Field(
        {}, description="assumptions a month, by service, store, topic or 'environment'"
    )
