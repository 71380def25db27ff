"""Python data as the text of a `.tfvars` file, exactly as `terraform fmt` would leave it. Pure.

Called by `rendering/roots.py`. A file is a tuple of `Assign`; a value is text, a number, true or
false, None (`null`), a list or a mapping of these. `Note` puts a comment above an entry of a
mapping or an item of a list, so that every value can say where it comes from.

The rules of the format are those of `hclwrite` (hashicorp/hcl, `hclwrite/format.go`): the `=` of
neighbouring lines stand in one column; a value of several lines, a comment and an empty line end
such a neighbourhood.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Union

WIDTH = 120
"""A mapping or list that fits into one line of this many columns stays in it."""

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")
_KEYWORDS = frozenset({"for", "null", "true", "false"})
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}

Value = Union[str, int, float, bool, None, "Note", Sequence["Value"], Mapping[str, "Value"]]


@dataclass(frozen=True, slots=True)
class Note:
    """A value with the comment that stands above it; the comment may have several lines."""

    value: Value
    comment: str


@dataclass(frozen=True, slots=True)
class Assign:
    """A variable of the root module, with the comment above it. `apart`: an empty line first, as
    before every comment."""

    name: str
    value: Value
    comment: str = ""
    apart: bool = False


def tfvars(title: str, assigns: Sequence[Assign]) -> str:
    """The whole file; `title` is the comment at its top."""
    lines = [*_comment(title, ""), ""]
    entries: list[_Entry] = []
    for assign in assigns:
        if (assign.apart or assign.comment) and entries:
            lines += _aligned(entries, "")
            entries = []
            lines.append("")
        entries.append(_Entry(assign.name, assign.value, assign.comment))
    lines += _aligned(entries, "")
    return "\n".join(lines) + "\n"


def bare(value: Value) -> object:
    """The value without its comments, as Terraform would read it: for tests and JSON."""
    match value:
        case Note():
            return bare(value.value)
        case Mapping():
            return {key: bare(each) for key, each in value.items()}
        case str():
            return value
        case Sequence():
            return [bare(each) for each in value]
        case _:
            return value


@dataclass(frozen=True, slots=True)
class _Entry:
    key: str
    value: Value
    comment: str


def _entries(mapping: Mapping[str, Value]) -> list[_Entry]:
    return [_entry(_key(key), value) for key, value in mapping.items()]


def _entry(key: str, value: Value) -> _Entry:
    if isinstance(value, Note):
        return _Entry(key, value.value, value.comment)
    return _Entry(key, value, "")


def _aligned(entries: Sequence[_Entry], indent: str) -> list[str]:
    """Lines of assignments; neighbours of one line each share the column of their `=`."""
    lines: list[str] = []
    neighbours: list[tuple[str, str]] = []

    def close() -> None:
        width = max((len(key) for key, _ in neighbours), default=0)
        lines.extend(f"{indent}{key:<{width}} = {text}" for key, text in neighbours)
        neighbours.clear()

    for entry in entries:
        if entry.comment:
            close()
            # What has a comment and several lines is a paragraph.
            if lines and _one_line(entry.value, len(indent) + len(entry.key) + 3) is None:
                lines.append("")
            lines += _comment(entry.comment, indent)
        text = _one_line(entry.value, len(indent) + len(entry.key) + 3)
        if text is not None:
            neighbours.append((entry.key, text))
            continue
        close()
        first, *rest = _many_lines(entry.value, indent)
        lines += [f"{indent}{entry.key} = {first}", *rest]
    close()
    return lines


def _many_lines(value: Value, indent: str) -> list[str]:
    inner = f"{indent}  "
    if isinstance(value, Mapping):
        return ["{", *_aligned(_entries(value), inner), f"{indent}}}"]
    assert isinstance(value, Sequence), "everything else fits into one line"
    return ["[", *_items(value, inner), f"{indent}]"]


def _items(values: Sequence[Value], indent: str) -> Iterator[str]:
    for value in values:
        item = _entry("", value)
        yield from _comment(item.comment, indent)
        text = _one_line(item.value, len(indent))
        first, *rest = [text] if text is not None else _many_lines(item.value, indent)
        *before, last = [f"{indent}{first}", *rest]
        yield from before
        yield f"{last},"


def _one_line(value: Value, column: int) -> str | None:
    """The value in one line from `column` on; None where it needs several."""
    match value:
        case Mapping() | list() | tuple() if not _is_simple(value):
            return None
        case Mapping() | list() | tuple():
            text = _inline(value)
            return text if column + len(text) <= WIDTH else None
        case _:
            return _inline(value)


def _is_simple(value: Value) -> bool:
    """Whether it may stand in one line: no comment inside, and one level of names at most."""
    if isinstance(value, Mapping):
        return all(
            not isinstance(each, Note | Mapping) and _is_flat(each) for each in value.values()
        )
    if isinstance(value, list | tuple):
        alone = len(value) == 1
        return all(
            not isinstance(each, Note)
            and (alone or not isinstance(each, Mapping))
            and _is_simple(each)
            for each in value
        )
    return True


def _is_flat(value: Value) -> bool:
    if isinstance(value, Mapping):
        return not value
    if isinstance(value, list | tuple):
        return all(not isinstance(each, Note | Mapping | list | tuple) for each in value)
    return True


def _inline(value: Value) -> str:
    match value:
        case None | bool() | int() | float():
            return _scalar(value)
        case str():
            return quoted(value)
        case Mapping():
            pairs = ", ".join(f"{_key(key)} = {_inline(each)}" for key, each in value.items())
            return f"{{ {pairs} }}" if pairs else "{}"
        case Note():
            return _inline(value.value)
        case _:
            return f"[{', '.join(map(_inline, value))}]"


def _scalar(value: float | bool | None) -> str:
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    return str(int(value)) if float(value).is_integer() else repr(value)


def _key(text: str) -> str:
    plain = _IDENTIFIER.match(text) and text not in _KEYWORDS
    return text if plain else quoted(text)


def quoted(text: str) -> str:
    """A literal string; nothing in it is filled in or cut short."""
    out = "".join(_ESCAPES.get(char, char) if char >= " " else _escape(char) for char in text)
    return '"' + out.replace("${", "$${").replace("%{", "%%{") + '"'


def _escape(char: str) -> str:
    return _ESCAPES.get(char) or f"\\u{ord(char):04x}"


def _comment(text: str, indent: str) -> Iterable[str]:
    return (f"{indent}# {line}".rstrip() for line in text.splitlines())
