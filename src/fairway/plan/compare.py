"""Two JSON values as a list of what differs, and that in words. Pure.

Used by the planner and by the difference of two releases, so that both say the same of a change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fairway.model.names import shown

ABSENT = object()
"""Stands for a key that is not there; `None` is a value."""


@dataclass(frozen=True, slots=True)
class Differing:
    """One value that differs, by its dotted path; either side may be `ABSENT`."""

    path: str
    before: Any
    after: Any


def differing(before: Any, after: Any, path: str = "") -> Iterator[Differing]:
    """The smallest parts that differ, in the order of their names; lists differ as a whole."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted(before.keys() | after.keys()):
            below = f"{path}.{key}" if path else key
            yield from differing(before.get(key, ABSENT), after.get(key, ABSENT), below)
    elif before is ABSENT or after is ABSENT or before != after:
        yield Differing(path, before, after)


def in_words(found: Differing, name: str | None = None) -> str:
    """`health.interval: '2s' → '5s'`; of what has an inside, what was added and removed."""
    name = found.path if name is None else name
    match found.before, found.after:
        case list() as before, list() as after:
            return f"{name}: {_items(before, after)}"
        case _, Mapping() if found.before is ABSENT or found.before is None:
            return f"{name}: added"
        case Mapping(), _:
            return f"{name}: removed"
        case before, after:
            return f"{name}: {brief(before)} → {brief(after)}"


def _items(before: list[Any], after: list[Any]) -> str:
    gone = [f"without {brief(item)}" for item in before if item not in after]
    new = [f"with {brief(item)}" for item in after if item not in before]
    return ", ".join([*gone, *new]) or "in another order"


def brief(value: Any) -> str:
    """A value on one line, cut where it is long; what is none is left out of mappings."""
    if value is ABSENT or value is None:
        return "none"
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return f"{value:g}" if isinstance(value, float) else str(value)
        case str():
            return shown(value)
        case list() | tuple():
            return _cut(f"[{', '.join(map(brief, value))}]")
        case _:
            pairs = (f"{k}: {brief(v)}" for k, v in value.items() if v not in (None, [], {}))
            return _cut(f"{{{', '.join(pairs)}}}")


def _cut(text: str, longest: int = 80) -> str:
    return text if len(text) <= longest else f"{text[: longest - 2]}…{text[-1]}"
