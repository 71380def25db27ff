"""Where the local target keeps its state: every path, its permissions and its version.

Everyone under `targets/local` gets paths from `StateDir` and writes files through `write_private`;
`open_state` is called once by whoever starts, stops or inspects a system. It guarantees that
folders are 0700 and files 0600, that a reader never sees half a file, and that state of another
version is migrated or moved to a backup beside it with a message, never dropped.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fairway.errors import Conflict, Refused
from fairway.targets.local.lock import held_by

VERSION = 1
"""The version of the layout that this release reads and writes."""

Migration = Callable[[Path], None]
MIGRATIONS: Mapping[int, Migration] = {}
"""From a version to the next one: each rewrites the `.fairway` folder in place."""


@dataclass(frozen=True, slots=True)
class StateDir:
    """The paths of one app's state in one environment. Computing a path creates nothing."""

    app_dir: Path
    environment: str = "local"

    @property
    def root(self) -> Path:
        """The folder that all environments share: `<app dir>/.fairway`."""
        return self.app_dir / ".fairway"

    @property
    def version_file(self) -> Path:
        """Holds the version of the layout, a whole number."""
        return self.root / "VERSION"

    @property
    def home(self) -> Path:
        """The folder of this environment."""
        return self.root / self.environment

    @property
    def instance(self) -> str:
        """Twelve hex digits that tell this state folder from every other on the machine."""
        return hashlib.sha256(os.fsencode(self.home)).hexdigest()[:12]

    @property
    def lock(self) -> Path:
        """Held by the process that supervises this environment."""
        return self.home / "lock"

    @property
    def control(self) -> Path:
        """How to reach the control plane: process id, URL, token."""
        return self.home / "control.json"

    @property
    def ledger(self) -> Path:
        """The processes that were started."""
        return self.home / "ledger.json"

    @property
    def ports(self) -> Path:
        """The ports that were assigned."""
        return self.home / "ports.json"

    @property
    def logs(self) -> Path:
        """One file per replica and per Envoy."""
        return self.home / "logs"

    @property
    def ca(self) -> Path:
        """The certificate authority of the app."""
        return self.home / "ca"

    @property
    def policy_bundle(self) -> Path:
        """The policy bundle in force, which every service reads."""
        return self.home / "policies" / "active.json"

    @property
    def audit(self) -> Path:
        """Decisions, one hash chain per writer."""
        return self.home / "audit"

    @property
    def database(self) -> Path:
        """Policy sets and history."""
        return self.home / "governance.db"

    @property
    def secret_store(self) -> Path:
        """The values that `fairway secrets set` was given."""
        return self.home / "secrets.json"

    @property
    def signing_store(self) -> Path:
        """The signing secrets of every identity: never handed to a service as a whole."""
        return self.home / "signing-keys.json"

    def mesh(self, name: str) -> Path:
        """The configuration of one Envoy."""
        return self.home / "mesh" / name

    def identity(self, name: str) -> Path:
        """The keys and certificates of one service or client."""
        return self.home / "identity" / name

    def secrets(self, service: str) -> Path:
        """The secrets that one service declares, one file each."""
        return self.home / "secrets" / service

    def config(self, label: str) -> Path:
        """The `config` of one version of a service, as JSON."""
        return self.home / "config" / f"{label}.json"

    @property
    def flags(self) -> Path:
        """The feature flags in force, which every service may read."""
        return self.home / "flags.json"

    @property
    def artifacts(self) -> Path:
        """Snapshots of sources, by digest."""
        return self.home / "artifacts"

    @property
    def desired(self) -> Path:
        """What should run, once there was a deployment."""
        return self.home / "desired.json"

    @property
    def measured(self) -> Path:
        """What every version has answered so far."""
        return self.home / "measured.json"

    @property
    def journal(self) -> Path:
        """What the delivery engine has done of the deployments under way."""
        return self.home / "engine.db"

    @property
    def telemetry(self) -> Path:
        """Traces, logs, metrics and counts of requests, and what their receiver is told."""
        return self.home / "telemetry"

    @property
    def fence(self) -> Path:
        """The largest lease token that has acted here."""
        return self.home / "fence.json"

    def log(self, name: str, replica: int | None = None) -> Path:
        """The log file of a replica, or of a process that has no replicas."""
        return self.logs / (f"{name}.log" if replica is None else f"{name}.{replica}.log")

    @property
    def sockets(self) -> Path:
        """A folder for Unix sockets, short enough for their limit of 104 bytes."""
        return Path(tempfile.gettempdir()) / f"fairway-{os.getuid()}-{self.instance}"


