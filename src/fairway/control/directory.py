"""Which environments a control plane serves, and how to reach what each of them keeps.

The API asks it on every request. A control plane on loopback serves exactly one environment
(`OneEnvironment`), `fairway server` as many as were deployed to. Guarantee asked of an
implementation: methods may be called concurrently, and raise only `FairwayError`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from fairway.control.port import Records
from fairway.delivery.port import Delivery, Json
from fairway.errors import NotFound, Unavailable
from fairway.model.names import did_you_mean


@dataclass(frozen=True, slots=True)
class EnvironmentSummary:
    """One environment that is served; `target` is where it runs: `local`, `memory`."""

    app: str
    name: str
    target: str


class Artifacts(Protocol):
    """What releases are made of, as packed files (tar.gz), by the digest of what is in them."""

    async def has(self, digest: str) -> bool:
        """Whether it is kept already, so that nobody sends it twice."""
        ...

    async def keep(self, digest: str, chunks: AsyncIterator[bytes]) -> None:
        """Keep it, all or nothing; InvalidInput when the content has another digest."""
        ...


class Directory(Protocol):
    """The environments that are served."""

    async def environments(self) -> tuple[EnvironmentSummary, ...]:
        """All of them, by app and name."""
        ...

    async def delivery(self, app: str, environment: str) -> Delivery:
        """The delivery of one; NotFound for an unknown one."""
        ...

    async def opened(self, app: str, environment: str, declared: Json | None) -> Delivery:
        """Likewise, created on the way when `declared` (the `App` as JSON) declares it.

        Whoever may deploy may ask for it. InvalidInput when `declared` is another app.
        """
        ...

    async def records(self, app: str, environment: str) -> Records:
        """Its policies, audit and secrets."""
        ...

    async def artifacts(self, app: str, environment: str) -> Artifacts:
        """Its artifacts."""
        ...


class OneEnvironment:
    """The directory of a control plane that serves one environment."""

    def __init__(
        self,
        summary: EnvironmentSummary,
        delivery: Delivery,
        records: Records,
        artifacts: Artifacts | None = None,
    ) -> None:
        self._summary = summary
        self._delivery = delivery
        self._records = records
        self._artifacts = artifacts

    async def environments(self) -> tuple[EnvironmentSummary, ...]:
        """The one."""
        return (self._summary,)

    async def delivery(self, app: str, environment: str) -> Delivery:
        """Its delivery; NotFound for any other."""
        self._check(app, environment)
        return self._delivery

    async def opened(self, app: str, environment: str, declared: Json | None) -> Delivery:  # noqa: ARG002 - the port's shape
        """Its delivery: this control plane opens no other."""
        return await self.delivery(app, environment)

    async def records(self, app: str, environment: str) -> Records:
        """Its records."""
        self._check(app, environment)
        return self._records

    async def artifacts(self, app: str, environment: str) -> Artifacts:
        """Its artifacts; Unavailable where they are made on the spot instead of sent."""
        self._check(app, environment)
        if self._artifacts is None:
            raise Unavailable(
                "artifacts-not-taken",
                f"'{environment}' takes no artifacts: they are made where it runs",
                remedy="deploy from the folder of the app",
            )
        return self._artifacts

    def _check(self, app: str, environment: str) -> None:
        if (app, environment) != (self._summary.app, self._summary.name):
            raise no_such_environment(app, environment, (self._summary,))


def no_such_environment(
    app: str, environment: str, known: tuple[EnvironmentSummary, ...]
) -> NotFound:
    """The error for an environment that is not served, with the nearest one that is."""
    names = [f"{one.app}/{one.name}" for one in known]
    return NotFound(
        "no-such-environment",
        f"no environment '{environment}' of an app '{app}' is served here",
        remedy=did_you_mean(
            f"{app}/{environment}",
            names,
            f"a deployer makes it known with: fairway plan {environment}",
        ),
    )
