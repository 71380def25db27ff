"""The Cedar schema of an app: which principals, actions, resources and context keys exist.

Generated, never written by hand; validation checks policies against it. Pure. Services, clients and
intents are enumerated, so a policy about one that the app file does not declare is an error, not a
policy that silently never applies.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from fairway.model.app import App
from fairway_runtime.policy.bundle import PUBLIC
from fairway_runtime.policy.engine import CONTEXT

_CEDAR_TYPES = {str: "String", bool: "Bool", int: "Long"}


def cedar_schema(app: App) -> str:
    """The schema in Cedar's own syntax. Every context key is always there (see the how-to page)."""
    return "\n".join([*_entities(app), "", *_actions(app)])


def intent_names(app: App) -> tuple[str, ...]:
    """Every intent that some service declares, sorted; two services may share a name."""
    return tuple(sorted({name for each in app.services.values() for name in each.intents}))


def entity_names(app: App) -> dict[str, tuple[str, ...]]:
    """The names that exist of each entity type, actions included."""
    return {
        "Service": tuple(sorted(app.services)),
        "Client": tuple(sorted(app.clients)),
        "Gateway": (PUBLIC,),
        "Action": intent_names(app),
    }


def _entities(app: App) -> Iterable[str]:
    for kind, names in entity_names(app).items():
        if kind == "Action":
            continue
        yield f"entity {kind} enum [{_quoted(names)}];" if names else f"entity {kind};"


def _actions(app: App) -> Iterable[str]:
    names = intent_names(app)
    if not names:
        return
    yield f"action {_quoted(names)} appliesTo {{"
    yield "  principal: [Service, Client, Gateway],"
    yield "  resource: [Service],"
    yield "  context: {"
    yield from (f"    {key}: {_CEDAR_TYPES[kind]}," for key, kind in CONTEXT.items())
    yield "  },"
    yield "};"


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(json.dumps(name) for name in names)
