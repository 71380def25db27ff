"""Terraform on one root module: initialised, planned, applied, asked. Every method can be repeated.

`AwsTarget` has one per region, `bootstrap` one per root. It guarantees:

- one command at a time; credentials travel in variables, never in arguments, texts or errors
- what an earlier process left is taken care of first: one that still runs is waited for, a state
  that it could not save is saved, the lock of a dead one is released, that of anyone else is
  reported with its owner (Conflict)
- an error is a FairwayError that names the service and says what to do
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fairway.errors import Conflict, FairwayError
from fairway.plan.preview import ResourceChange
from fairway.targets.aws.terraform.binary import Binary
from fairway.targets.aws.terraform.diagnoses import error_of, held_lock
from fairway.targets.aws.terraform.environment import child_environment, masked
from fairway.targets.aws.terraform.folder import private_folder, turn
from fairway.targets.aws.terraform.locks import Lock, Run, left_by
from fairway.targets.aws.terraform.messages import Diagnostic, Progress, message_in
from fairway.targets.aws.terraform.planned import drifted, losing_data, resource_changes
from fairway.targets.aws.terraform.process import (
    Ended,
    Started,
    captured,
    followed,
    is_alive,
    keep_run,
    kept_run,
    run_of,
)

Json = Any
_FULL_OUTPUT = ("-input=false", "-no-color")
_LOCK_SECONDS = 20
_ENDING_SECONDS = 150.0
"""Fargate kills a task two minutes after it was told to end."""
_CHANGES = 2
"""Exit code of a plan that would change something."""
_SUPERSEDED = "Failed to write state: cannot "
"""What Terraform says of a state that is older than the one in its place, or not of its line."""
_LOOK_SECONDS = 0.5


def silent(_progress: Progress) -> None:
    """For whoever does not look."""


@dataclass(frozen=True, slots=True)
class Backend:
    """Where the state is: settings of the S3 backend, empty for a local file. No credentials."""

    settings: Mapping[str, str | bool] = field(default_factory=dict)

    @property
    def arguments(self) -> tuple[str, ...]:
        """As arguments of `init`."""
        return tuple(f"-backend-config={key}={_hcl(it)}" for key, it in self.settings.items())


@dataclass(frozen=True, slots=True)
class PlannedChanges:
    """A saved plan. `document` is its JSON (values in clear: never show it), empty without changes.

    `something` tells whether applying it does anything, be it only to outputs.
    """

    file: Path
    something: bool
    changes: tuple[ResourceChange, ...] = ()
    document: Json = field(default_factory=dict, repr=False)

    @property
    def losing_data(self) -> tuple[ResourceChange, ...]:
        """Deletions and replacements of what holds data."""
        return losing_data(self.changes)


@dataclass(frozen=True, slots=True)
class Place:
    """Where and with what Terraform runs. `folder` holds a root module; `cache` keeps providers.

    `modules` is the folder of the modules that it calls, in which others are called.
    """

    binary: Binary
    folder: Path
    variables: Mapping[str, str]
    cache: Path
    modules: Path | None = None
    lock_seconds: int = _LOCK_SECONDS
    ending_seconds: float = _ENDING_SECONDS


def nobody(_lock: Lock) -> bool:
    """For where no other machine ever works."""
    return False


class Terraform:
    """One root module. `of_before` knows the locks of control planes that worked here before.

    Such a one has lost the environment to this one. It may be gone with its machine, and its lock
    stays; or it is ending, and gets the time for it.
    """

    def __init__(
        self,
        place: Place,
        progress: Callable[[Progress], None] = silent,
        of_before: Callable[[Lock], bool] = nobody,
    ) -> None:
        self._place = place
        self._progress = progress
        self._of_before = of_before
        self._environment = child_environment(place.variables, place.cache)
        self._own = place.folder / ".fairway"
        self._one = asyncio.Lock()

    async def init(self, backend: Backend | None = None) -> None:
        """Have providers, modules and backend ready; nothing is done when they are."""
        backend = backend or Backend()
        async with self._one:
            stamp, wanted = self._own / "initialised", self._fingerprint(backend)
            if stamp.is_file() and stamp.read_text() == wanted:
                return
            stamp.unlink(missing_ok=True)  # a failed one leaves half of it behind
            async with turn(private_folder(self._place.cache) / ".lock"):
                await self._checked("init", "-reconfigure", *backend.arguments)
            stamp.write_text(wanted)

    async def adopt(self, state: Path) -> None:
        """Have the backend hold the state that is in a file; again is fine."""
        async with self._one:
            await self._told("state", "push", *self._lock_arguments(), str(state))

    async def plan(self, *, destroy: bool = False, lock: bool = True) -> PlannedChanges:
        """What would change, saved so that exactly this is applied; `lock=False` only looks."""
        async with self._one:
            file = self._own / ("next.tfplan" if lock else "look.tfplan")
            mode = ("-destroy",) if destroy else ()
            return await self._planned(file, *mode, lock=lock)

    async def refresh_only(self) -> PlannedChanges:
        """What was changed behind Terraform's back: its `changes` are those. Changes nothing."""
        async with self._one:
            found = await self._planned(self._own / "drift.tfplan", "-refresh-only", lock=False)
            return PlannedChanges(
                found.file, found.something, drifted(found.document), found.document
            )

    async def apply(self, planned: PlannedChanges) -> None:
        """Do what was planned. Conflict when the state has moved since."""
        if not planned.something:
            return
        async with self._one:
            await self._checked("apply", *self._lock_arguments(), str(planned.file))
            planned.file.unlink(missing_ok=True)

    async def destroy(self) -> None:
        """Remove everything. What holds data is removed too, unless it is protected."""
        await self.apply(await self.plan(destroy=True))

    async def output(self) -> Mapping[str, Json]:
        """The outputs of the root module by name, sensitive ones too."""
        async with self._one:
            told = await self._told("output", "-json", "-no-color")
        return {name: each["value"] for name, each in json.loads(told).items()}

    async def document(self, planned: PlannedChanges) -> Json:
        """The JSON of a saved plan, also of one that changes nothing."""
        if planned.document:
            return planned.document
        async with self._one:
            return await self._shown(planned.file)

    async def unlock(self, lock: Lock) -> None:
        """Release a lock whose holder is known to be dead."""
        await self._told("force-unlock", "-force", lock.id)

    # How

    async def _planned(self, file: Path, *mode: str, lock: bool) -> PlannedChanges:
        held = self._lock_arguments() if lock else ("-lock=false",)
        arguments = (*mode, *held, "-detailed-exitcode", f"-out={file}")
        ended = await self._checked("plan", *arguments)
        if ended.code != _CHANGES:  # reading the plan takes two seconds: nothing is in it
            return PlannedChanges(file, something=False)
        document = await self._shown(file)
        return PlannedChanges(file, True, resource_changes(document), document)

    async def _shown(self, file: Path) -> Json:
        return json.loads(await self._told("show", "-json", "-no-color", str(file)))

    async def _checked(self, *arguments: str) -> Ended:
        """Run a command to its end, once more when a dead process of ours was in its way."""
        await self._take_over()
        ended, diagnostics = await self._run(*arguments)
        lock = held_lock(diagnostics)
        if lock is not None and await self._is_left(lock):
            with contextlib.suppress(FairwayError):  # it may be free by now, or somebody else's
                await self.unlock(lock)
            ended, diagnostics = await self._run(*arguments)
        if ended.code not in (0, _CHANGES):
            self._explain(error_of(diagnostics, ended.errors, arguments[0]))
        self._lost.unlink(missing_ok=True)
        return ended

    async def _run(self, *arguments: str) -> tuple[Ended, Sequence[Diagnostic]]:
        private_folder(self._own)
        diagnostics: list[Diagnostic] = []

        def hear(line: str) -> None:
            match message_in(line):
                case Progress() as progress:
                    self._progress(progress)
                case Diagnostic() as diagnostic:
                    diagnostics.append(diagnostic)
                case None:
                    pass

        name, *rest = arguments
        ended = await followed(
            self._started(name, "-json", *_FULL_OUTPUT, *rest),
            self._own / f"{name}.jsonl",
            hear,
            lambda pid: keep_run(self._running, run_of(pid, name)),
        )
        self._running.unlink(missing_ok=True)
        return ended, diagnostics

    async def _told(self, *arguments: str, given: bytes | None = None) -> str:
        """What a short command prints."""
        ended = await captured(self._started(*arguments), given)
        if ended.code:
            self._explain(error_of((), ended.errors, arguments[0]))
        return ended.output

    def _started(self, *arguments: str) -> Started:
        command = (*self._place.binary.command, *arguments)
        return Started(command, self._place.folder, self._environment)

    def _lock_arguments(self) -> tuple[str, ...]:
        return (f"-lock-timeout={self._place.lock_seconds}s",)

    def _explain(self, error: FairwayError) -> None:
        """Raise it without any credential in its words."""
        hidden = self._place.variables
        raise type(error)(
            error.code,
            masked(error.message, hidden),
            where=masked(error.where, hidden),
            remedy=error.remedy,
        )

    # What an earlier process left

    @property
    def _running(self) -> Path:
        return self._own / "running.json"

    @property
    def _lost(self) -> Path:
        return self._own / "lost.json"

    async def _take_over(self) -> None:
        """Wait for a process of an earlier control plane; save what it could not."""
        run = kept_run(self._running)
        if run is not None:
            await self._outwait(run)
            keep_run(self._lost, run)
            self._running.unlink(missing_ok=True)
        unsaved = self._place.folder / "errored.tfstate"
        if unsaved.is_file():
            await self._save(unsaved)

    async def _save(self, unsaved: Path) -> None:
        """Put it in its place; aside, once and for all, when a newer state is there by now."""
        try:
            await self._told("state", "push", *self._lock_arguments(), str(unsaved))
        except FairwayError as error:
            if _SUPERSEDED not in error.message:
                raise
            name = f"unsaved-{unsaved.stat().st_mtime_ns}.tfstate"
            raise Conflict(
                "state-superseded",
                "the state of an earlier run could not be saved, and there is a newer one now",
                where=str(unsaved.rename(unsaved.with_name(name))),
                remedy="it may know resources that the newer one does not: look for them with "
                "`terraform state pull`, take them over with `terraform import`, and deploy again",
            ) from None
        unsaved.unlink()

    async def _outwait(self, run: Run) -> None:
        for _ in range(int(self._place.lock_seconds / _LOOK_SECONDS) or 1):
            if not is_alive(run):
                return
            await asyncio.sleep(_LOOK_SECONDS)
        raise Conflict(
            "terraform-still-runs",
            f"a Terraform process of an earlier control plane still runs: {run.pid}",
            where=str(self._place.folder),
            remedy="wait for it: it saves its state when it ends",
        )

    async def _is_left(self, lock: Lock) -> bool:
        """Whether nobody of ours needs it any more, after a pause where somebody still might."""
        lost = kept_run(self._lost)
        if lost is not None and left_by(lock, lost):
            return True
        if not await asyncio.to_thread(self._of_before, lock):
            return False
        await asyncio.sleep(self._place.ending_seconds)
        return True

    def _fingerprint(self, backend: Backend) -> str:
        """Of everything that `init` looks at."""
        found = hashlib.sha256(f"{self._place.binary} {backend.arguments}".encode())
        modules = self._place.modules
        called = modules.rglob("*.tf") if modules is not None else ()
        for file in sorted((*self._place.folder.glob("*.tf"), *called)):
            found.update(file.read_bytes())
        return found.hexdigest()


def _hcl(value: str | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else value
