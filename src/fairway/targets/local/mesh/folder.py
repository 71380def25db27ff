"""The folder with the files of one Envoy: read back, replaced one by one, never half written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from fairway.targets.local.layout import write_private
from fairway.targets.mesh.render.document import (
    Json,
)


class ConfigFolder:
    """What is on disk, which is what a restarted Envoy would run on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._content = {
            file.name: content
            for file in sorted(path.glob("*.json"))
            if (content := _read(file)) is not None
        }

    def files(self) -> dict[str, Json]:
        """Every readable file by name."""
        return dict(self._content)

    def write(self, files: Mapping[str, Json]) -> None:
        """Replace files atomically, in the order given, 0600; equal content is left alone."""
        for name, content in files.items():
            if self._content.get(name) != content:
                write_private(self.path / name, json.dumps(content, indent=1).encode())
                self._content[name] = content

    def edited(self) -> tuple[str, ...]:
        """The files that are on disk no more as they were written here, or not at all."""
        return tuple(n for n, kept in self._content.items() if _found(self.path / n) != kept)

    def restore(self, names: Iterable[str]) -> None:
        """Write files again as they were."""
        self.write({name: self._content.pop(name) for name in tuple(names)})

    def remove(self, name: str) -> None:
        """Remove a file; one that is not there is no error."""
        (self.path / name).unlink(missing_ok=True)
        self._content.pop(name, None)


def _found(file: Path) -> Json | None:
    return _read(file) if file.exists() else None


def _read(file: Path) -> Json | None:
    """A damaged file counts as absent: it is written again."""
    try:
        content = json.loads(file.read_bytes())
    except ValueError:
        return None
    return content if isinstance(content, dict) else None
