"""What differs between two snapshots of a service's source, as a unified diff.

`fairway diff A B --source` prints it. What is no text, or too large to read, is named and not
shown. Reads snapshots, writes nothing.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from fairway.targets.local.artifacts import ArtifactStore
from fairway.targets.local.source_tree import Entry

LARGEST_SHOWN: Final = 2**20
"""Bytes of a file above which nobody reads its diff."""
_NOTHING = "/dev/null"
_NO_NEWLINE = "\\ No newline at end of file"


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: how it is called (`r7/orbit`), and its snapshot; without one it is empty."""

    name: str
    digest: str | None


def source_diff(store: ArtifactStore, before: Side, after: Side) -> Iterator[str]:
    """The lines of a unified diff, file by file; NotFound when a snapshot is not kept here."""
    if before.digest == after.digest:
        return
    old, new = _entries(store, before), _entries(store, after)
    for path in sorted(old.keys() | new.keys()):
        was, now = old.get(path), new.get(path)
        if was != now:
            yield from _file(store, (before, was), (after, now), path)


def _entries(store: ArtifactStore, side: Side) -> dict[str, Entry]:
    found = store.entries(side.digest) if side.digest else ()
    return {entry.path: entry for entry in found if entry.kind != "folder"}


def _file(
    store: ArtifactStore,
    before: tuple[Side, Entry | None],
    after: tuple[Side, Entry | None],
    path: str,
) -> Iterator[str]:
    (old, was), (new, now) = before, after
    names = (f"{old.name}/{path}" if was else _NOTHING, f"{new.name}/{path}" if now else _NOTHING)
    if was and now and was.content == now.content:
        yield f"{names[1]} is a {now.kind} and was a {was.kind}"
        return
    text_before, text_after = _text(store, old, was), _text(store, new, now)
    if text_before is None or text_after is None:
        yield f"Binary files {names[0]} and {names[1]} differ"
        return
    lines = text_before.splitlines(keepends=True), text_after.splitlines(keepends=True)
    for line in difflib.unified_diff(lines[0], lines[1], names[0], names[1]):
        yield line.rstrip("\n") if line.endswith("\n") else f"{line}\n{_NO_NEWLINE}"


def _text(store: ArtifactStore, side: Side, entry: Entry | None) -> str | None:
    """What is in a file; None when that is no text, or too much of it."""
    if entry is None:
        return ""
    if entry.kind == "link":
        return f"link to {entry.content}\n"
    if entry.size > LARGEST_SHOWN or side.digest is None:
        return None
    content = (store.path(side.digest) / entry.path).read_bytes()
    try:
        return None if b"\0" in content else content.decode()
    except UnicodeDecodeError:
        return None
