"""The hand-written Terraform that is packaged with Fairway: where it is, and its files.

Called by `roots.py`, `tree.py` and `provisioning.py`. From a wheel it is `fairway/infra`, from
the source tree `infra/` beside `src/`. Tests and caches in it are no part of what is rendered.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import fairway
import fairway_runtime
from fairway.errors import Unavailable
from fairway.targets.aws.rendering.packages import build

_LEFT_OUT = frozenset({"tests", "__pycache__"})
_DECIDING = (
    "__init__.py", "errors.py", "governance/__init__.py", "governance/decide.py",
    "governance/lambda_handler.py", "governance/lambda_tables.py",
)  # fmt: skip
"""Of Fairway itself, what the decision function needs; the engine is the services' own."""
_ENGINE = ("__init__.py", "forks.py", "intents.py", "policy/")


@cache
def infra() -> Path:
    """The folder with `modules`, `roots` and `lambda`; Unavailable when Fairway came without."""
    package = Path(fairway.__file__).parent
    for folder in (package / "infra", package.parent.parent / "infra"):
        if (folder / "roots").is_dir():
            return folder
    raise Unavailable(
        "no-infra",
        "the Terraform modules of Fairway are missing from this installation",
        where=str(package / "infra"),
        remedy="install Fairway again: pip install --force-reinstall 'fairway[aws]'",
    )


def root(kind: str) -> Mapping[str, str]:
    """The files of a root module (`region`, `registry`, `account`, `control-plane`) by path."""
    return _texts(infra() / "roots" / kind)


def images() -> Mapping[str, str]:
    """The Dockerfiles of Fairway's own images, by path: `sidecar/Dockerfile`."""
    return _texts(infra() / "images")


def renewing() -> str:
    """The program that renews the keys of calls without Fairway."""
    return (infra() / "signing" / "renew.py").read_text("utf-8")


def modules() -> Mapping[str, str]:
    """The files of all modules, by path: `ecs-service/main.tf`."""
    return _texts(infra() / "modules")


@cache
def packages() -> Mapping[str, Mapping[str, bytes]]:
    """The code of the Lambda functions: files by path, by the name of the package."""
    found = {folder.name: _code(folder) for folder in sorted((infra() / "lambda").iterdir())}
    found["rotation"] = _code(infra() / "modules" / "secrets" / "rotation")
    found["governance"] |= _deciding()
    return {name: files for name, files in found.items() if files}


def archive(code: Mapping[str, bytes], *, wheels: bool) -> bytes:
    """The zip of a package's files, with its `wheels`; Unavailable when pip cannot get them."""
    try:
        return build(code, wheels=wheels)
    except subprocess.CalledProcessError as error:
        raise Unavailable(
            "no-packages",
            f"pip could not get what the Lambda functions need: {_last_line(error.stderr)}",
            remedy="try again with a network; `fairway eject --offline` needs none",
        ) from error


def _last_line(text: str | None) -> str:
    lines = (text or "").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def _deciding() -> dict[str, bytes]:
    """The decision function: the same engine as that of the services."""
    runtime, platform = Path(fairway_runtime.__file__).parent, Path(fairway.__file__).parent
    return {
        **{f"fairway_runtime/{p}": c for p, c in _code(runtime).items() if p.startswith(_ENGINE)},
        **{f"fairway/{path}": (platform / path).read_bytes() for path in _DECIDING},
    }


def _code(folder: Path) -> dict[str, bytes]:
    if not folder.is_dir():
        return {}
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in _files(folder)}


@cache
def _texts(folder: Path) -> Mapping[str, str]:
    return {str(path.relative_to(folder)): path.read_text("utf-8") for path in _files(folder)}


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name in _LEFT_OUT or path.name.startswith("."):  # what tools leave behind
            continue
        if path.is_dir():
            yield from _files(path)
        else:
            yield path
