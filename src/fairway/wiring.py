"""Joins the parts: the only place that names concrete targets.

The command line asks for a control plane, for records while none runs, and for the clearing of
what a dead one left; which classes answer is decided here and nowhere else.
"""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from fairway.control.plane import LocalControlPlane
from fairway.control.records import LocalRecords
from fairway.errors import Unavailable
from fairway.model.views import environment_view
from fairway.plan.observed import WORKING_TREE
from fairway.targets.local.blueprint import Blueprint, port_plan
from fairway.targets.local.desired import DesiredFile
from fairway.targets.local.layout import StateDir, open_state, remove_sockets
from fairway.targets.local.ledger import Ledger
from fairway.targets.local.lock import Holder, hold
from fairway.targets.local.mesh.view import GATEWAY
from fairway.targets.local.ports import Ports
from fairway.targets.local.processes import Processes
from fairway.targets.local.system import end_all, known_secrets
from fairway.workspace import Workspace


def local_control(
    workspace: Workspace, environment: str, *, watch: bool = False
) -> LocalControlPlane:
    """The control plane of an app on this machine; nothing happens before its `start`.

    With `watch` it forgets what was deployed and goes back to the working tree.
    """
    return LocalControlPlane(_blueprint(workspace, environment), watch=watch)


def open_records(workspace: Workspace, environment: str) -> LocalRecords:
    """What the app has stored, for when no control plane runs; the app's policies are settled."""
    blueprint = _blueprint(workspace, environment)
    records = LocalRecords(blueprint.app, blueprint.state)
    records.settle_policies()
    return records


async def clear_local(state: StateDir) -> tuple[str, ...]:
    """End what a dead control plane left, and name it; works with a broken app file too."""
    if not state.home.exists():
        return ()
    with hold(state.lock, Holder(os.getpid(), time.time(), "fairway down")):
        cleared = await end_all(Processes(Ledger(state.ledger), state.instance))
        remove_sockets(state)
        state.control.unlink(missing_ok=True)
    return cleared


def replica_environment(workspace: Workspace, environment: str, service: str) -> dict[str, str]:
    """The variables that a replica of a service gets, without PORT, for `fairway run`.

    They are those of the version that gets most requests, or of the working tree before any.
    """
    blueprint = _blueprint(workspace, environment)
    state = blueprint.state
    desired = DesiredFile(state.desired).read() or blueprint.as_desired()
    version = desired.main(service) or blueprint.as_desired().main(service)
    assert version is not None, "the command line has looked the service up in the app file"
    ports = Ports(state.ports, state.instance, blueprint.declared_ports)
    released = {(service, version.name)} - {(service, WORKING_TREE)}
    blueprint = blueprint.of(desired, {service})
    plan = port_plan(blueprint, ports, {*blueprint.app.services, GATEWAY}, released)
    spec = blueprint.spec(service, version, plan, known_secrets(blueprint))
    variables = spec.environment(0, None)
    return {**variables.inherited, **variables.own}


def _blueprint(workspace: Workspace, environment: str) -> Blueprint:
    app = environment_view(workspace.loaded.app, environment)
    target = app.environments[environment].target
    if target != "local":
        raise Unavailable(
            "target-not-here",
            f"the environment '{environment}' has the target {target}, which this version of "
            "Fairway cannot run yet",
            where=f"environments.{environment}.target",
            remedy="use an environment with target: local",
        )
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    opened = open_state(workspace.folder, environment, stamp=stamp)
    venv = Path(sys.prefix) if sys.prefix != sys.base_prefix else None
    return Blueprint(app, opened.state, workspace.variables, venv)
