"""Circuit breakers: stop asking a callee that fails, ask again carefully, recover.

`client.py` keeps one per callee and asks it before every attempt. The state machine (closed, open,
half-open) is `purgatory`'s. Added here: half-open admits one probe at a time, where purgatory would
let everything through; and an attempt that was cancelled counts neither way.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from fairway_runtime.errors import CircuitOpen

if TYPE_CHECKING:
    from purgatory.domain.model import Context

THRESHOLD = 5
RECOVERY = 10.0
PROBE_WAIT = 1.0
"""What a caller is told to wait, in seconds, while another one's probe is under way."""


class AttemptFailed(Exception):
    """Tells the breaker that an attempt failed."""


class Breaker:
    """The circuit to one callee: opens after `threshold` failures in a row for `recovery` seconds.

    Protocol: `enter()` before an attempt, then exactly one of `succeeded`, `failed`, `abandoned`.
    """

    def __init__(self, callee: str, threshold: int = THRESHOLD, recovery: float = RECOVERY) -> None:
        from purgatory.domain.model import (  # noqa: PLC0415 - who calls nobody never pays for it
            Context,
            OpenedState,
        )

        self._callee = callee
        self._recovery = recovery
        self._context: Context = Context(callee, threshold, recovery)
        self._opened = OpenedState
        self._probing = False

    @property
    def state(self) -> str:
        """`closed`, `opened` or `half-opened`."""
        return self._context.state

    def enter(self) -> None:
        """Ask for permission to try; raises CircuitOpen."""
        if self._probing:
            raise CircuitOpen(self._callee, min(PROBE_WAIT, self._recovery))
        try:
            self._context.handle_new_request()
        except self._opened as opened:
            wait = opened.opened_at + self._recovery - time.time()
            raise CircuitOpen(self._callee, max(wait, 0.001)) from None
        self._probing = self.state == "half-opened"

    def succeeded(self) -> None:
        """The attempt was answered."""
        self._end()
        self._context.handle_end_request()

    def failed(self) -> None:
        """The attempt failed: no connection, no answer, or a 5xx."""
        self._end()
        if self.state != "opened":
            self._context.handle_exception(AttemptFailed(self._callee))

    def abandoned(self) -> None:
        """The attempt was cancelled: nothing was learned."""
        self._end()

    def _end(self) -> None:
        self._probing = False
        # Nobody listens to purgatory's events; left alone they would pile up.
        self._context.messages.clear()
