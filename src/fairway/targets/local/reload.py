"""Which services a change of files concerns.

The supervisor's only eye on the users' folders. Changes come debounced, as sets of services; what
tools write by themselves (caches, dependencies, version control, Fairway's own state) is ignored.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from pathlib import Path

IGNORED_FOLDERS = frozenset(
    {
        "__pycache__", ".git", ".hg", ".venv", "venv", "node_modules", ".fairway", ".mypy_cache",
        ".ruff_cache", ".pytest_cache", ".hypothesis", ".idea", ".vscode",
    }
)  # fmt: skip
_IGNORED_ENDINGS = (".pyc", ".pyo", ".swp", ".swx", ".tmp", "~", ".log")
_DEBOUNCE = 300
"""How long changes are collected, in milliseconds: editors write a file in several steps."""


def concerned(watched: Mapping[str, tuple[Path, ...]], changed: Iterable[Path]) -> frozenset[str]:
    """The services below whose watched paths something relevant changed. Pure."""
    changes = tuple(changed)
    return frozenset(
        service
        for service, roots in watched.items()
        if any(_is_relevant(path, root) for path in changes for root in roots)
    )


def _is_relevant(path: Path, root: Path) -> bool:
    if path == root:
        return True
    if not path.is_relative_to(root) or path.name.endswith(_IGNORED_ENDINGS):
        return False
    inner = path.relative_to(root).parts
    return IGNORED_FOLDERS.isdisjoint(inner)


def changed_since(roots: Iterable[Path], moment: float) -> bool:
    """Whether something relevant below `roots` is younger than `moment` (seconds since the epoch).

    Asked for adopted processes, which may have been started from older files.
    """
    return any(path.stat().st_mtime > moment for root in roots for path in _relevant_files(root))


def _relevant_files(root: Path) -> Iterator[Path]:
    if root.is_file():
        yield root
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in IGNORED_FOLDERS]
        paths = (Path(folder, name) for name in files if not name.endswith(_IGNORED_ENDINGS))
        yield from (path for path in paths if path.is_file())


async def changes(watched: Mapping[str, tuple[Path, ...]]) -> AsyncIterator[frozenset[str]]:
    """Yield the services whose files changed, for ever. Paths that do not exist are not watched."""
    import watchfiles  # noqa: PLC0415 - slow, and nothing waits for it

    real = {name: tuple(path.resolve() for path in paths) for name, paths in watched.items()}
    paths = {path for roots in real.values() for path in roots if path.exists()}
    if not paths:
        return

    def relevant(_: watchfiles.Change, path: str) -> bool:
        return bool(concerned(real, [Path(path)]))

    async for found in watchfiles.awatch(*paths, watch_filter=relevant, debounce=_DEBOUNCE):
        services = concerned(real, (Path(path) for _, path in found))
        if services:
            yield services
