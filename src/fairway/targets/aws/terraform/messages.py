"""What Terraform says with `-json`, line by line: progress for people, diagnostics for us. Pure.

`runner.py` feeds every line of a run in. Lines that are none of these are passed over: newer
versions may say more.
Source: "Machine-Readable UI" of the documentation of Terraform, version 1.2 of the format.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from fairway.targets.aws.terraform.addresses import kind_of, subject_of

State = Literal["begun", "going", "done", "failed"]
_STATES: Mapping[str, State] = {
    "apply_start": "begun",
    "apply_progress": "going",
    "apply_complete": "done",
    "apply_errored": "failed",
}
_OFTEN_ENOUGH = 30
"""Seconds between two signs of life of a resource."""
_DOING = {"create": "creating", "update": "changing", "delete": "removing", "read": "reading"}
_DONE = {"create": "created", "update": "changed", "delete": "removed", "read": "read"}


@dataclass(frozen=True, slots=True)
class Progress:
    """One resource on its way; `seconds` since it began."""

    address: str
    action: str
    state: State
    seconds: int = 0

    @property
    def telling(self) -> bool:
        """Whether people want to hear of it: not of what is only read, nor of every ten seconds."""
        between = self.state == "going" and self.seconds % _OFTEN_ENOUGH
        return self.action != "read" and not between

    @property
    def words(self) -> str:
        """`creating aws_ecs_service of orbit … 12 s`."""
        whose = subject_of(self.address)
        subject = kind_of(self.address) + (f" of {whose}" if whose else "")
        match self.state:
            case "begun":
                return f"{self._doing} {subject}"
            case "going":
                return f"{self._doing} {subject} … {self.seconds} s"
            case "done":
                return f"{_DONE.get(self.action, self.action)} {subject} in {self.seconds} s"
            case "failed":
                return f"{self._doing} {subject} failed after {self.seconds} s"

    @property
    def _doing(self) -> str:
        return _DOING.get(self.action, self.action)


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """An error or a warning. `address` is the resource that it belongs to, if it does to one."""

    severity: str
    summary: str
    detail: str = ""
    address: str = ""

    @property
    def text(self) -> str:
        """Summary and detail."""
        return f"{self.summary}\n{self.detail}" if self.detail else self.summary


Message = Progress | Diagnostic


def message_in(line: str) -> Message | None:
    """What a line says, None for anything else."""
    try:
        said = json.loads(line)
    except ValueError:
        return None
    if not isinstance(said, dict):
        return None
    kind = said.get("type", "")
    if kind in _STATES:
        return _progress(_STATES[kind], said.get("hook") or {})
    if isinstance(said.get("diagnostic"), dict):
        return _diagnostic(said["diagnostic"])
    return None


def _progress(state: State, hook: Mapping[str, Any]) -> Progress:
    address = str((hook.get("resource") or {}).get("addr", ""))
    return Progress(
        address, str(hook.get("action", "")), state, int(hook.get("elapsed_seconds", 0))
    )


def _diagnostic(said: Mapping[str, Any]) -> Diagnostic:
    words = (str(said.get(key, "")) for key in ("severity", "summary", "detail", "address"))
    return Diagnostic(*words)
