"""What a shared environment stands on: its target, and what comes with that.

`wiring` chooses by the environment's declaration; `environments.py` asks once for each environment
that it opens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from fairway.control.directory import EnvironmentSummary
from fairway.control.upkeep import DRIFT_INTERVAL
from fairway.delivery.port import Json
from fairway.model.app import App
from fairway.targets.contract import Target


@dataclass(frozen=True, slots=True)
class Opening:
    """An environment that is opened: as it was declared when it came to be.

    `policies` gives the text of a policy set as it decides for an app, the union of those in force;
    NotFound. It blocks.
    """

    summary: EnvironmentSummary
    declared: Json
    policies: Callable[[App, int], str]


class KeptSecret(Protocol):
    """A secret that has a value: how often it was set, and when last, in Unix seconds."""

    @property
    def version(self) -> int:
        """From 1."""
        ...

    @property
    def changed_at(self) -> float:
        """Of this version."""
        ...


class SecretKeeping(Protocol):
    """Where a target keeps secrets. All methods block; none ever tells a value."""

    def all(self, wanted: Sequence[str], /) -> Mapping[str, KeptSecret]:
        """Of these secrets those that have a value."""
        ...

    def versions(self, app: App, /) -> Mapping[str, int]:
        """The versions in force of an app's secrets."""
        ...

    def set(self, app: App | None, name: str, value: str, /) -> KeptSecret:
        """Keep a value, and hand it to the services of the app that read it."""
        ...


@dataclass(frozen=True, slots=True)
class Premises:
    """`has_artifact` is None where artifacts are the server's own.

    `renew` is called now and then with the app in force, for what would expire otherwise. `rotate`
    gives one of its callers, or all services, other keys to sign with, and names them; a `renew`
    after `KNOWN_AFTER` has them used. Both block. `drift_interval` is between two looks for drift,
    in seconds. `doing` says what the target is busy with, empty for nothing worth telling.
    """

    target: Target
    secrets: SecretKeeping | None = None
    has_artifact: Callable[[str], bool] | None = None
    renew: Callable[[App], object] | None = None
    rotate: Callable[[App, str | None], tuple[str, ...]] | None = None
    drift_interval: float = DRIFT_INTERVAL
    doing: Callable[[], str] = str
