"""Which declared intent a request is for: its method and normalised path, never a header.

Who calls it: the ASGI wrapper (to decide), the client (to build a call) and the renderer of Envoy
routes, which uses the very same `path_regex` in the very same order (`IntentTable.routes`). It
guarantees that library and Envoy agree: both match the same regular expression on the same
normalised path, so nothing passes one of them under another name.

`normalise` mirrors Envoy's connection manager with `normalize_path: true`, `merge_slashes: true`
and `path_with_escaped_slashes_action: REJECT_REQUEST`; an Envoy that runs in the tests proves it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

PARAMETER = re.compile(r"(?<=/)\{[^{}/]+\}(?=/|\Z)")
"""A whole segment only: two in one segment would let a long path take quadratic time to match."""
_PLAIN = re.compile(r"(?:/[A-Za-z0-9_~-]+)+/?|/")
_ESCAPE = re.compile(r"%(?P<hex>[0-9A-Fa-f]{2})?")
_REFUSED = re.compile(r"[^\x21-\x7e]|[#?]|%(?:2[fF]|5[cC])")
_DOT_PARAMETER = re.compile(r"(?<=[/\\])(\.{1,2});[^/]*")
_UNRESERVED = re.compile(r"%(?:2[dDeE]|3[0-9]|[46][1-9a-fA-F]|[57][0-9aA]|5[fF]|7[eE])")
_ENCODED = re.compile(r'["<>^`{|}]')
_KEPT = "!$&'()*+,-./:;=@_~|[]^`{}\"<>\\%"
"""Left as they are when a template's literal is spelled in ASCII; each is matched escaped too."""


@dataclass(frozen=True, slots=True)
class IntentRoute:
    """One intent of a service: `path` is a template (`/items/{id}`), `stream` marks open bodies."""

    name: str
    method: str
    path: str
    stream: bool = False

    def answers(self, method: str) -> bool:
        """Whether a request of this method asks for it. HEAD asks for what GET does: frameworks
        run the same handler, so what is closed to the one must be closed to the other.
        """
        return method == self.method or (method == "HEAD" and self.method == "GET")


class IntentTable:
    """The intents of one service. Built once; immutable; safe to share between threads."""

    __slots__ = ("_literal", "_patterns", "routes")

    def __init__(self, routes: Iterable[IntentRoute]) -> None:
        self.routes: tuple[IntentRoute, ...] = tuple(sorted(routes, key=_specificity))
        plain = [r for r in reversed(self.routes) if _is_plain(r.path)]
        self._literal = {("HEAD", r.path): r for r in plain if r.method == "GET"}
        self._literal |= {(r.method, r.path): r for r in plain}
        self._patterns = tuple((r, re.compile(path_regex(r.path))) for r in self.routes)

    def match(self, method: str, path: str) -> IntentRoute | None:
        """The intent that `method` and the raw URL path (without query) ask for, if any.

        Where several match, the most literal wins: `/items/new` before `/items/{id}`.
        """
        normal = normalise(path)
        return None if normal is None else self.match_normalised(method, normal)

    def match_normalised(self, method: str, normal: str) -> IntentRoute | None:
        """Likewise, for whoever holds what `normalise` made of the path already."""
        found = self._literal.get((method, normal))
        if found is not None:
            return found
        for route, pattern in self._patterns:
            if route.answers(method) and pattern.fullmatch(normal):
                return route
        return None


def normalise(path: str) -> str | None:
    """The path as Envoy routes it, or None where Envoy answers 400: the request has no intent.

    Dot segments (`%2e` and `..;x` too) are resolved, backslashes are slashes, repeated slashes are
    one, unreserved characters stand unescaped and `"<>^`{|}` escaped. Refused: escaped slashes,
    control and non-ASCII characters, fragments, paths without a root, and the one spelling that
    Envoy itself reads differently the second time (`%2e;`).
    """
    if _PLAIN.fullmatch(path):
        return path
    if not path.startswith("/") or _REFUSED.search(path):
        return None
    path = _DOT_PARAMETER.sub(r"\1", path)
    if "%00" in path:
        return None
    plain = _UNRESERVED.sub(_unescape_one, path).replace("\\", "/")
    if _DOT_PARAMETER.search(plain):
        return None  # written `%2e;`: the next Envoy would read the result as yet another path
    spelled = _ENCODED.sub(lambda found: f"%{ord(found.group()):02X}", plain)
    return _merge_slashes(_resolve_dots(spelled))


