"""A rendered tree on disk: written whole, and what an earlier rendering left behind is gone.

Called by `fairway render`, `fairway eject` and the target's working folder. Files of others in the
folder (`.terraform`, a saved plan, notes) are never touched: `.rendered` lists ours with digests,
so that a file which somebody has changed since is known. It is written before the files: whoever
is interrupted can do it again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from fairway.errors import Refused
from fairway.targets.aws.rendering import native

MANIFEST = ".rendered"
_PART = ".fairway-part"
_UNFINISHED = "unfinished"

Where = Literal["new", "unchanged", "own", "any"]
"""What a folder may be: new or empty; rendered, and nobody has changed our files since; rendered;
anything. The target's working folder is its `own`.
"""
Known = Mapping[str, frozenset[str]]
"""Our files, with the digests that they may have; none in a manifest without digests."""


def write_tree(
    folder: Path, texts: Mapping[str, str], archives: Mapping[str, bytes], where: Where = "own"
) -> None:
    """Have `folder` hold these files; only what differs is written.

    Raises Refused before anything is written for a folder that is not what `where` allows.
    """
    contents = {**{path: text.encode() for path, text in texts.items()}, **archives}
    known = _known(folder)
    _check(folder, known, contents, where)
    fresh = {path: frozenset({_digest(content)}) for path, content in contents.items()}
    both = {p: known.get(p, frozenset()) | fresh.get(p, frozenset()) for p in {*known, *fresh}}
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / MANIFEST, f"{_UNFINISHED}\n{_listed(both)}".encode())
    for path, content in contents.items():
        _write(folder / path, content)
    for path in known.keys() - contents.keys():
        if (folder / path).is_file():
            (folder / path).unlink()
    _write(folder / MANIFEST, _listed(fresh).encode())


def archives(*, wheels: bool) -> dict[str, bytes]:
    """The zips of all Lambda functions by path; without `wheels` they have our own code only."""
    return {
        f"packages/{name}.zip": native.archive(code, wheels=wheels)
        for name, code in native.packages().items()
    }


def check_place(folder: Path, where: Where) -> None:
    """Refuse early, before anything is asked of anybody; `write_tree` looks at files as well."""
    if where == "any" or not _has_files(folder):
        return
    if not (folder / MANIFEST).is_file():
        raise _in_use(folder, "the folder has files in it that Fairway did not write")
    if where == "new" and not _is_unfinished(folder):
        raise _in_use(folder, "the folder is neither new nor empty")


def _check(folder: Path, known: Known, contents: Mapping[str, bytes], where: Where) -> None:
    check_place(folder, where)
    if where in ("own", "any"):
        return
    changed = [p for p in sorted(known) if _is_changed(folder / p, known[p], contents.get(p))]
    if changed:
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        raise _in_use(folder, f"somebody has changed {changed[0]}{more} since it was written")


def _is_changed(path: Path, digests: frozenset[str], fresh: bytes | None) -> bool:
    """Whether there is something in it that would be lost."""
    if not path.is_file():
        return False
    content = path.read_bytes()
    return content != fresh and _digest(content) not in digests


def _in_use(folder: Path, message: str) -> Refused:
    return Refused(
        "folder-in-use",
        message,
        where=str(folder),
        remedy="name an empty or a new folder with --out, or overwrite files in it with --force",
    )


def _has_files(folder: Path) -> bool:
    return folder.is_dir() and any(path.name != MANIFEST + _PART for path in folder.iterdir())


def _is_unfinished(folder: Path) -> bool:
    return (folder / MANIFEST).read_text("utf-8").startswith(f"{_UNFINISHED}\n")


def _known(folder: Path) -> dict[str, frozenset[str]]:
    """A line is a digest, a tab and a path; a path alone in a manifest of an older version."""
    try:
        lines = (folder / MANIFEST).read_text("utf-8").splitlines()
    except FileNotFoundError:
        return {}
    found: dict[str, frozenset[str]] = {}
    for line in lines:
        digest, _, path = line.rpartition("\t")
        if path and line != _UNFINISHED:
            found[path] = found.get(path, frozenset()) | ({digest} if digest else frozenset())
    return found


def _listed(known: Known) -> str:
    return "".join(
        f"{digest}\t{path}\n" for path in sorted(known) for digest in sorted(known[path]) or [""]
    )


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all: half a file would look like somebody's change."""
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + _PART)
    part.write_bytes(content)
    part.replace(path)
