"""The console's own files: stylesheet, scripts, icons. Nothing ever comes from another host.

Templates name them by `asset("console.css")`, which gives an address that changes with the content,
so that browsers may keep them for good. Kept in memory, packed once.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

FOLDER = Path(__file__).parent / "static"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_FOR_GOOD = "public, max-age=31536000, immutable"

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent."""

    kind: str
    digest: str
    plain: bytes
    packed: bytes
    changed_at: int


class Assets:
    """All of them, read when they are first asked for and again when they were edited."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder
        self._names = {
            path.relative_to(folder).as_posix(): path
            for path in folder.rglob("*")
            if path.suffix in _TYPES
        }
        self._read: dict[str, Asset] = {}

    def url(self, name: str) -> str:
        """Its address."""
        found = self.find(name)
        assert found is not None, f"there is no asset {name}"
        return f"/static/{name}?v={found.digest}"

    def find(self, name: str) -> Asset | None:
        """One of the files that were there at the start: no path leads anywhere else."""
        path = self._names.get(name)
        if path is None:
            return None
        changed_at = path.stat().st_mtime_ns
        known = self._read.get(name)
        if known is None or known.changed_at != changed_at:
            known = self._read[name] = _asset(path, changed_at)
        return known


def _asset(path: Path, changed_at: int) -> Asset:
    plain = path.read_bytes()
    digest = hashlib.sha256(plain).hexdigest()[:12]
    return Asset(_TYPES[path.suffix], digest, plain, gzip.compress(plain, mtime=0), changed_at)


@router.get("/static/{name:path}", include_in_schema=False)
def static_file(name: str, request: Request, v: str = "") -> Response:
    """One file, packed where the browser takes that."""
    assets: Assets = request.app.state.assets
    found = assets.find(name)
    if found is None:
        raise HTTPException(404, "there is no such file")
    headers = {
        "cache-control": _FOR_GOOD if v == found.digest else "no-cache",
        "etag": f'"{found.digest}"',
        "vary": "accept-encoding",
    }
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["content-encoding"] = "gzip"
        return Response(found.packed, headers=headers, media_type=found.kind)
    return Response(found.plain, headers=headers, media_type=found.kind)
