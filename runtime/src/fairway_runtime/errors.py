"""The exception tree of the runtime library: every error says what, where and what to do.

    RuntimeLibraryError          what went wrong, where, and the remedy
    ├── InvalidConfiguration     the environment of this process is wrong or incomplete
    ├── SecretMissing            no provider has a secret of that name
    └── CallError                a call to another service did not succeed
        ├── Denied               the callee (or the mesh) refused it: 401 or 403
        └── CallFailed           it could not be completed: timeout, connection, 5xx
            └── CircuitOpen      it was not tried: the callee failed too often just now

Handlers catch `Denied`, `CircuitOpen` and `CallFailed`. No text holds a secret.
"""

from __future__ import annotations


class RuntimeLibraryError(Exception):
    """What went wrong (`message`), where (`where`, may be empty) and what to do (`remedy`)."""

    def __init__(self, message: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        remedy = f" ({self.remedy})" if self.remedy else ""
        return f"{place}{self.message}{remedy}"


class InvalidConfiguration(RuntimeLibraryError):
    """The environment of this process is wrong or incomplete."""


class SecretMissing(RuntimeLibraryError, KeyError):
    """No provider has a secret of that name."""

    __str__ = RuntimeLibraryError.__str__


class CallError(RuntimeLibraryError):
    """A call to another service did not succeed."""


class Denied(CallError):
    """The callee, or the mesh in front of it, refused the call with 401 or 403."""

    def __init__(self, reason: str, decision_id: str, status: int, *, where: str = "") -> None:
        super().__init__(
            f"denied: {reason}",
            where=where,
            remedy="declare the call in the app file and permit it in a policy",
        )
        self.reason = reason
        self.decision_id = decision_id
        self.status = status


class CallFailed(CallError):
    """The call could not be completed. `status` is the last answer's, or None without one."""

    def __init__(
        self, message: str, *, where: str = "", remedy: str = "", status: int | None = None
    ) -> None:
        super().__init__(message, where=where, remedy=remedy)
        self.status = status


class CircuitOpen(CallFailed):
    """Not tried: the callee failed too often. Worth another try in `retry_after` seconds."""

    def __init__(self, callee: str, retry_after: float) -> None:
        super().__init__(
            f"the circuit to {callee} is open",
            where=callee,
            remedy=f"try again in {retry_after:.1f} s",
        )
        self.retry_after = retry_after
