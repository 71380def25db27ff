"""What `fairway policy` reads from arguments and shows of its answers. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Literal

from fairway.errors import InvalidInput
from fairway_runtime.policy.engine import Principal

_PRINCIPAL = re.compile(r'(?P<kind>\w+)::"?(?P<name>[^":]+)"?\Z')
_KINDS: dict[str, Literal["Service", "Client", "Gateway"]] = {
    "Service": "Service",
    "Client": "Client",
    "Gateway": "Gateway",
}


def principal_of(text: str) -> Principal:
    """`Client::web` (Cedar's quotes are welcome); raises InvalidInput for anything else."""
    found = _PRINCIPAL.match(text)
    if found is None or found["kind"] not in _KINDS:
        raise InvalidInput(
            "invalid-principal",
            f"{text!r} is not a principal",
            remedy="write Service::orbit, Client::web or Gateway::public",
        )
    return Principal(_KINDS[found["kind"]], found["name"])


def context_of(given: Sequence[str]) -> Mapping[str, object]:
    """`hour=23` and the like; numbers, true and false are meant as such."""
    pairs = [text.partition("=") for text in given]
    for key, separator, _ in pairs:
        if not (key and separator):
            raise InvalidInput(
                "invalid-context",
                f"{key!r} has no value",
                where="--context",
                remedy="write key=value: -c hour=23 -c environment=prod",
            )
    return {key: _value(value) for key, _, value in pairs}


def _value(text: str) -> object:
    try:
        found = json.loads(text)
    except ValueError:
        return text
    return found if isinstance(found, int | bool) else text
