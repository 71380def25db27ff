"""What counts as a service's source, and the digest of it. Reads folders, writes nothing.

`artifacts.py` walks a folder before it keeps a snapshot of it, and a snapshot before it trusts it.
A tree is its folders, files and links, by relative path; of a file count its bytes and whether it
may be executed. What tools make by themselves (dependencies, caches, version control, state of
Fairway) is left out, and so is what a `.fairwayignore` in the folder says, one pattern a line:

    data/            a folder of that name, wherever it is
    *.parquet        every file with such a name
    assets/raw/*.psd by the path from the folder on

Sockets, pipes and devices are no source and left out as well.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Literal

from fairway.errors import InvalidInput

IGNORE_FILE = ".fairwayignore"
_LEFT_OUT = frozenset(
    {
        ".git", ".hg", ".svn", "__pycache__", ".venv", "venv", "node_modules", ".mypy_cache",
        ".ruff_cache", ".pytest_cache", ".hypothesis", ".tox", ".nox", ".idea", ".vscode",
        ".DS_Store",
    }
)  # fmt: skip
_FAIRWAYS_OWN = ".fairway"
"""State folders of Fairway and their backups begin so; its ignore file is a file of the user's."""

EntryKind = Literal["folder", "file", "program", "link"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing in a tree. `content` is a file's SHA-256, a link's target, else empty."""

    path: str
    kind: EntryKind
    content: str = ""
    size: int = 0


FileHash = Callable[[Path, os.stat_result], str]
"""The SHA-256 of a file as hex digits, perhaps from memory."""


def hash_of(path: Path, _found: os.stat_result) -> str:
    """Read the file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def tree(root: Path, file_hash: FileHash = hash_of) -> tuple[Entry, ...]:
    """Everything that counts below `root`, sorted by path.

    InvalidInput for a folder that is not there, a file that cannot be read and a link that leads
    out; FileNotFoundError for what vanished meanwhile.
    """
    if not root.is_dir():
        raise InvalidInput(
            "folder-missing",
            "this folder, the source of a service, does not exist",
            where=str(root),
            remedy="correct `build` (or `root`) in the app file, or create the folder",
        )
    ignored = _patterns(root)
    return tuple(sorted(_entries(root, "", ignored, file_hash), key=lambda entry: entry.path))


def digest_of(entries: Iterable[Entry]) -> str:
    """`sha256:` and 64 hex digits, equal exactly for trees that are."""
    hashed = hashlib.sha256()
    for entry in entries:
        for part in (entry.kind, entry.path, entry.content):
            raw = os.fsencode(part)
            hashed.update(len(raw).to_bytes(8, "big") + raw)
    return f"sha256:{hashed.hexdigest()}"


def leads_out(path: str, target: str) -> bool:
    """Whether a link at `path` inside a tree points to something outside of it. Pure."""
    if PurePosixPath(target).is_absolute():
        return True
    depth = len(PurePosixPath(path).parts) - 1
    for part in PurePosixPath(target).parts:
        depth += -1 if part == ".." else 1
        if depth < 0:
            return True
    return False


def _entries(
    root: Path, folder: str, ignored: Sequence[str], file_hash: FileHash
) -> Iterator[Entry]:
    try:
        found = sorted(os.scandir(root / folder), key=lambda item: item.name)
    except PermissionError as error:
        raise _unreadable(root / folder) from error
    for item in found:
        path = f"{folder}/{item.name}" if folder else item.name
        is_folder = item.is_dir(follow_symlinks=False)
        if _is_left_out(item.name, path, ignored, is_folder=is_folder):
            continue
        if is_folder:
            yield Entry(path, "folder")
            yield from _entries(root, path, ignored, file_hash)
        else:
            yield from _file(root, path, item.stat(follow_symlinks=False), file_hash)


def _file(root: Path, path: str, found: os.stat_result, file_hash: FileHash) -> Iterator[Entry]:
    if stat.S_ISLNK(found.st_mode):
        target = str((root / path).readlink())
        if leads_out(path, target):
            raise _link_out(root / path, target)
        yield Entry(path, "link", target)
    elif stat.S_ISREG(found.st_mode):
        kind: EntryKind = "program" if found.st_mode & stat.S_IXUSR else "file"
        try:
            yield Entry(path, kind, file_hash(root / path, found), found.st_size)
        except PermissionError as error:
            raise _unreadable(root / path) from error


def _is_left_out(name: str, path: str, ignored: Sequence[str], *, is_folder: bool) -> bool:
    if name in _LEFT_OUT or name.endswith(".pyc"):
        return True
    if name.startswith(_FAIRWAYS_OWN) and name != IGNORE_FILE:
        return True
    return any(_matches(pattern, name, path, is_folder=is_folder) for pattern in ignored)


def _matches(pattern: str, name: str, path: str, *, is_folder: bool) -> bool:
    if pattern.endswith("/") and not is_folder:
        return False
    wanted = pattern.strip("/")
    if "/" in pattern.rstrip("/"):
        return fnmatchcase(path, wanted)
    return fnmatchcase(name, wanted)


def _patterns(root: Path) -> tuple[str, ...]:
    try:
        lines = (root / IGNORE_FILE).read_text("utf-8").splitlines()
    except FileNotFoundError:
        return ()
    patterns = tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))
    if any(pattern.startswith("!") for pattern in patterns):
        raise InvalidInput(
            "ignore-pattern-unknown",
            "a pattern that begins with '!' is not understood",
            where=str(root / IGNORE_FILE),
            remedy="list what is to be left out, more exactly",
        )
    return patterns


def _link_out(path: Path, target: str) -> InvalidInput:
    return InvalidInput(
        "link-leads-out",
        f"this link leads out of the service's folder, to {target}: a release would not hold it",
        where=str(path),
        remedy=f"put a copy there, or name the link in {IGNORE_FILE}",
    )


def _unreadable(path: Path) -> InvalidInput:
    return InvalidInput(
        "unreadable-source",
        "this belongs to a service's source and cannot be read",
        where=str(path),
        remedy=f"make it readable (chmod u+rX), or name it in {IGNORE_FILE}",
    )
