"""A rendered tree on disk: written whole, and what an earlier rendering left behind is gone.

Called by `fairway render`, `fairway eject` and the target's working folder. Files of others in the
folder (`.terraform`, a saved plan, notes) are never touched: `.rendered` lists ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fairway.errors import Refused
from fairway.targets.aws import native, packages

MANIFEST = ".rendered"


def write_tree(folder: Path, texts: Mapping[str, str], archives: Mapping[str, bytes]) -> None:
    """Have `folder` hold these files; only what differs is written.

    Raises Refused for a folder that has files and was not rendered: they might be somebody's.
    """
    _check(folder)
    contents = {**{path: text.encode() for path, text in texts.items()}, **archives}
    folder.mkdir(parents=True, exist_ok=True)
    for path, content in contents.items():
        _write(folder / path, content)
    for path in _known(folder) - contents.keys():
        (folder / path).unlink(missing_ok=True)
    _write(folder / MANIFEST, "".join(f"{path}\n" for path in sorted(contents)).encode())


def archives(*, wheels: bool) -> dict[str, bytes]:
    """The zips of all Lambda functions by path; without `wheels` they have our own code only."""
    return {
        f"packages/{name}.zip": packages.build(folders, wheels=wheels)
        for name, folders in native.packages().items()
    }


def _check(folder: Path) -> None:
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MANIFEST).is_file():
        raise Refused(
            "folder-in-use",
            "the folder has files in it that Fairway did not write",
            where=str(folder),
            remedy="name an empty or a new folder with --out",
        )


def _known(folder: Path) -> set[str]:
    try:
        return set((folder / MANIFEST).read_text("utf-8").split("\n")) - {""}
    except FileNotFoundError:
        return set()


def _write(path: Path, content: bytes) -> None:
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
