"""What programs a project folder holds, for `fairway init`: Python, Node.js, static pages.

Reads only what it must: file names, `package.json`, and the Python files that could hold an app.
It proposes; the written app file is for a person to correct.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from fairway.model.importing import FoundService

COMPOSE_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
PROCFILE = "Procfile"
_COLLECTIONS = ("services", "apps", "packages")
_IGNORED = frozenset({"node_modules", "venv", "tests", "test", "docs", "dist", "build"})
_APP = re.compile(
    r"^(\w+)(?:\s*:[^=]+)?\s*=\s*(?:\w+\.)?(FastAPI|Starlette|Litestar|Quart|Flask)\(", re.M
)
_MODULES = ("main.py", "app.py", "server.py", "asgi.py", "wsgi.py", "__init__.py")
_NODE_ENTRIES = ("server.js", "index.js", "app.js", "main.js", "server.mjs", "index.mjs")
_MOST_BYTES = 200_000


def importable_file(folder: Path) -> Path | None:
    """A Compose file or a Procfile, if there is one: it says more than any guess."""
    return next((p for n in (*COMPOSE_NAMES, PROCFILE) if (p := folder / n).is_file()), None)


def find_services(folder: Path) -> tuple[FoundService, ...]:
    """The programs in the folder itself, else in its folders and in `services/` and the like."""
    here = _found(folder, None)
    if here is not None:
        return (here,)
    places = (_found(place, place.relative_to(folder).as_posix()) for place in _places(folder))
    return tuple(found for found in places if found is not None)


def _found(folder: Path, relative: str | None) -> FoundService | None:
    command = _node(folder) or _python(folder)
    if command is not None:
        return FoundService(folder.name, relative, command)
    if (folder / "index.html").is_file():
        return FoundService(folder.name, relative, static=True)
    return None


def _places(folder: Path) -> Iterator[Path]:
    for place in sorted(folder.iterdir()):
        if not place.is_dir() or place.name.startswith(".") or place.name in _IGNORED:
            continue
        if place.name in _COLLECTIONS:
            yield from (p for p in sorted(place.iterdir()) if p.is_dir() and p.name[0] != ".")
        else:
            yield place


def _node(folder: Path) -> str | None:
    file = folder / "package.json"
    if not file.is_file():
        return None
    try:
        package = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    scripts = package.get("scripts") if isinstance(package, dict) else None
    if isinstance(scripts, dict) and "start" in scripts:
        return "npm start"
    entries = [str(package["main"])] if isinstance(package, dict) and "main" in package else []
    entry = next((e for e in (*entries, *_NODE_ENTRIES) if (folder / e).is_file()), None)
    return f"node {entry}" if entry else None


def _python(folder: Path) -> str | None:
    if (folder / "manage.py").is_file():
        return "python manage.py runserver 127.0.0.1:$PORT"
    for file in _python_files(folder):
        found = _APP.search(_text(file))
        if found is not None:
            return _serve(_module(file.relative_to(folder)), found[1], found[2])
    return None


def _python_files(folder: Path) -> Iterator[Path]:
    """Modules in the folder, in a package in it, or under `src/`."""
    roots = [folder, *(p for p in sorted(folder.iterdir()) if _is_package(p))]
    if (folder / "src").is_dir():
        roots += [p for p in sorted((folder / "src").iterdir()) if _is_package(p)]
    for root in roots:
        yield from (root / name for name in _MODULES if (root / name).is_file())


def _is_package(path: Path) -> bool:
    return path.is_dir() and path.name not in _IGNORED and (path / "__init__.py").is_file()


def _module(file: Path) -> str:
    parts = list(file.with_suffix("").parts)
    if parts[0] == "src":
        parts = parts[1:]
    if parts[-1] == "__init__":
        parts = parts[:-1]
    return ".".join(parts)


def _serve(module: str, variable: str, framework: str) -> str:
    if framework == "Flask":
        return f"flask --app {module}:{variable} run --port $PORT"
    return f"uvicorn {module}:{variable} --port $PORT"


def _text(file: Path) -> str:
    try:
        with file.open(encoding="utf-8", errors="replace") as opened:
            return opened.read(_MOST_BYTES)
    except OSError:
        return ""
