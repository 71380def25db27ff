"""The folder that Terraform works in: what was rendered, written only where it differs.

`AwsTarget` and `bootstrap` write a whole tree (`modules/`, `regions/…`) before each run. It
guarantees: folders are 0700 and files 0600; a file that has not changed keeps its time; what an
earlier tree had and this one has not is removed; what Terraform keeps there itself is left alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

_LISTING = ".rendered.json"


def write_tree(top: Path, files: Mapping[str, str | bytes]) -> tuple[str, ...]:
    """Have exactly these files (by relative path) in `top`; returns those that were written."""
    private_folder(top)
    written = tuple(path for path, content in files.items() if _written(top, path, content))
    for path in sorted(_listed(top) - files.keys()):
        (top / path).unlink(missing_ok=True)
    _write(top / _LISTING, json.dumps(sorted(files)).encode())
    return written


def private_folder(path: Path) -> Path:
    """Have a folder, and those above it, that only this user reads; returns it."""
    if not path.exists():
        private_folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)
    return path


def _listed(top: Path) -> set[str]:
    """What the last tree consisted of; nothing when that is not known."""
    try:
        return set(json.loads((top / _LISTING).read_text()))
    except (OSError, ValueError):
        return set()


def _written(top: Path, path: str, content: str | bytes) -> bool:
    file, wanted = top / path, content.encode() if isinstance(content, str) else content
    if not file.resolve().is_relative_to(top.resolve()):
        raise ValueError(f"{path} leads out of the folder")
    if file.is_file() and file.read_bytes() == wanted:
        return False
    private_folder(file.parent)
    _write(file, wanted)
    return True


def _write(file: Path, content: bytes) -> None:
    fresh = file.with_name(f"{file.name}.new")
    fresh.touch(mode=0o600)
    fresh.write_bytes(content)
    fresh.replace(file)