def path_regex(template: str) -> str:
    """An anchored regular expression, valid in RE2 and in Python, for a normalised path.

    A parameter stands for one non-empty segment. Every literal character is matched both plain and
    percent-encoded, because a service decodes the path before it routes: `/re%61son` is `/reason`.
    """
    parts: list[str] = []
    position = 0
    for parameter in PARAMETER.finditer(template):
        parts.append(_literal_regex(template[position : parameter.start()]))
        parts.append("[^/]+")
        position = parameter.end()
    parts.append(_literal_regex(template[position:]))
    return f"^{''.join(parts)}$"


def covers(prefix: str, path: str) -> bool:
    """Whether a public route of `prefix` opens `path`: by whole segments, like Envoy's
    `path_separated_prefix`. `/api` covers `/api` and `/api/x`, never `/apiary`.
    """
    stem = prefix.rstrip("/")
    return not stem or path == stem or path.startswith(stem + "/")


def parameters(template: str) -> tuple[str, ...]:
    """The names of a template's parameters, in order: `("id",)` for `/items/{id}`."""
    return tuple(found.group()[1:-1] for found in PARAMETER.finditer(template))


def fill(template: str, values: dict[str, str]) -> str:
    """The path of one call: each parameter replaced by its percent-encoded value.

    Raises ValueError for a missing or unknown parameter and for a value that cannot be one segment.
    """
    names = parameters(template)
    if set(names) != set(values):
        wanted = ", ".join(names) or "none"
        raise ValueError(f"path {template} takes the parameters: {wanted}")
    return PARAMETER.sub(lambda found: _segment(found.group()[1:-1], values), template)


def _segment(name: str, values: dict[str, str]) -> str:
    value = values[name]
    if value in ("", ".", "..") or "/" in value or "\\" in value or "\0" in value:
        raise ValueError(f"path parameter {name} must be one non-empty segment without a slash")
    return quote(value, safe="")


def _specificity(route: IntentRoute) -> tuple[tuple[tuple[bool, str], ...], bool, str, str]:
    """Literal segments first, and a declared HEAD before the GET that answers it otherwise."""
    parts = route.path.split("/")
    segments = tuple((PARAMETER.fullmatch(f"/{part}", 1) is not None, part) for part in parts)
    return segments, route.method != "HEAD", route.method, route.name


def _is_plain(path: str) -> bool:
    return _PLAIN.fullmatch(path) is not None


def _literal_regex(text: str) -> str:
    return "".join(_character_regex(byte) for byte in _unescape(text))


def _unescape(text: str) -> bytes:
    """A template's literal as the bytes it stands for, whichever way the user spelled them."""
    encoded = quote(text, safe=_KEPT)
    return _ESCAPE.sub(
        lambda found: chr(int(found["hex"], 16)) if found["hex"] else "%", encoded
    ).encode("latin-1")


def _character_regex(byte: int) -> str:
    if byte == ord("/"):
        return "/"
    escaped = "%" + "".join(_either_case(digit) for digit in f"{byte:02X}")
    if not 0x21 <= byte <= 0x7E or chr(byte) in "%?#\\":
        return escaped
    return f"(?:{_quoted(chr(byte))}|{escaped})"


def _either_case(digit: str) -> str:
    return f"[{digit}{digit.lower()}]" if digit.isalpha() else digit


def _quoted(character: str) -> str:
    return character if character.isalnum() or character in "_-~" else f"\\{character}"


def _unescape_one(found: re.Match[str]) -> str:
    return chr(int(found.group()[1:], 16))


def _resolve_dots(path: str) -> str:
    """As a URL parser does: an empty segment counts as one, so `/a//..` is `/a/`."""
    segments: list[str] = []
    segment = ""
    for segment in path.split("/")[1:]:
        if segment == "..":
            del segments[-1:]
        elif segment != ".":
            segments.append(segment)
    trailing = "/" if segments and segment in (".", "..") else ""
    return "/" + "/".join(segments) + trailing


def _merge_slashes(path: str) -> str:
    """As Envoy does, to the letter: a path of slashes alone ends up as `//`, which is not `/`."""
    if "//" not in path:
        return path
    trailing = "/" if path.endswith("/") else ""
    return "/" + "/".join(segment for segment in path.split("/") if segment) + trailing
