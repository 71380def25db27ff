"""Plain data becomes an App: all of it, or as much of it as is valid.

Called by `load`. One wrong value must not hide what else is wrong, so what Pydantic refuses is
cut out and the rest validated again; `Shaped.doubtful` says where something is missing, and the
semantic checks draw no conclusion from its absence.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from fairway.model.app import App
from fairway.model.explain import explain, real_path
from fairway.model.places import Findings, Path
from fairway.model.settle import Settled

_MOST_ROUNDS = 12
_STAND_IN_NAME = "app"


@dataclass(frozen=True, slots=True)
class Shaped:
    """The app as far as it is valid, and the paths that were cut out of it."""

    app: App | None
    doubtful: frozenset[Path]


def shape(settled: Settled, findings: Findings, *, forgiving: bool = False) -> Shaped:
    """Validate `settled.data`; problems go to `findings`.

    `forgiving`: parts of the file could not be read, so that a missing key is no problem.
    """
    data = settled.data
    doubtful: set[Path] = set()
    for attempt in range(_MOST_ROUNDS):
        try:
            return Shaped(App.model_validate(data), frozenset(doubtful))
        except ValidationError as error:
            errors = error.errors(include_url=False)
            if attempt == 0:
                explain([e for e in errors if not _excused(e, forgiving)], settled, findings)
                data = copy.deepcopy(data)
            cuts = {_cut_path(data, e["loc"], e["type"]) for e in errors}
            doubtful |= cuts
            if not _cut(data, cuts):
                break
    return Shaped(None, frozenset(doubtful))


def _excused(error: ErrorDetails, forgiving: bool) -> bool:
    return forgiving and (error["type"] in ("missing", "too_short") or error["input"] is None)


def _cut_path(data: Any, loc: Path, kind: str) -> Path:
    """What to cut: the value, or, where a key is missing, what lacks it.

    A list is cut whole: without one item, its other items would no longer be where they stand.
    """
    if kind == "missing" and loc == ("app",):
        return loc
    path = real_path(data, loc)
    while path and isinstance(path[-1], int):
        path = path[:-1]
    return path


def _cut(data: Any, paths: Iterable[Path]) -> bool:
    """Remove `paths` from `data`; False when nothing usable is left."""
    for path in sorted(paths, key=len, reverse=True):
        if path == ("app",):
            data["app"] = _STAND_IN_NAME
            continue
        if not path:
            return False
        holder = data
        for step in path[:-1]:
            holder = holder[step]
        holder.pop(path[-1], None)
    return True
