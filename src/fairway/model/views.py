"""The app as one environment sees it: its overrides merged over the services, its flags in force.

Called by everything that acts on an environment. Pure, and the result is frozen like its source.
"""

from __future__ import annotations

from typing import Any

from fairway.errors import NotFound
from fairway.model.app import App
from fairway.model.names import did_you_mean
from fairway.model.services import Service, expand_intent

_DECLARE = "declare it under environments, or choose one with --env"


def environment_view(app: App, environment: str) -> App:
    """`app` with the overrides of `environment`; raises NotFound for an undeclared one.

    Mappings merge key by key, lists and single values replace, as they do in `extends`.
    """
    if environment not in app.environments:
        raise NotFound(
            "unknown-environment",
            f"the environment '{environment}' is not declared",
            where="environments",
            remedy=did_you_mean(environment, app.environments, _DECLARE),
        )
    declared = app.environments[environment]
    overrides, flags = declared.overrides, declared.flags
    changed = {
        name: _overridden(service, overrides[name]) if name in overrides else service
        for name, service in app.services.items()
    }
    if not overrides and not flags:
        return app
    return app.model_copy(update={"services": changed, "flags": {**app.flags, **flags}})


def _overridden(service: Service, override: dict[str, Any]) -> Service:
    declared = service.model_dump(mode="json", exclude_unset=True)
    return Service.model_validate(_merged(declared, _written_out(override)))


def _merged(base: Any, over: Any) -> Any:
    if not (isinstance(base, dict) and isinstance(over, dict)):
        return over
    return {**base, **{k: _merged(base[k], v) if k in base else v for k, v in over.items()}}


def _written_out(override: dict[str, Any]) -> dict[str, Any]:
    """An override with the long forms that a validated service has."""
    long = dict(override)
    if isinstance(health := long.get("health"), str):
        long["health"] = {"path": health}
    if isinstance(calls := long.get("calls"), dict):
        long["calls"] = {k: {"intents": v} if isinstance(v, list) else v for k, v in calls.items()}
    if isinstance(intents := long.get("intents"), dict):
        long["intents"] = {name: expand_intent(intent) for name, intent in intents.items()}
    return long
