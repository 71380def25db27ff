"""What the local target asks of governance, which it does not know.

The control plane gives `Govern` to `LocalSystem` and `Policies` to `LocalTarget`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fairway.model.app import App
from fairway.targets.mesh.build import Access
from fairway_runtime.policy.bundle import PolicyBundle


@dataclass(frozen=True, slots=True)
class Rules:
    """Who may do what: for the library as a bundle, for the mesh as a table, of one version."""

    bundle: PolicyBundle
    access: Access


Govern = Callable[[App], Rules]
"""The rules of the active policies for an app: the union of those in force."""


@dataclass(frozen=True, slots=True)
class Policies:
    """Which policy set decides now, how to let another decide (it returns when that does), and who
    may possibly reach what by the policies of a set.
    """

    active: Callable[[], int]
    activate: Callable[[int], Awaitable[None]]
    access: Callable[[App, int], Access]
