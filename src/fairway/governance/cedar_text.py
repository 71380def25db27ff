"""Cedar text with positions: cedarpy's errors have none, so Fairway finds them itself.

Used by validation (file, line, column of every problem), by policy sets (one policy at a time) and
by coverage. Pure. It guarantees that splitting loses nothing: strings, comments and annotations may
hold semicolons and braces, and every token knows the offset that it came from.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal

TokenKind = Literal["name", "string", "number", "symbol", "unknown"]

_TOKEN = re.compile(
    r"""(?P<blank>\s+|//[^\n]*)
      | (?P<name>[_a-zA-Z][_a-zA-Z0-9]*)
      | (?P<string>"(?:\\.|[^"\\])*")
      | (?P<number>[0-9]+)
      | (?P<symbol>::|==|!=|<=|>=|&&|\|\||[@.,;:(){}\[\]+\-*<>!=?%/])
      | (?P<unknown>.)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:u\{(?P<code>[0-9a-fA-F]{1,6})\}|x(?P<hex>[0-9a-fA-F]{2})|(?P<char>.))")
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}


@dataclass(frozen=True, slots=True)
class Token:
    """One word of Cedar: `text` as written, `offset` in characters from the start of its file."""

    kind: TokenKind
    text: str
    offset: int

    @property
    def value(self) -> str:
        """What a string means, without quotes and escapes; the text of anything else."""
        return _ESCAPE.sub(_unescaped, self.text[1:-1]) if self.kind == "string" else self.text


@dataclass(frozen=True)
class Source:
    """One `.cedar` file: its name as the user knows it, and its content."""

    file: str
    text: str

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column, counted from 1."""
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    @cached_property
    def _line_starts(self) -> tuple[int, ...]:
        return (0, *(found.end() for found in re.finditer("\n", self.text)))


@dataclass(frozen=True, slots=True)
class PolicyText:
    """One policy as written. `id` is its `@id`, else `file:line` (with the column where
    an earlier policy starts on that line); `ended` tells of its `;`.
    """

    source: Source
    tokens: tuple[Token, ...]
    id: str
    has_id: bool
    ended: bool

    @property
    def text(self) -> str:
        """The policy from its first token to its last, comments between them included."""
        last = self.tokens[-1]
        return self.source.text[self.tokens[0].offset : last.offset + len(last.text)]

    @property
    def identified(self) -> str:
        """The text with an `@id` annotation, added where the user wrote none."""
        return self.text if self.has_id else f'@id("{self.id}")\n{self.text}'

    @property
    def head(self) -> Token:
        """The word `permit` or `forbid`, where there is one: the place to point at."""
        words = (token for token in self.tokens if token.text in ("permit", "forbid"))
        return next(words, self.tokens[0])


@dataclass(frozen=True, slots=True)
class EntityReference:
    """An entity named in a policy, `Service::"axon"`, and where its parts stand."""

    kind: str
    name: str
    kind_token: Token
    name_token: Token


def tokenize(text: str) -> Iterator[Token]:
    """The tokens of a text without blanks and comments; what Cedar does not know is `unknown`."""
    for found in _TOKEN.finditer(text):
        match found.lastgroup:
            case "name" | "string" | "number" | "symbol" | "unknown" as kind:
                yield Token(kind, found.group(), found.start())
            case _:
                continue


def split_policies(source: Source) -> Iterator[PolicyText]:
    """The policies of a file in order; the last may lack its semicolon (`ended` is False)."""
    pending: list[Token] = []
    lines: set[int] = set()
    for token in tokenize(source.text):
        pending.append(token)
        if token.text == ";":
            yield _policy(source, tuple(pending), lines, ended=True)
            pending = []
    if pending:
        yield _policy(source, tuple(pending), lines, ended=False)


def combine(sources: Iterable[Source]) -> str:
    """One Cedar text of all files, every policy with an `@id`: what a policy set holds."""
    return "\n\n".join(policy.identified for source in sources for policy in split_policies(source))


def with_ids(source: Source) -> str:
    """A text as it was written, comments included, with an `@id` where a policy had none.

    Of what `combine` gave it changes nothing.
    """
    text, at = [], 0
    for policy in split_policies(source):
        first = policy.tokens[0].offset
        text += [source.text[at:first], policy.identified]
        at = first + len(policy.text)
    return "".join([*text, source.text[at:]]).strip()


def entity_references(tokens: Iterable[Token]) -> Iterator[EntityReference]:
    """Every `Type::"name"` in the tokens; a namespaced type is named in full."""
    path: list[Token] = []
    after_colons = False
    for token in tokens:
        if token.text == "::":
            after_colons = bool(path)
        elif token.kind == "name":
            path = [*path, token] if after_colons else [token]
            after_colons = False
        else:
            if token.kind == "string" and after_colons:
                kind = "::".join(part.text for part in path)
                yield EntityReference(kind, token.value, path[0], token)
            path, after_colons = [], False


def type_references(tokens: Iterable[Token]) -> Iterator[Token]:
    """The types that `is` asks for; a namespaced one is left to Cedar."""
    window = list(tokens)
    for word, kind, following in zip(window, window[1:], window[2:], strict=False):
        if word.text == "is" and kind.kind == "name" and following.text != "::":
            yield kind


def context_references(tokens: Iterable[Token]) -> Iterator[Token]:
    """The attribute tokens of `context.key`, `context["key"]` and `context has key`."""
    window = list(tokens)
    for (position, token), (_, following) in pairwise(enumerate(window)):
        if token.text == "context" and following.text in (".", "[", "has"):
            attribute = window[position + 2 : position + 3]
            yield from (each for each in attribute if each.kind in ("name", "string"))


def _policy(
    source: Source, tokens: tuple[Token, ...], lines: set[int], *, ended: bool
) -> PolicyText:
    written = _annotated_id(tokens)
    line, column = source.position(tokens[0].offset)
    place = f"{line}:{column}" if line in lines else f"{line}"
    lines.add(line)
    derived = f"{source.file}:{place}"
    return PolicyText(source, tokens, written or derived, written is not None, ended)


def _annotated_id(tokens: tuple[Token, ...]) -> str | None:
    """The value of `@id("…")` among the annotations, which come first."""
    for at, name, paren, value in zip(tokens, tokens[1:], tokens[2:], tokens[3:], strict=False):
        if at.text in ("permit", "forbid"):
            return None
        if (at.text, name.text, paren.text) == ("@", "id", "(") and value.kind == "string":
            return value.value
    return None


def _unescaped(found: re.Match[str]) -> str:
    code = found["code"] or found["hex"]
    if code:
        return chr(int(code, 16))
    return _ESCAPED.get(found["char"], found["char"])
