"""Where in a policy Cedar's error is: the parser says what is wrong, never where.

Used by validation. Pure. What is valid is the parser's word alone; its text is read only to choose
the place to point at, and where that finds nothing the place is the end of what could be read.

Ask `too_deep` first: Cedar's parser recurses, and a text nested a thousand levels deep ends the
process by a stack overflow that no `except` catches.
"""

from __future__ import annotations

import re
from bisect import bisect_left

from cedarpy import PolicySet

from fairway.governance.cedar_text import PolicyText, Token

_QUOTED = re.compile(r"`([^`]+)`|'([^']+)'")
_WORD = re.compile(r"[\w=]+")

DEEPEST = 50
"""Brackets within brackets. Cedar overflows an 8 MiB stack at about 1,000."""
MOST_OPERATORS = 400
"""Operators in one policy, because a chain of them nests as well. It overflows at about 3,000."""
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
_OPERATORS = frozenset({"&&", "||", "+", "-", "*", ".", "[", "if", "has", "!"})


def error_of(text: str) -> str | None:
    """What Cedar says is wrong with a policy, or None when it is well formed."""
    try:
        PolicySet.from_str(text).to_pst()  # refuses what is nested too deeply, like the engine
    except ValueError as error:
        return str(error)
    return None


def too_deep(policy: PolicyText) -> Token | None:
    """The token at which a policy becomes too large to be read safely, if there is one."""
    depth = operators = 0
    for token in policy.tokens:
        depth += (token.text in _OPENING) - (token.text in _CLOSING)
        operators += token.text in _OPERATORS
        if depth > DEEPEST or operators > MOST_OPERATORS:
            return token
    return None


def locate(policy: PolicyText, error: str) -> Token:
    """The token that `error`, found in the whole policy, is about."""
    unknown = next((token for token in policy.tokens if token.kind == "unknown"), None)
    return unknown or mentioned(policy, error, before=_seen_by(policy, error)) or policy.head


def mentioned(policy: PolicyText, message: str, before: int | None = None) -> Token | None:
    """The token that a message names: the last such before `before` (an index), else its end."""
    tokens = policy.tokens[:before]
    quoted = [first or second for first, second in _QUOTED.findall(message)]
    for name in (*quoted, *_WORD.findall(message)[::-1]):
        found = _last_named(tokens, name)
        if found is not None:
            return found
    return tokens[-1] if before is not None else None


def _last_named(tokens: tuple[Token, ...], name: str) -> Token | None:
    """The token written `name`, or the last one of an entity or a path: `Action::"x"`, `a.b`."""
    last = re.split(r"::|\.", name)[-1]
    wanted = (name, last, last.strip('"'))
    return next((token for token in reversed(tokens) if token.text in wanted), None)


def _seen_by(policy: PolicyText, error: str) -> int:
    """How many tokens the parser must read until it makes this very error."""
    start = policy.tokens[0].offset

    def seen(count: int) -> bool:
        last = policy.tokens[count - 1]
        end = last.offset + len(last.text)
        return error_of(policy.source.text[start:end]) == error

    return bisect_left(range(1, len(policy.tokens) + 1), True, key=seen) + 1
