"""The journal of the engine: DBOS, confined to this module, with its version pinned.

DBOS runs each deployment as a workflow of its own thread and records the outcome of every step in
`engine.db` (SQLite) or in a schema of PostgreSQL. It gives one instance to a process, starts
nothing but its own threads, and talks to nobody: no Conductor, no telemetry. What is ours:

- the application version: it changes only when the journal's format does, so that a deployment that
  waits survives an upgrade of Fairway
- executor ids, which DBOS takes on trust: each engine has a new one, and whoever knows that another
  is dead calls `recover`. That hands a workflow to exactly one live executor: it is put back into
  a queue on the condition that the dead executor still owns it, by one UPDATE. DBOS itself does so
  only with its Conductor, or for an executor with the same id, which may well be alive.
- everything recorded is JSON; nothing is ever unpickled
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from pathlib import Path

from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetWorkflowID
from dbos import error as dbos_errors

from fairway.delivery.engine.loop import Journal
from fairway.delivery.engine.perform import LeaseLost
from fairway.errors import Conflict, Unavailable

FORMAT = "fairway-1"
"""The application version. A new one orphans what waits, so change it only with a migration."""
SCHEMA = "fairway_engine"
_QUEUE = "resumed"
_WORKFLOW = "deliver"
POLL = 0.25
"""Seconds until a deployment that was put back is taken up, about."""
Run = Callable[[str, Journal], str]
KEPT_SECONDS = 30 * 86_400.0
"""For how long the journal of a deployment that is over is kept: nothing needs it any more."""
_AT_ONCE = 100
"""So many old journals go with each new deployment, which is more than are added."""
_lock = threading.Lock()


class StepJournal:
    """The steps of the workflow that this thread runs."""

    def skip(self, steps: int) -> None:
        """Go on behind so many steps."""
        for _ in range(steps):
            DBOS.reserve_step()

    def once(self, name: str, act: Callable[[], str]) -> str:
        """The outcome of the next step, recorded before anyone sees it."""
        try:
            return DBOS.run_step({"name": name}, act)
        except dbos_errors.DBOSWorkflowConflictIDError as error:
            # Otherwise DBOS would hold this thread until the new owner has finished.
            raise LeaseLost from error


class Durable:
    """DBOS in this process. `run` is called in a thread for each deployment, until it returns."""

    def __init__(
        self, database: str | Path, executor: str, run: Run, *, poll: float = POLL
    ) -> None:
        self._database = database
        self._poll = poll
        self._executor = executor
        self._run = run
        self._active: set[str] = set()
        self._idle_here: set[str] = set()
        self._open = False

    def start(self) -> None:
        """Open the journal; Conflict when this process has another one open, Unavailable."""
        if not _lock.acquire(blocking=False):
            raise Conflict(
                "second-engine",
                "this process runs a delivery engine already",
                remedy="give that one several environments",
            )
        self._open = True
        try:
            self._launch()
        except Exception as error:  # whatever its drivers raise: it wraps nothing
            self.stop()
            raise _unusable(self._where, error) from error

    def _launch(self) -> None:
        _quiet()
        if isinstance(self._database, Path):
            self._database.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._database.touch(mode=0o600)
        self._dbos = DBOS(config=self._config())
        self._workflow = _workflow(self._deliver)
        DBOS.launch()
        DBOS.register_queue(_QUEUE, polling_interval_sec=self._poll, on_conflict="always_update")

    def submit(self, deployment: str) -> None:
        """Begin a deployment, unless some engine has begun it before."""
        self.forget(time.time() - KEPT_SECONDS)  # by the clock that DBOS writes down
        with SetWorkflowID(deployment):
            DBOS.start_workflow(self._workflow, deployment)

    def recover(self, deployment: str, dead: Callable[[str], bool]) -> None:
        """Go on with a deployment whose executor is dead; nothing happens when it is alive."""
        status = DBOS.get_workflow_status(deployment)
        if status is None:
            self.submit(deployment)
        elif status.status == "PENDING" and self._abandoned(deployment, status.executor_id, dead):
            owners = [status.executor_id or ""]
            # Private, but the only call that is safe while the owner may be coming back.
            self._dbos._sys_db.reenqueue_for_recovery(deployment, owners, _QUEUE)

    def forget(self, before: float) -> None:
        """Remove journals of deployments that were over before then, in Unix seconds."""
        old = DBOS.list_workflows(
            status=["SUCCESS", "ERROR", "CANCELLED"],
            completed_before=datetime.fromtimestamp(before, UTC).isoformat(),
            limit=_AT_ONCE,
            load_input=False,
            load_output=False,
        )
        if old:
            DBOS.delete_workflows([each.workflow_id for each in old])

    def stop(self) -> None:
        """Close the journal. Deployments under way stay as they are, for the next engine.

        Again changes nothing: the lock may be another engine's by then.
        """
        if not self._open:
            return
        self._open = False
        DBOS.destroy(destroy_registry=True)
        _lock.release()

    @property
    def active(self) -> Collection[str]:
        """The deployments that run in this process."""
        return frozenset(self._active)

    @property
    def _where(self) -> str:
        """For people: a URL may hold a password."""
        return str(self._database) if isinstance(self._database, Path) else "PostgreSQL"

    def _abandoned(self, deployment: str, owner: str | None, dead: Callable[[str], bool]) -> bool:
        """Of what this executor owns, only what it does not run at two looks in a row.

        It owns a workflow some moments before it runs it.
        """
        if owner != self._executor:
            return owner is not None and dead(owner)
        if deployment in self._active:
            self._idle_here.discard(deployment)
            return False
        seen_before = deployment in self._idle_here
        self._idle_here.add(deployment)
        return seen_before

    def _deliver(self, deployment: str) -> str:
        self._active.add(deployment)
        try:
            return self._run(deployment, StepJournal())
        finally:
            self._active.discard(deployment)

    def _config(self) -> DBOSConfig:
        database = self._database
        return {
            "name": "fairway",
            "system_database_url": f"sqlite:///{database}"
            if isinstance(database, Path)
            else database,
            "dbos_system_schema": SCHEMA,
            "application_version": FORMAT,
            "executor_id": self._executor,
            "serializer": DBOSPortableJSONSerializer(),
            "use_listen_notify": False,
            "notification_listener_polling_interval_sec": self._poll,
            "log_level": "ERROR",
            "enable_otlp": False,
        }


def _unusable(where: str, error: Exception) -> Unavailable:
    return Unavailable(
        "journal",
        f"the delivery's journal cannot be opened: {type(error).__name__}",
        where=where,
        remedy="check that the database runs and lets this user in, and its disk; then try again",
    )


def _workflow(deliver: Callable[[str], str]) -> Callable[[str], str]:
    """A function that DBOS knows by its name, in this process and in the next."""

    @DBOS.workflow(name=_WORKFLOW, max_recovery_attempts=None)
    def run(deployment: str) -> str:
        return deliver(deployment)

    return run


def _quiet() -> None:
    """Its log goes where ours goes, from errors on; without a handler it would print."""
    log = logging.getLogger("dbos")
    log.addHandler(logging.NullHandler())
    log.propagate = True
