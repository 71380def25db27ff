"""Questions about policies that change nothing: checks, test cases, who would be let through.

The base of `LocalRecords` and `SharedRecords`, which say where an app and its policies are kept.
What takes time is done in a thread, so that the control plane goes on meanwhile.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from fairway.control.policy_checks import problems_of, report_of
from fairway.control.policy_findings import (
    ChangedDecision,
    PolicyNames,
    PolicyProblem,
    PolicyTestReport,
    Simulation,
)
from fairway.control.policy_trials import Trial, names_of
from fairway.governance.cedar_text import Source
from fairway.model.app import App

Deciding = tuple[int, str]
"""A version and its text; version 0 for a text that is not stored."""


class PolicyQuestions(ABC):
    """The part of `Records` that asks about policies."""

    @abstractmethod
    async def _declared(self) -> tuple[App, str]:
        """The app as its environment sees it, and the environment's name."""

    @abstractmethod
    async def _deciding(self) -> Deciding:
        """What decides now; Conflict when nothing does."""

    @abstractmethod
    def _cases(self) -> tuple[Source, ...]:
        """The files with test cases; NotFound where there can be none."""

    async def check_policies(self, policies: str) -> tuple[PolicyProblem, ...]:
        """Everything wrong with a text, and what is probably not meant; nothing is stored."""
        app, _ = await self._declared()
        return await asyncio.to_thread(problems_of, app, policies)

    async def test_policies(self, policies: str | None = None) -> PolicyTestReport:
        """How the app's test cases go by a text, or by what decides now."""
        app, environment = await self._declared()
        cases = await asyncio.to_thread(self._cases)
        _, text = await self._chosen(policies)
        return await asyncio.to_thread(report_of, app, environment, text, cases)

    async def policy_names(self) -> PolicyNames:
        """What policies can be about: services with their intents, clients, the context."""
        return names_of(*await self._declared())

    async def simulate(
        self,
        service: str,
        intent: str,
        context: Mapping[str, Any] | None = None,
        policies: str | None = None,
    ) -> Simulation:
        """Who may ask for it, by a text or by what decides now. Not in the audit log."""
        app, environment = await self._declared()
        chosen = await self._chosen(policies)
        return await asyncio.to_thread(
            lambda: Trial(app, environment, *chosen).who_may(service, intent, context or {})
        )

    async def policy_effect(self, policies: str) -> tuple[ChangedDecision, ...]:
        """The declared calls that a text decides otherwise than what decides now."""
        place = await self._declared()
        now = await self._deciding()
        return await asyncio.to_thread(
            lambda: Trial(*place, 0, policies).compared_with(Trial(*place, *now))
        )

    async def _chosen(self, policies: str | None) -> Deciding:
        return await self._deciding() if policies is None else (0, policies)
