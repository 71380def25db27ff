"""The environment of a service as people may see it: secrets masked. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from fairway.control.explored import Variable

MASK = "••••••"
_SECRETIVE = re.compile(
    r"secret|token|passw|passphrase|pwd$|credential|authorization|otlp_(\w+_)?headers$|api_?key|(^|_)key$",
    re.IGNORECASE,
)
_WITH_PASSWORD = re.compile(r"(?P<before>\w+://[^/\s:@]*:)[^/\s]+(?P<after>@)")
"""A URL with a password in it, as databases have. A careless one may have an @ of its own."""


def masked(own: Mapping[str, str], secrets: Collection[str]) -> tuple[Variable, ...]:
    """By name. What sounds like a secret is masked as well, declared as one or not."""
    shown = {name: _variable(name, value) for name, value in own.items()}
    shown |= {name: Variable(name, MASK, secret=True) for name in secrets}
    return tuple(shown[name] for name in sorted(shown))


def _variable(name: str, value: str) -> Variable:
    if _SECRETIVE.search(name) and not name.startswith("FAIRWAY_") and value:
        return Variable(name, MASK, secret=True)
    shown = _WITH_PASSWORD.sub(rf"\g<before>{MASK}\g<after>", value)
    return Variable(name, shown, secret=shown != value)
