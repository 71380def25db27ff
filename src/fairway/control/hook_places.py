"""What the delivery gets to know of this machine: versions of secrets, and where hooks run."""

from __future__ import annotations

from fairway.delivery.hooks import Surroundings
from fairway.errors import NotFound
from fairway.model.app import App
from fairway.model.names import did_you_mean
from fairway.targets.local.blueprint import Blueprint
from fairway.targets.local.environment import search_path
from fairway.targets.local.secret_files import SecretStore, available, require
from fairway.targets.local.system import LocalSystem


def secret_versions(blueprint: Blueprint, app: App) -> dict[str, int]:
    """The version of every secret that an app reads; InvalidInput names those without a value."""
    names = {name for service in app.services.values() for name in service.secrets}
    stored = SecretStore(blueprint.state.secret_store).all()
    found = available(names, stored, blueprint.variables)
    require({name: each.secrets for name, each in app.services.items()}, found)
    return {name: secret.version for name, secret in found.items()}


def secret_value(blueprint: Blueprint, name: str) -> str | None:
    """The present value of a secret that listeners are told with; None while it has none."""
    stored = SecretStore(blueprint.state.secret_store).all()
    found = available({name}, stored, blueprint.variables).get(name)
    return None if found is None else found.value


def hook_surroundings(
    system: LocalSystem, blueprint: Blueprint, service: str | None
) -> Surroundings:
    """Where a hook's command runs: in the app's folder, or like a replica of a service.

    A hook of a service gets its variables, secrets among them, which its output may not show.
    """
    if service is None:
        folder = blueprint.state.app_dir
        path = search_path(blueprint.variables.get("PATH", ""), folder, folder, blueprint.venv)
        return Surroundings(folder, {"PATH": path})
    present = blueprint.of(system.desired)
    version = system.desired.main(service)
    if version is None:
        raise NotFound(
            "unknown-service",
            f"a hook names the service '{service}', of which nothing runs here",
            where="hooks",
            remedy=did_you_mean(service, present.app.services, "name one that runs, or none"),
        )
    secrets = present.known_secrets()
    spec = present.spec(service, version, system.ports, secrets)
    variables = spec.environment(0, None)
    return Surroundings(
        spec.cwd,
        {**variables.inherited, **variables.own},
        tuple(secrets[name].value for name in version.service.secrets),
    )
