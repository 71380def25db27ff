"""Where secrets come from: the port, and the two providers that need nothing installed.

Providers are asked by `store.py`, possibly from its background thread. `fetch` gives the newest
version, None when the provider has no such secret; a provider that cannot be reached raises
SecretsUnavailable, and the version that is known stays in force.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Protocol


class Fetched(NamedTuple):
    """The newest version of a secret, and its value."""

    version: str
    value: str

    def __repr__(self) -> str:
        return f"Fetched(version={self.version!r})"


class SecretsUnavailable(Exception):
    """A provider cannot be reached, or refuses. Its text never holds a value."""


class SecretProvider(Protocol):
    """The port. `refresh` is how often, in seconds, looking for new versions is worth it; None:
    versions never change.
    """

    refresh: float | None

    def fetch(self, name: str) -> Fetched | None:
        """The newest version of a secret."""
        ...


class EnvironmentSecrets:
    """`$NAME`, as 12-factor has it: one version, `environment`, for the life of the process."""

    refresh: float | None = None

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def fetch(self, name: str) -> Fetched | None:
        """The variable of that name."""
        value = self._variables.get(name)
        return None if value is None else Fetched("environment", value)


class FileSecrets:
    """`<folder>/<NAME>`, as container platforms mount them: a changed file is a new version.

    One newline at the end is not part of the value, because editors and `echo` add it.
    """

    def __init__(self, folder: Path, refresh: float = 1.0) -> None:
        self.refresh: float | None = refresh
        self._folder = folder

    def fetch(self, name: str) -> Fetched | None:
        """The file of that name."""
        if "/" in name or "\0" in name or name in ("", ".", ".."):
            return None
        try:
            with (self._folder / name).open("rb") as file:
                stat = os.fstat(file.fileno())
                content = file.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SecretsUnavailable(f"{name}: {error.strerror}") from error
        return Fetched(f"{stat.st_mtime_ns}.{stat.st_ino}", _text(name, content))


def _text(name: str, content: bytes) -> str:
    try:
        return content.decode().removesuffix("\n")
    except UnicodeDecodeError:
        raise SecretsUnavailable(f"{name}: the file is not UTF-8 text") from None
