"""Joins the parts: the only place that names concrete targets.

The command line asks for a control plane, for records while none runs, and for the clearing of
what a dead one left; which classes answer is decided here and nowhere else.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from fairway.control.plane import LocalControlPlane
from fairway.control.receiving import open_telemetry as stored_telemetry
from fairway.control.records import LocalRecords
from fairway.errors import Unavailable
from fairway.model.views import environment_view
from fairway.plan.observed import WORKING_TREE
from fairway.targets.local.blueprint import Blueprint, port_plan
from fairway.targets.local.desired import DesiredFile
from fairway.targets.local.layout import StateDir, open_state, private_dir, remove_sockets
from fairway.targets.local.ledger import Ledger
from fairway.targets.local.lock import Holder, hold
from fairway.targets.local.ports import Ports
from fairway.targets.local.processes import Processes
from fairway.targets.mesh.view import GATEWAY
from fairway.workspace import Workspace

if TYPE_CHECKING:
    from fairway.control.shared.premises import Opening, Premises
    from fairway.control.shared.server import SharedServer
    from fairway.delivery.notify.sink import SecretOf
    from fairway.governance.tokens import Tokens
    from fairway.model.app import App
    from fairway.storage.database import Database
    from fairway.targets.aws.provisioning import TerraformProvision
    from fairway.telemetry.port import Telemetry

_DRIFT_ON_AWS = 1800.0
"""Between two looks for drift on AWS, in seconds: each reads every resource."""


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
        cleared = await Processes(Ledger(state.ledger), state.instance).end_all()
        remove_sockets(state)
        state.control.unlink(missing_ok=True)
    return cleared


def open_telemetry(state: StateDir) -> Telemetry:
    """The telemetry that was kept of an app on this machine, also while nothing runs."""
    return stored_telemetry(state)


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
    running = {*blueprint.app.services, GATEWAY}
    receiving = _is_received(state)
    plan = port_plan(blueprint, ports, running, released, receiving=receiving)
    if not receiving:  # an SDK would complain about an endpoint where nobody listens
        plan = replace(plan, telemetry=None)
    spec = blueprint.spec(service, version, plan, blueprint.known_secrets())
    variables = spec.environment(0, None)
    return {**variables.inherited, **variables.own}


def _is_received(state: StateDir) -> bool:
    """Whether the receiver of telemetry runs."""
    processes = Processes(Ledger(state.ledger), state.instance)
    records = (record for record in processes.known() if record.kind == "telemetry")
    return any(processes.is_alive(record) for record in records)


def shared_server(place: str, data: Path, secret_of: SecretOf) -> SharedServer:
    """What `fairway server` offers, on the database at `place`; nothing happens before `start`.

    `data` is a folder for what simulated targets remember, and where Terraform works; servers that
    share simulated environments share it too.
    """
    # Late: `fairway up` has no use for it and would wait for its imports.
    from fairway.control.shared.assembly import assembled  # noqa: PLC0415

    return assembled(place, lambda opening: _premises(opening, data), secret_of)


def shared_tokens(place: str) -> tuple[Tokens, Database]:
    """The tokens of a shared control plane, and the database to close when done."""
    from fairway.control.shared.assembly import open_server  # noqa: PLC0415 - as above
    from fairway.governance.tokens import Tokens  # noqa: PLC0415

    database = open_server(place)
    return Tokens(database), database


def _premises(opening: Opening, data: Path) -> Premises:
    """What a shared environment stands on, by its declared target."""
    summary = opening.summary
    private_dir(data)
    match summary.target:
        case "memory":
            return _simulated(data / f"{summary.app}.{summary.name}.json")
        case "aws-ecs":
            return _on_aws(opening, data / "aws" / summary.app / summary.name)
        case _:
            raise Unavailable(
                "target-not-here",
                f"'{summary.name}' of {summary.app} has the target {summary.target}, which "
                "`fairway server` cannot deliver to yet",
                where=f"environments.{summary.name}.target",
                remedy="use target: memory to try it out, target: aws-ecs, or `fairway up` for "
                "target: local",
            )


def _simulated(file: Path) -> Premises:
    from fairway.control.shared.premises import Premises  # noqa: PLC0415 - as above
    from fairway.targets.memory import MemoryTarget  # noqa: PLC0415 - as above

    return Premises(MemoryTarget(time.time, file=file))


def _on_aws(opening: Opening, folder: Path) -> Premises:
    """Images are in the environment's registry: ECS says when one is missing."""
    from fairway.control.shared.premises import Premises  # noqa: PLC0415 - as above
    from fairway.governance.access import compile_access  # noqa: PLC0415 - as above
    from fairway.governance.bundle import build_bundle  # noqa: PLC0415 - as above
    from fairway.targets.aws.assembly import Declared, Ground, on_aws  # noqa: PLC0415 - as above
    from fairway.targets.aws.ports import Rules  # noqa: PLC0415 - as above

    summary = opening.summary

    def governing(app: App, policy_set: int) -> Rules:
        text = opening.policies(app, policy_set)
        return Rules(build_bundle(app, summary.name, policy_set, text), compile_access(app, text))

    declared = Declared.read(summary.app, summary.name, opening.declared)
    ground = Ground(folder, user_cache(os.environ), os.environ, time.time)
    made = on_aws(declared, ground, governing)
    return Premises(
        made.target,
        made.secrets,
        lambda _digest: True,
        made.renew,
        made.rotate,
        drift_interval=_DRIFT_ON_AWS,
        doing=made.doing,
    )


def _blueprint(workspace: Workspace, environment: str) -> Blueprint:
    app = environment_view(workspace.loaded.app, environment)
    target = app.environments[environment].target
    if target != "local":
        raise _runs_elsewhere(environment, target)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    opened = open_state(workspace.folder, environment, stamp=stamp)
    venv = Path(sys.prefix) if sys.prefix != sys.base_prefix else None
    return Blueprint(app, opened.state, workspace.variables, venv)


def _runs_elsewhere(environment: str, target: str) -> Unavailable:
    where = f"environments.{environment}.target"
    if target != "aws-ecs":
        return Unavailable(
            "target-not-here",
            f"the environment '{environment}' has the target {target}, which this version of "
            "Fairway cannot run yet",
            where=where,
            remedy="use an environment with target: local",
        )
    return Unavailable(
        "target-not-here",
        f"the environment '{environment}' runs on AWS, not on this machine; its server delivers it",
        where=where,
        remedy=f"deliver with `fairway deploy {environment}`; look with "
        f"`fairway deployments {environment}`, `fairway history {environment}` or "
        f"`fairway drift {environment}`",
    )


@contextmanager
def estimating(variables: Mapping[str, str]) -> Iterator[TerraformProvision]:
    """Terraform with an empty state of its own, for `fairway cost`: it plans and never applies."""
    from fairway.targets.aws.provisioning import (  # noqa: PLC0415 - as above
        TerraformProvision,
        Workshop,
    )
    from fairway.targets.aws.terraform.binary import find_binary  # noqa: PLC0415 - as above

    with TemporaryDirectory(prefix="fairway-") as folder:
        yield TerraformProvision(
            Workshop(
                binary=find_binary(variables),
                folder=Path(folder),
                cache=user_cache(variables),
                variables=variables,
                backend=None,
                wheels=False,
            )
        )


def user_cache(variables: Mapping[str, str]) -> Path:
    """Where what can be had again is kept (XDG Base Directory Specification)."""
    base = variables.get("XDG_CACHE_HOME") or ""
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "fairway"
