"""Who would be let through: decisions that are tried out and neither logged nor carried out. Pure.

`LocalRecords` and `SharedRecords` answer with it. Decisions come from the same engine, with the
same bundle, as in a service; only the audit log hears nothing of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from fairway.control.policy_checks import check_sound
from fairway.control.policy_findings import CallerAnswer, ChangedDecision, PolicyNames, Simulation
from fairway.errors import InvalidInput, NotFound
from fairway.governance.bundle import build_bundle, declared_calls, public_calls
from fairway.governance.testing import ordinary_context
from fairway.model.app import App
from fairway.model.names import did_you_mean
from fairway_runtime.policy.bundle import PUBLIC
from fairway_runtime.policy.engine import CONTEXT, PolicyEngine, Principal

_TYPES = {str: "text", bool: "yes or no", int: "number"}
_OF_THE_CALL = frozenset({"method", "path", "signed", "source"})
"""Keys that follow from the call, and are no choice of whoever tries it out."""


class Trial:
    """An app with the policies that it is tried with; `version` is 0 for a text not stored."""

    def __init__(self, app: App, environment: str, version: int, text: str) -> None:
        """Raises InvalidAppFile when the text is not valid."""
        check_sound(app, text)
        self._app = app
        self._environment = environment
        self._version = version
        bundle = build_bundle(app, environment, version, text)
        self._engine = PolicyEngine.from_bundle(bundle, new_id=lambda: "trial")
        self._calls = frozenset(chain(declared_calls(app), public_calls(app)))

    def who_may(self, service: str, intent: str, context: Mapping[str, Any]) -> Simulation:
        """The answer to every principal; NotFound for an unknown service or intent."""
        _check_names(self._app, service, intent)
        _check_context(context)
        answers = tuple(
            self._answer(principal, service, intent, context) for principal in _everyone(self._app)
        )
        return Simulation(service, intent, self._version, dict(context), answers)

    def compared_with(self, other: Trial) -> tuple[ChangedDecision, ...]:
        """Every declared call that is decided otherwise here, in an ordinary context."""
        found = []
        for kind, name, service, intent in sorted(self._calls):
            asked = (Principal(kind, name), service, intent)  # type: ignore[arg-type]
            ours, theirs = self._answer(*asked, {}), other._answer(*asked, {})
            if ours.allowed != theirs.allowed:
                found.append(
                    ChangedDecision(kind, name, service, intent, ours.allowed, ours.reason)
                )
        return tuple(found)

    def _answer(
        self, principal: Principal, service: str, intent: str, context: Mapping[str, Any]
    ) -> CallerAnswer:
        usual = ordinary_context(self._app, self._environment, principal.kind, service, intent)
        decision = self._engine.decide(principal, service, intent, {**usual, **context})
        reads = self._engine.context_keys(principal, service, intent)
        return CallerAnswer(
            principal.kind,
            principal.name,
            (*principal, service, intent) in self._calls,
            decision.allowed,
            decision.reason,
            tuple(decision.policies),
            tuple(sorted(reads)),
        )


def names_of(app: App, environment: str) -> PolicyNames:
    """What policies of an app can be about."""
    services = {name: tuple(sorted(each.intents)) for name, each in sorted(app.services.items())}
    keys = {key: _TYPES[kind] for key, kind in CONTEXT.items() if key not in _OF_THE_CALL}
    usual = {"environment": environment, "release": "test", "cohort": "", "hour": 12, "weekday": 3}
    return PolicyNames(services, tuple(sorted(app.clients)), keys, usual)


def _everyone(app: App) -> Iterator[Principal]:
    yield from (Principal("Service", name) for name in sorted(app.services))
    yield from (Principal("Client", name) for name in sorted(app.clients))
    yield Principal("Gateway", PUBLIC)


def _check_names(app: App, service: str, intent: str) -> None:
    if service not in app.services:
        remedy = did_you_mean(service, app.services, "see the app file")
        raise NotFound("unknown-service", f"there is no service '{service}'", remedy=remedy)
    intents = app.services[service].intents
    if intent not in intents:
        remedy = did_you_mean(intent, intents, "see the app file")
        raise NotFound("unknown-intent", f"{service} has no intent '{intent}'", remedy=remedy)


def _check_context(context: Mapping[str, Any]) -> None:
    for key, value in context.items():
        if key not in CONTEXT:
            remedy = did_you_mean(key, CONTEXT, f"the context has: {', '.join(CONTEXT)}")
            raise InvalidInput("unknown-context-key", f"there is no key '{key}'", remedy=remedy)
        if type(value) is not CONTEXT[key]:
            raise InvalidInput(
                "invalid-context", f"{key} is no {_TYPES[CONTEXT[key]]}: {value!r}", where=key
            )
