"""Packages from npm that tests use as files, fetched once and kept in a cache.

Only what npm hands over with the expected digest is used; nothing of a package is ever run here.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path


def npm_package(name: str, version: str, integrity: str) -> Path:
    """The folder of a package's files. `integrity` is npm's: `sha512-` and the digest in base64."""
    kept = _cache() / f"{name.replace('/', '-')}-{version}"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
            archive = _fetched(f"{name}@{version}", Path(folder))
            found = base64.b64encode(hashlib.sha512(archive).digest()).decode()
            assert f"sha512-{found}" == integrity, f"{name} {version} is not what it was"
            with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
                tar.extractall(folder, filter="data")
            _moved(Path(folder) / "package", kept)
    return kept


def npm_installed(project: Path) -> Path:
    """The `node_modules` that a project's lock file names, without running any of their scripts."""
    lock = (project / "package-lock.json").read_bytes()
    kept = _cache() / f"{project.name}-{hashlib.sha256(lock).hexdigest()[:16]}"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=kept.parent))
        for name in ("package.json", "package-lock.json"):
            shutil.copy2(project / name, folder)
        options = ["--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
        done = subprocess.run(
            ["npm", "ci", *options], cwd=folder, capture_output=True, text=True, timeout=300,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        _moved(folder, kept)
    return kept / "node_modules"


def _fetched(package: str, folder: Path) -> bytes:
    done = subprocess.run(
        ["npm", "pack", "--silent", package],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return next(folder.glob("*.tgz")).read_bytes()


def _moved(found: Path, kept: Path) -> None:
    """Another process may have been first."""
    try:
        found.rename(kept)
    except OSError:
        shutil.rmtree(found)


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "fairway-tests"
