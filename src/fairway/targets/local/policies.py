"""What the local target asks of governance, which it does not know: a port of three functions.

The control plane gives it to `LocalTarget`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fairway.model.app import App
from fairway.targets.local.mesh.build import Access


@dataclass(frozen=True, slots=True)
class Policies:
    """Which policy set decides now, how to let another decide (it returns when that does), and who
    may possibly reach what by the policies of a set.
    """

    active: Callable[[], int]
    activate: Callable[[int], Awaitable[None]]
    access: Callable[[App, int], Access]
