"""One version of a secret."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NoReturn

HIDDEN: Final = "[secret]"


class SecretValue:
    """A value that only `reveal()` shows: no repr, str, format, pickle or copy gives it away.

    `version` names the version as the provider counts them; equal versions have equal values.
    """

    __slots__ = ("_reveal", "name", "version")

    def __init__(self, name: str, version: str, value: str) -> None:
        self.name = name
        self.version = version
        # In a closure, so that tools which print the attributes of objects do not print it.
        self._reveal: Callable[[], str] = lambda: value

    def reveal(self) -> str:
        """The value itself. Pass it on at once; do not keep it, or a rotation passes you by."""
        return self._reveal()

    def __repr__(self) -> str:
        return f"SecretValue({self.name!r}, version={self.version!r}, {HIDDEN})"

    def __str__(self) -> str:
        return HIDDEN

    def __format__(self, specification: str) -> str:
        return HIDDEN

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(
            f"the secret {self.name} cannot be pickled or copied: pass its name instead"
        )
