"""Where a page is, as its address says it: every filter is a parameter of the query.

Pages change one parameter and keep the rest, so that each view can be shared, reloaded and gone
back to. Immutable and pure; what is written into an address is always percent-encoded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Address:
    """A path with its query; `str` of it is the link. Empty parameters are left out."""

    path: str
    pairs: Pairs = ()

    @classmethod
    def of(cls, path: str, pairs: Iterable[tuple[str, str]]) -> Address:
        """An address of what a request said."""
        return cls(path, tuple((name, value) for name, value in pairs if value != ""))

    def __str__(self) -> str:
        return f"{self.path}?{urlencode(self.pairs)}" if self.pairs else self.path

    def get(self, name: str, default: str = "") -> str:
        """The (last) value of a parameter."""
        return next((value for key, value in reversed(self.pairs) if key == name), default)

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a parameter."""
        return tuple(value for key, value in self.pairs if key == name)

    def at(self, path: str) -> Address:
        """The same query elsewhere."""
        return Address(path, self.pairs)

    def having(self, **changes: str | float | None) -> Address:
        """With these parameters instead of what they were; None or nothing takes one away."""
        kept = [(name, value) for name, value in self.pairs if name not in changes]
        added = [
            (name, _text(value))
            for name, value in changes.items()
            if value is not None and value != ""
        ]
        return Address(self.path, (*kept, *added))

    def plus(self, name: str, value: str) -> Address:
        """With one value more of a parameter that may be given several times."""
        pair = (name, value)
        return self if pair in self.pairs else Address(self.path, (*self.pairs, pair))

    def minus(self, name: str, value: str) -> Address:
        """Without one value of a parameter."""
        return Address(self.path, tuple(pair for pair in self.pairs if pair != (name, value)))

    def toggled(self, name: str, value: str) -> Address:
        """With the value if it is not there, else without it."""
        return (self.minus if (name, value) in self.pairs else self.plus)(name, value)

    def only(self, *names: str) -> Address:
        """With nothing but these parameters."""
        return Address(self.path, tuple(pair for pair in self.pairs if pair[0] in names))


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.15g}"
