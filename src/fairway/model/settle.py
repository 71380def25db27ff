"""A tree of text becomes plain data: variables filled in, scalars typed, places kept beside it.

Called by `load`. `${NAME}` and `${NAME:-default}` are filled in in every value, `$$` is a dollar;
what a variable holds is always text and never read as YAML again, so that it cannot change the
shape of the file. `run` is left exactly as written: its variables are those of the running
replica or hook. Plain scalars follow the core schema of YAML 1.2, except in `env`, where a value is
the text that was written (`1.10` stays `1.10`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fairway.model.document import Items, Keys, Node, Text
from fairway.model.names import closest, shown
from fairway.model.places import Findings, Path, Place, dotted, nearest

_DOLLAR = re.compile(r"\$\$|\$\{(?P<inside>[^{}]*)(?P<end>\}?)")
_VARIABLE = re.compile(
    r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>.*))?\Z", re.ASCII | re.DOTALL
)
_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_BASED = re.compile(r"0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_WORDS: Mapping[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_MOST_DIGITS = 18


@dataclass(slots=True)
class Settled:
    """Plain data with the place of every value and key, and the values that variables filled."""

    data: Any = None
    places: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    filled: dict[Path, str] = field(default_factory=dict)

    def place(self, path: Path) -> Place:
        """Where a reader looks for `path`: the key of what has an inside, else the value."""
        return nearest(self.places, path)

    def key_place(self, path: Path) -> Place:
        """Where the last key of `path` stands; `place` where that is not a key of the file."""
        return self.keys.get(path) or self.place(path)


def settle(tree: Node, variables: Mapping[str, str], findings: Findings, at: Path = ()) -> Settled:
    """The plain data of `tree`, which stands at path `at` in the app file."""
    settled = Settled()
    settled.data = _Settling(variables, findings, settled).value(tree, at)
    settled.places[()] = settled.places.get((), tree.place)
    return settled


@dataclass(slots=True)
class _Settling:
    variables: Mapping[str, str]
    findings: Findings
    into: Settled

    def value(self, node: Node, path: Path, key_place: Place | None = None) -> Any:
        match node:
            case Keys(entries=entries):
                self.into.places[path] = key_place or node.place
                return {
                    key: self._entry(entry.node, entry.key_place, (*path, key))
                    for key, entry in entries.items()
                }
            case Items(nodes=nodes):
                self.into.places[path] = key_place or node.place
                return [self.value(child, (*path, index)) for index, child in enumerate(nodes)]
            case Text():
                empty = node.plain and not node.text
                self.into.places[path] = key_place if key_place and empty else node.place
                return self._scalar(node, path)

    def _entry(self, node: Node, key_place: Place, path: Path) -> Any:
        self.into.keys[path] = key_place
        return self.value(node, path, key_place)

    def _scalar(self, node: Text, path: Path) -> Any:
        if is_run(path):
            return node.text
        if "$" in node.text:
            return self._filled(node, path)
        if not node.plain:
            return node.text
        value = typed(node.text)
        return node.text if is_env(path) and value is not None else value

    def _filled(self, node: Text, path: Path) -> str:
        def replace(match: re.Match[str]) -> str:
            return "$" if match[0] == "$$" else self._variable(match, node, path)

        text = _DOLLAR.sub(replace, node.text)
        if "${" in node.text.replace("$$", ""):
            self.into.filled[path] = node.text
        return text

    def _variable(self, match: re.Match[str], node: Text, path: Path) -> str:
        variable = _VARIABLE.match(match["inside"]) if match["end"] else None
        if variable is None:
            self.findings.error(
                node.place,
                "interpolation",
                f"{dotted(path)}: {shown(match[0])} is not a variable",
                "write ${NAME} or ${NAME:-default}, without braces inside; $$ is a dollar sign",
            )
            return ""
        value = self.variables.get(variable["name"])
        if value:
            return value
        if variable["default"] is not None:
            return variable["default"]
        if value is None:
            self._undefined(variable["name"], node, path)
        return ""

    def _undefined(self, name: str, node: Text, path: Path) -> None:
        self.findings.error(
            node.place,
            "undefined-variable",
            f"{dotted(path)}: the variable {name} is not set",
            _undefined_remedy(name, self.variables),
        )


def _undefined_remedy(name: str, variables: Mapping[str, str]) -> str:
    default = f"set it in the environment or in .env, or give a default: ${{{name}:-value}}"
    alike = closest(name, variables)
    return f"did you mean {alike}? If not, {default}" if alike else default


def typed(text: str) -> str | int | float | bool | None:
    """A plain scalar by the core schema of YAML 1.2; a number too large to be one stays text."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "0123456789-+." or len(text) > _MOST_DIGITS:
        return text
    if _INTEGER.match(text):
        return int(text)
    if _BASED.match(text):
        return int(text, 0)
    number = float(text) if _FLOAT.match(text) else math.inf
    return text if math.isinf(number) else number


def is_run(path: Path) -> bool:
    """Whether `path` is the `run` of a service (here or in an override) or of a hook."""
    return _of_service(path, "run", 3) or _of_hook(path, "run")


def is_env(path: Path) -> bool:
    """Whether `path` is a variable's value in the `env` of a service, here or in an override."""
    return _of_service(path, "env", 4)


def _of_hook(path: Path, key: str) -> bool:
    return len(path) == 6 and (path[0], path[2], path[5]) == ("environments", "hooks", key)


def _of_service(path: Path, key: str, length: int) -> bool:
    if len(path) == length:
        return path[0] == "services" and path[2] == key
    if len(path) == length + 2:
        return path[0] == "environments" and path[2] == "overrides" and path[4] == key
    return False
