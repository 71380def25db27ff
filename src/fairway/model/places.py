"""Where something stands in the user's files, and the list of what is wrong there.

Used by every step of loading. `Findings` collects problems and warnings, so that a step reports
and goes on: all problems of a file reach the user at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from fairway.errors import Problem

Path = tuple[str | int, ...]
"""Keys and list positions from the root of the app file: `("services", "axon", "port")`."""


class Place(NamedTuple):
    """A character in a file; `line` and `column` count from 1."""

    file: str
    line: int
    column: int


def nearest(places: Mapping[Path, Place], path: Path) -> Place:
    """Where `path` stands; for what is not written (a default, a short form), what holds it."""
    for length in range(len(path), 0, -1):
        found = places.get(path[:length])
        if found is not None:
            return found
    return places[()]


@dataclass(slots=True)
class Findings:
    """Problems and warnings found so far; the same one twice (by way of an override) is one."""

    _problems: dict[Problem, None] = field(default_factory=dict)
    _warnings: dict[Problem, None] = field(default_factory=dict)

    def error(self, place: Place, code: str, message: str, remedy: str) -> None:
        """Note something that makes the file invalid."""
        self._problems[Problem(code, message, remedy, *place)] = None

    def warn(self, place: Place, code: str, message: str, remedy: str) -> None:
        """Note something that is allowed and probably not meant."""
        self._warnings[Problem(code, message, remedy, *place)] = None

    def extend(self, problems: Iterable[Problem]) -> None:
        """Note problems that another step has already written."""
        self._problems.update(dict.fromkeys(problems))

    def add_view(self, view: Findings, environment: str) -> None:
        """Note what is wrong only as `environment` sees the app; what is new says so."""
        for known, new in ((self._problems, view._problems), (self._warnings, view._warnings)):
            for problem in new.keys() - known.keys():
                message = f"{problem.message} (in the environment '{environment}')"
                known[replace(problem, message=message)] = None

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What makes the file invalid, in the order found."""
        return tuple(self._problems)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What is allowed and probably not meant, by place."""
        return tuple(sorted(self._warnings, key=lambda p: (p.file, p.line, p.column, p.message)))


def dotted(path: Path) -> str:
    """A path as people write it: `services.axon.public[0].path`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
