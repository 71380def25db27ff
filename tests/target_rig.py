"""What the conformance suite needs of a target, and how the memory target gives it.

A new target adds a class like `MemoryRig` and its name to `RIGS` in
`tests/conformance/test_conformance_target.py`.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Protocol

from fairway.plan.release import Release, ReleaseContent, ServiceRelease
from fairway.targets.contract import Target
from fairway.targets.memory import MemoryTarget


class Rig(Protocol):
    """A place with the services `axon` and `orbit`, where nothing runs at first."""

    target: Target
    copies: bool
    """Whether requests can be copied to a candidate; where they cannot, that is Refused."""

    async def start(self) -> None:
        """Have the target's program run."""
        ...

    async def restart(self) -> None:
        """End the target's program and start it again: `target` is the new one."""
        ...

    async def ask(self, service: str, times: int) -> None:
        """Have users ask a service about so many times."""
        ...

    async def kill_a_replica(self, service: str, version: str) -> None:
        """End one process of a version, and have it stay ended."""
        ...

    def release(self, number: int, *, axon: str = "one", orbit: str = "one") -> Release:
        """A release of both services; another text is another version, `ill` never gets healthy."""
        ...

    async def close(self) -> None:
        """Give everything up."""
        ...


class Clock:
    """Simulated time, in Unix seconds."""

    def __init__(self, at: float = 1_800_000_000.0) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        """Let it pass at once."""
        self.at += max(0.0, seconds)


class MemoryRig:
    """The memory target with a file, so that it can be restarted."""

    RATE = 50.0
    copies = True

    def __init__(self, folder: Path) -> None:
        self._file = folder / "world.json"
        self._clock = Clock()
        self.target: MemoryTarget = self._opened()

    def _opened(self) -> MemoryTarget:
        return MemoryTarget(self._clock, rate=self.RATE, file=self._file)

    async def start(self) -> None:
        pass

    async def restart(self) -> None:
        self.target = self._opened()

    async def ask(self, service: str, times: int) -> None:
        await self._clock.sleep(times / self.RATE)

    async def kill_a_replica(self, service: str, version: str) -> None:
        self.target.kill(service, version)

    def release(self, number: int, *, axon: str = "one", orbit: str = "one") -> Release:
        services = {"axon": service(axon), "orbit": service(orbit)}
        return release(number, services, policy_set=number)

    async def close(self) -> None:
        pass


def service(text: str, **declared: Any) -> ServiceRelease:
    """A service whose digest follows from a text; `ill` and `errors` name faults."""
    fault = {"ill": "unhealthy"}.get(text, text)
    content = {"run": text, "env": {"FAULT": fault}, **declared}
    return ServiceRelease(content, f"sha256:{text}", {}, _digest(content))


def release(number: int, services: dict[str, ServiceRelease], policy_set: int = 1) -> Release:
    """A kept release with these services."""
    app = {"app": "shop", "services": {name: each.declared for name, each in services.items()}}
    content = ReleaseContent(app, services, policy_set, f"sha256:policies-{policy_set}")
    return Release(number, _digest(app), content, "ada", 1_800_000_000.0)


def _digest(content: object) -> str:
    return "sha256:" + hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
