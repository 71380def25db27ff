"""The environment variables of a replica. Pure.

`system.py` calls this for every start, `fairway run` for a command of the user's. A replica gets
two groups: its own variables, by which a running process is recognised as still fitting, and
inherited ones, which may change without a restart: the user's shell and the values of secrets.
No service sees a secret that it does not declare, even when the user's shell holds it.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from fairway.model.services import Service
from fairway.targets.local.layout import StateDir
from fairway.targets.local.naming import replica_label, version_label
from fairway.targets.local.ports import LOOPBACK

_ANY_CALLEE = "FAIRWAY_EGRESS_URL"


@dataclass(frozen=True, slots=True)
class Variables:
    """What a process gets. `own` counts for recognising it, `inherited` does not."""

    own: Mapping[str, str]
    inherited: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ReplicaContext:
    """What the variables of a service's replicas are made of.

    `egress` maps a callee to the port of its own listener in this service's sidecar;
    `egress_port` is the listener for all callees. `secret_versions` are those of its secrets.
    """

    app: str
    environment: str
    name: str
    service: Service
    state: StateDir
    release: str
    egress: Mapping[str, int]
    egress_port: int | None = None
    otlp: str | None = None
    secret_versions: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Shell:
    """The user's side: the variables that Fairway was started with, and where programs are.

    `hidden` are the secrets of all services; `venv` is the virtual environment that Fairway runs
    in, if it does.
    """

    variables: Mapping[str, str]
    hidden: Collection[str]
    venv: Path | None


def own_variables(context: ReplicaContext, index: int, port: int | None) -> dict[str, str]:
    """The variables that Fairway gives a replica, with the declared `env` over the general ones."""
    return {
        **_identity(context, index),
        **_telemetry(context, index),
        **_files(context),
        **_callees(context),
        **context.service.env,
        **({"PORT": str(port), "HOST": LOOPBACK} if port is not None else {}),
    }


def inherited_variables(
    shell: Shell, secrets: Mapping[str, str], app_dir: Path, folder: Path
) -> dict[str, str]:
    """The user's variables without other services' secrets, this service's, and where to look."""
    passed = {
        name: value
        for name, value in shell.variables.items()
        if name not in shell.hidden and not name.startswith("FAIRWAY_")
    }
    path = search_path(passed.get("PATH", os.defpath), app_dir, folder, shell.venv)
    return {"PYTHONUNBUFFERED": "1", **passed, **secrets, "PATH": path}


def search_path(path: str, app_dir: Path, folder: Path, venv: Path | None) -> str:
    """Where a service's program is searched: its own `.venv`, then as the user's shell would.

    The virtual environment that Fairway runs in comes before the shell's path when it lies in a
    folder around the app, because then it was made for the app; else last, as a fallback.
    """
    own = [str(folder / ".venv" / "bin"), str(folder / "node_modules" / ".bin")]
    if venv is None:
        parts = [*own, path]
    elif app_dir.is_relative_to(venv.parent):
        parts = [*own, str(venv / "bin"), path]
    else:
        parts = [*own, path, str(venv / "bin")]
    return os.pathsep.join(parts)


def url_variable(callee: str) -> str:
    """The variable that holds a callee's URL: `AXON_URL`."""
    return f"{callee.upper().replace('-', '_')}_URL"


def _identity(context: ReplicaContext, index: int) -> dict[str, str]:
    return {
        "FAIRWAY_APP": context.app,
        "FAIRWAY_ENVIRONMENT": context.environment,
        "FAIRWAY_SERVICE": context.name,
        "FAIRWAY_RELEASE": context.release,
        "FAIRWAY_REPLICA": str(index),
    }


def _telemetry(context: ReplicaContext, index: int) -> dict[str, str]:
    """What every SDK of OpenTelemetry reads. The instance is called as its log file is."""
    attributes = {
        "service.namespace": context.app,
        "service.version": context.release,
        "service.instance.id": replica_label(context.name, context.release, index),
        "deployment.environment.name": context.environment,
    }
    variables = {
        "OTEL_SERVICE_NAME": context.name,
        "OTEL_RESOURCE_ATTRIBUTES": ",".join(f"{k}={v}" for k, v in attributes.items()),
    }
    if context.otlp is not None:
        variables["OTEL_EXPORTER_OTLP_ENDPOINT"] = context.otlp
        variables["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf"
    return variables


def _files(context: ReplicaContext) -> dict[str, str]:
    """Where the library finds what changes while it runs; other programs may read it too."""
    state, name, service = context.state, context.name, context.service
    files = {"FAIRWAY_FLAGS_FILE": str(state.flags)}
    if service.library:
        files["FAIRWAY_IDENTITY_DIR"] = str(state.identity(name))
        files["FAIRWAY_POLICY_FILE"] = str(state.policy_bundle)
        files["FAIRWAY_AUDIT_DIR"] = str(state.audit)
    if service.secrets:
        files["FAIRWAY_SECRETS_DIR"] = str(state.secrets(name))
        if not service.library:  # it reads its secrets once: other versions need a restart
            versions = sorted((context.secret_versions or {}).items())
            files["FAIRWAY_SECRET_VERSIONS"] = ",".join(f"{n}={v}" for n, v in versions)
    if service.config:
        files["FAIRWAY_CONFIG_FILE"] = str(state.config(version_label(name, context.release)))
    return files


def _callees(context: ReplicaContext) -> dict[str, str]:
    urls = {
        url_variable(callee): f"http://{LOOPBACK}:{port}" for callee, port in context.egress.items()
    }
    if context.egress_port is not None:
        urls[_ANY_CALLEE] = f"http://{LOOPBACK}:{context.egress_port}"
    return urls
