"""Cedar text as lines of coloured pieces, for reading. Pure.

The editor colours what is typed in the browser by the same classes (`policy-editor.js`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from fairway.governance.cedar_text import Token, tokenize

PieceKind = Literal["", "note", "string", "number", "effect", "word", "entity", "at"]
_EFFECTS = frozenset({"permit", "forbid"})
_WORDS = frozenset(
    {"principal", "action", "resource", "context", "when", "unless", "in", "is", "has", "like",
     "if", "then", "else", "true", "false"}
)  # fmt: skip
_ENTITIES = frozenset({"Service", "Client", "Gateway", "Action"})


@dataclass(frozen=True, slots=True)
class Piece:
    """Some characters of a line, and what they are."""

    kind: PieceKind
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line; `number` counts from 1."""

    number: int
    pieces: tuple[Piece, ...]


def lines_of(text: str) -> tuple[Line, ...]:
    """The whole text; nothing is left out."""
    rows: list[list[Piece]] = [[]]
    for piece in _pieces(text):
        first, *more = piece.text.split("\n")
        if first:
            rows[-1].append(Piece(piece.kind, first))
        rows += [[Piece(piece.kind, part)] if part else [] for part in more]
    if len(rows) > 1 and not rows[-1]:
        rows.pop()
    return tuple(Line(number, tuple(row)) for number, row in enumerate(rows, 1))


def _pieces(text: str) -> Iterator[Piece]:
    """Tokens, and what stands between them: blanks and comments."""
    at, after = 0, ""
    for token in tokenize(text):
        yield from _between(text[at : token.offset])
        yield Piece(_kind(token, after), token.text)
        at, after = token.offset + len(token.text), token.text
    yield from _between(text[at:])


def _between(text: str) -> Iterator[Piece]:
    for part in text.splitlines(keepends=True):
        body, comment, rest = part.partition("//")
        if body:
            yield Piece("", body)
        if comment:
            yield Piece("note", comment + rest)


def _kind(token: Token, after: str) -> PieceKind:
    if token.kind in ("string", "number"):
        return "string" if token.kind == "string" else "number"
    if token.text == "@" or after == "@":
        return "at"
    if token.text in _EFFECTS:
        return "effect"
    if token.text in _ENTITIES:
        return "entity"
    return "word" if token.text in _WORDS else ""
