"""Names that are close to a mistyped one, for the "did you mean" of an error.

Used wherever a name may be unknown. Pure and bounded: the cost does not grow with the length of
what was typed, only with the number of known names.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_LONGEST_COMPARED = 60
_MOST_LISTED = 9


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like `name`, or None where none is alike."""
    if len(name) > _LONGEST_COMPARED:
        return None
    by_folded = {other.casefold(): other for other in known}
    folded = name.casefold()
    matches = difflib.get_close_matches(folded, by_folded, n=3, cutoff=0.6)
    # Letters in the wrong order are the commonest slip: 'prot' is 'port' rather than 'root'.
    swapped = [match for match in matches if sorted(match) == sorted(folded)]
    best = swapped or matches
    return by_folded[best[0]] if best else None


def did_you_mean(name: str, known: Iterable[str], otherwise: str) -> str:
    """A remedy: the closest known name, else the known names when few, else `otherwise`."""
    names = sorted(set(known))
    match = closest(name, names)
    if match is not None:
        return f"did you mean '{match}'?"
    if 0 < len(names) <= _MOST_LISTED:
        return f"{otherwise}; known: {', '.join(names)}"
    return otherwise


def shown(value: object, longest: int = 40) -> str:
    """A value from the file as an error shows it: on one line, and cut where it is long."""
    text = value if isinstance(value, str) else str(value)
    text = text.encode("unicode_escape").decode("ascii") if not text.isprintable() else text
    return f"'{text[:longest]}…'" if len(text) > longest else f"'{text}'"
