"""Documents: one object of the bucket with all files of one kind, and its version.

    {"version": "3f29c1…", "files": {"lds.json": {…}, …}, "secrets": {"secrets/NAME": "<its id>"}}

The last good one is kept on disk, so that an agent that starts again goes on with it while AWS is
away.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from fairway_runtime.agent.cloud import Away, Cloud
from fairway_runtime.agent.files import Json
from fairway_runtime.agent.writing import write


@dataclass(frozen=True, slots=True)
class Document:
    """A document; `files` by relative name, `secrets` the name of each by the file it goes to.

    `tag` is that of the object which it was read from.
    """

    version: str
    files: dict[str, Json]
    secrets: dict[str, str] = field(default_factory=dict)
    tag: str = field(default="", compare=False)


def parse(content: bytes, tag: str = "") -> Document:
    """Raises ValueError for anything that is no document."""
    found = json.loads(content)
    try:
        document = Document(
            str(found["version"]), dict(found["files"]), found.get("secrets", {}), tag
        )
    except (KeyError, TypeError, AttributeError):
        raise ValueError("it has no version or no files") from None
    if not all(_inside(name) for name in (*document.files, *document.secrets)):
        raise ValueError("it names a file outside of its folder")
    return document


def _inside(name: str) -> bool:
    path = Path(name)
    return bool(name) and not path.is_absolute() and ".." not in path.parts


class Source:
    """One object that is looked at again and again. Methods block."""

    def __init__(self, cloud: Cloud, bucket: str, key: str, kept: Path) -> None:
        self._cloud, self._bucket, self._key, self._kept = cloud, bucket, key, kept
        self._tag = ""

    def changed(self) -> Document | None:
        """The document, if it is another than the one that was kept last: told again until it is.

        Away when that cannot be told.
        """
        fetched = self._cloud.fetch(self._bucket, self._key, self._tag)
        if fetched is None:
            return None
        try:
            return parse(fetched.content, fetched.tag)
        except ValueError as error:
            raise Away(f"{self._key} is no document: {error}") from error

    def kept(self) -> Document | None:
        """The last good one of this or an earlier agent; None without one."""
        try:
            return parse(self._kept.read_bytes())
        except (FileNotFoundError, ValueError):
            return None

    def keep(self, document: Document) -> None:
        """It was good, and is in force."""
        self._tag = document.tag
        content = {
            "version": document.version,
            "files": document.files,
            "secrets": document.secrets,
        }
        write(self._kept, json.dumps(content).encode())
