"""Where in a policy Cedar's error is: the parser says what is wrong, never where.

Used by validation. Pure. What is valid is the parser's word alone; its text is read only to choose
the place to point at, and where that finds nothing the place is the end of what could be read.
"""

from __future__ import annotations

import re

from cedarpy import PolicySet

from fairway.governance.cedar_text import PolicyText, Token

_QUOTED = re.compile(r"`([^`]+)`|'([^']+)'")
_WORD = re.compile(r"[\w=]+")


def error_of(text: str) -> str | None:
    """What Cedar says is wrong with a policy, or None when it is well formed."""
    try:
        PolicySet.from_str(text).to_pst()  # refuses what is nested too deeply, like the engine
    except ValueError as error:
        return str(error)
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
    for count, token in enumerate(policy.tokens, 1):
        end = token.offset + len(token.text) - start
        if error_of(policy.text[:end]) == error:
            return count
    return len(policy.tokens)
