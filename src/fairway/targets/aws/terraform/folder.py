"""Folders that only this user reads: plans and states hold secrets in clear."""

from __future__ import annotations

from pathlib import Path


def private_folder(path: Path) -> Path:
    """Have a folder, and those above it that are missing, with mode 0700; returns it."""
    if not path.exists():
        private_folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)
    return path
