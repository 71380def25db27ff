"""What a caller of orbit asks for, read from JSON: pure, and strict about what it accepts."""

from __future__ import annotations

import json
from dataclasses import dataclass


class InvalidOrder(ValueError):
    """The body is no order; the message says why."""


@dataclass(frozen=True, slots=True)
class Order:
    """A prompt for axon, and the intent with which to ask: `reason` unless said otherwise."""

    prompt: str
    intent: str = "reason"

    @classmethod
    def parse(cls, body: bytes) -> Order:
        """`{"prompt": "…", "intent": "reason"}` as an order; raises `InvalidOrder`."""
        try:
            fields = json.loads(body)
        except ValueError as error:
            raise InvalidOrder("the body is not JSON") from error
        if not isinstance(fields, dict):
            raise InvalidOrder("the body is not a JSON object")
        return cls(_text(fields, "prompt"), _text(fields, "intent", default="reason"))


def _text(fields: dict[str, object], name: str, default: str = "") -> str:
    value = fields.get(name, default)
    if not isinstance(value, str) or not value.strip():
        raise InvalidOrder(f'"{name}" must be a text that is not empty')
    return value