@dataclass(frozen=True, slots=True)
class Opened:
    """A usable state folder, and what had to be done to it, for a person to read."""

    state: StateDir
    messages: tuple[str, ...] = ()


def open_state(
    app_dir: Path,
    environment: str = "local",
    *,
    stamp: str,
    version: int = VERSION,
    migrations: Mapping[int, Migration] = MIGRATIONS,
) -> Opened:
    """Create or open the state of an app; `stamp` names a backup (such as `20261121T031500Z`).

    Raises Conflict when state of another version is in use by a running Fairway.
    """
    state = StateDir(app_dir.resolve(), environment)
    messages = _settle_version(state, version, migrations, stamp)
    private_dir(state.root)
    private_dir(state.home)
    private_dir(state.logs)
    if not state.version_file.exists():
        write_private(state.version_file, f"{version}\n".encode(), durable=True)
        write_private(state.root / ".gitignore", b"*\n")
    return Opened(state, messages)


def _settle_version(
    state: StateDir, version: int, migrations: Mapping[int, Migration], stamp: str
) -> tuple[str, ...]:
    if not state.root.exists() or not any(state.root.iterdir()):
        return ()
    found = _version_on_disk(state)
    if found == version:
        return ()
    _refuse_while_running(state)
    if found is not None and found < version and migrations.keys() >= set(range(found, version)):
        return (_migrate(state, found, version, migrations, stamp),)
    return (_back_up(state, found, version, stamp),)


def _version_on_disk(state: StateDir) -> int | None:
    try:
        return int(state.version_file.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return None


def _refuse_while_running(state: StateDir) -> None:
    for lock in state.root.glob("*/lock"):
        holder = held_by(lock)
        if holder is not None:
            raise Conflict(
                "state-in-use",
                f"another version of Fairway (process {holder.pid}) uses this state folder",
                where=str(state.root),
                remedy=f"stop it first: kill {holder.pid}",
            )


def _migrate(
    state: StateDir, found: int, version: int, migrations: Mapping[int, Migration], stamp: str
) -> str:
    """Migrate a copy and swap it in, so that a failing migration leaves the original."""
    fresh = state.root.with_name(f".fairway.migrating-{stamp}")
    try:
        shutil.copytree(state.root, fresh, symlinks=True)
        for step in range(found, version):
            migrations[step](fresh)
        write_private(fresh / "VERSION", f"{version}\n".encode(), durable=True)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    backup = _free_backup(state, found, stamp)
    state.root.rename(backup)
    fresh.rename(state.root)
    return f"state migrated from version {found} to {version}; the old one is kept in {backup}"


def _back_up(state: StateDir, found: int | None, version: int, stamp: str) -> str:
    backup = _free_backup(state, found, stamp)
    state.root.rename(backup)
    what = "of an unknown version" if found is None else f"of version {found}"
    return f"state {what} (this Fairway reads version {version}) was moved to {backup}"


def _free_backup(state: StateDir, found: int | None, stamp: str) -> Path:
    label = "unknown" if found is None else f"v{found}"
    name = f".fairway.backup-{label}-{stamp}"
    candidates = [name, *(f"{name}-{n}" for n in range(1, 1000))]
    return next(p for c in candidates if not (p := state.root.with_name(c)).exists())


def private_dir(path: Path) -> Path:
    """Make `path` a folder (with its parents) that only this user can read; returns it."""
    if not path.parent.is_dir():
        private_dir(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)
    if stat.S_IMODE(path.stat().st_mode) != 0o700:
        path.chmod(0o700)
    return path


def private_file(path: Path) -> None:
    """Have an empty 0600 file for a program to append to, or make the one that is there 0600."""
    if not path.parent.is_dir():
        private_dir(path.parent)
    os.close(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600))
    path.chmod(0o600)


def write_private(path: Path, data: bytes, *, durable: bool = False) -> None:
    """Replace `path` atomically by a 0600 file holding `data`; the folder is created if absent.

    `durable` also survives a power cut: for what could not be made again, such as secrets.
    """
    if not path.parent.is_dir():
        private_dir(path.parent)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def open_sockets(state: StateDir) -> Path:
    """Create the folder for sockets; Refused when someone else prepared that name for us."""
    path = state.sockets
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        _check_ours(path)
    return path


def _check_ours(path: Path) -> None:
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise Refused(
            "foreign-socket-folder",
            "this folder for sockets belongs to someone else",
            where=str(path),
            remedy="remove it, or set TMPDIR to a folder of your own",
        )
    path.chmod(0o700)


def remove_sockets(state: StateDir) -> None:
    """Remove the folder for sockets with what is in it; nothing happens when it is absent."""
    if state.sockets.exists():
        _check_ours(state.sockets)
        shutil.rmtree(state.sockets)
