"""A control plane in memory: a first-class adapter for tests of the API and the command line."""

from __future__ import annotations

import asyncio
import difflib
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from fairway.control.directory import Directory
from fairway.control.door import Write
from fairway.control.explored import (
    CallOutcome,
    CallRequest,
    OfferedIntent,
    ServiceVariables,
    Variable,
)
from fairway.control.policy_findings import (
    CallerAnswer,
    ChangedDecision,
    PolicyCase,
    PolicyNames,
    PolicyProblem,
    PolicyTestReport,
    Simulation,
)
from fairway.control.port import (
    EnvoyStatus,
    Event,
    Phase,
    ReplicaStatus,
    ServiceStatus,
    SystemStatus,
)
from fairway.control.recorded import (
    Activation,
    Answer,
    AuditEntry,
    AuditQuery,
    ChainReport,
    PolicySetDiff,
    PolicySetDocument,
    PolicySetSummary,
    Question,
    ReleaseRecord,
    SecretStatus,
)
from fairway.control.topology import Edge, Node, NodeVersion, Topology
from fairway.errors import Conflict, NotFound, Unavailable
from fairway.telemetry.port import Telemetry

Allowed = frozenset[tuple[str, str, str, str]]
DEFAULT_ALLOWED: Allowed = frozenset(
    {("Client", "web", "orbit", "dispatch"), ("Service", "orbit", "axon", "reason")}
)


def _service(name: str, replicas: int, port: int) -> ServiceStatus:
    running = tuple(
        ReplicaStatus(index, "healthy", 100 + port + index, port + index, 0, 61.0)
        for index in range(replicas)
    )
    return ServiceStatus(name, "http", "healthy", replicas, "sha256:1", running, (), port + 50)


@dataclass
class MemoryControl:
    """Implements `ControlPlane` with dictionaries; `allowed` says which questions get a yes."""

    allowed: Allowed = DEFAULT_ALLOWED
    clock: Callable[[], float] = lambda: 1_000.0
    phase: Phase = "running"
    failure: Exception | None = None
    _services: dict[str, ServiceStatus] = field(
        default_factory=lambda: {
            "axon": _service("axon", 1, 7000),
            "orbit": replace(_service("orbit", 2, 7100), urls=("http://127.0.0.1:8080/",)),
        }
    )
    _events: list[Event] = field(default_factory=list)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _sets: dict[int, PolicySetDocument] = field(default_factory=dict)
    _history: list[ReleaseRecord] = field(default_factory=list)
    _audit: list[AuditEntry] = field(default_factory=list)
    _secrets: dict[str, tuple[str, int]] = field(default_factory=dict)
    hurried: bool = False
    writes: list[Write] = field(default_factory=list)
    damaged: str = ""
    told: Telemetry | None = None
    calls: list[CallRequest] = field(default_factory=list)

    async def start(self) -> None:
        self.phase = "starting"
        for name in self._services:
            await self.emit("service.starting", name, "starting")
            await self.emit("service.healthy", name, "healthy")
        if self.failure is not None:
            self.phase = "stopped"
            raise self.failure
        self.phase = "running"
        await self.emit("system.running", "", "everything is healthy")

    async def directory(self) -> Directory:
        from tests.unit.api.fake_delivery import MemoryDirectory

        return MemoryDirectory()

    async def stop(self) -> None:
        if self.phase in ("stopped", "stopping"):
            return
        self.phase = "stopping"
        for name in self._services:
            await self.emit("service.stopped", name, "stopped")
        self.phase = "stopped"
        await self.emit("system.stopped", "", "nothing is left")

    async def hurry(self) -> None:
        self.hurried = True

    async def wait_stopped(self) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self.phase == "stopped")

    async def emit(self, kind: str, subject: str, message: str) -> None:
        async with self._changed:
            number = len(self._events) + 1
            self._events.append(Event(number, self.clock(), kind, subject, message))
            self._changed.notify_all()

    async def events(self, after: int | None = None) -> AsyncIterator[Event]:
        seen = len(self._events) if after is None else after
        while True:
            async with self._changed:
                while len(self._events) <= seen and self.phase != "stopped":
                    await self._changed.wait()
                fresh = self._events[seen:]
            for event in fresh:
                yield event
            seen += len(fresh)
            if self.phase == "stopped" and seen >= len(self._events):
                return

    async def status(self) -> SystemStatus:
        active = next((s.summary.version for s in self._sets.values() if s.summary.active), None)
        return SystemStatus(
            "axon-orbit", "local", self.phase, "sha256:1", "http://127.0.0.1:8080", active, 939.0,
            tuple(self._services.values()), (EnvoyStatus("gateway", "healthy", 99, 7900),),
        )  # fmt: skip

    def _find(self, service: str) -> ServiceStatus:
        if service not in self._services:
            raise NotFound("no-such-service", f"there is no service {service}", remedy="see status")
        return self._services[service]

    async def restart(self, service: str) -> None:
        found = self._find(service)
        fresh = tuple(replace(r, restarts=r.restarts + 1) for r in found.replicas)
        self._services[service] = replace(found, replicas=fresh)

    async def scale(self, service: str, replicas: int) -> None:
        found = self._find(service)
        port = (found.inbound_port or 50) - 50
        self._services[service] = replace(_service(service, replicas, port), urls=found.urls)

    async def stop_service(self, service: str) -> None:
        self._services[service] = replace(
            self._find(service), state="stopped", desired=0, replicas=()
        )

    async def start_service(self, service: str) -> None:
        if self._find(service).state == "stopped":
            await self.scale(service, 1)

    def telemetry(self) -> Telemetry:
        if self.told is None:
            raise Unavailable("telemetry-off", "telemetry is switched off", remedy="enable it")
        return self.told

    async def topology(self) -> Topology:
        services = tuple(
            Node(
                each.name, "service", each.state,
                (NodeVersion("", 100, each.desired, len(each.replicas)),),
                each.urls, sum(replica.restarts for replica in each.replicas),
            )
            for each in self._services.values()
        )  # fmt: skip
        nodes = (*services, Node("gateway", "gateway", "healthy"), Node("public", "public"))
        edges = (
            Edge("gateway", "orbit", "call", ("dispatch",), True),
            Edge("orbit", "axon", "call", ("reason",), True),
            Edge("public", "gateway", "public"),
        )
        return Topology(tuple(sorted(nodes, key=lambda node: node.name)), edges)

    async def variables(self, service: str) -> ServiceVariables:
        self._find(service)
        plain = Variable("FAIRWAY_SERVICE", service)
        return ServiceVariables(service, "", (Variable("AXON_MODEL_KEY", "", True), plain))

    async def openapi(self, service: str) -> Mapping[str, Any]:
        if self._find(service).name != "axon":
            raise NotFound("no-openapi", f"{service} serves no OpenAPI document")
        return {
            "openapi": "3.1.0",
            "info": {"title": "axon", "version": "1"},
            "paths": {"/reason": {"post": {"summary": "Reason", "responses": {"200": {}}}}},
        }

    async def intents(self, service: str) -> tuple[OfferedIntent, ...]:
        known = {"axon": ("reason",), "orbit": ("dispatch",)}
        self._find(service)
        return tuple(OfferedIntent(name, "POST", f"/{name}") for name in known[service])

    async def call(self, request: CallRequest) -> CallOutcome:
        self._find(request.service)
        self.calls.append(request)
        return CallOutcome(200, {"content-type": "text/plain"}, "hello", 0.01, "a" * 32, "c-1")

    async def decide(self, question: Question) -> Answer:
        asked = (question.kind, question.name, question.service, question.intent)
        allowed = asked in self.allowed
        reason = "permitted" if allowed else "no policy permits it"
        self._audit.append(
            AuditEntry(
                "control", len(self._audit) + 1, self.clock(), "decision", question.name,
                question.service, question.intent, "allow" if allowed else "deny", reason,
            )
        )  # fmt: skip
        return Answer(allowed, reason, ("calls",) if allowed else (), 1, f"d-{len(self._audit)}")

    async def policy_sets(self) -> tuple[PolicySetSummary, ...]:
        return tuple(s.summary for _, s in sorted(self._sets.items(), reverse=True))

    async def policy_set(self, version: int) -> PolicySetDocument:
        if version not in self._sets:
            raise NotFound("no-such-policy-set", f"there is no policy set {version}")
        return self._sets[version]

    async def check_policies(self, policies: str) -> tuple[PolicyProblem, ...]:
        lines = enumerate(policies.splitlines(), 1)
        return tuple(
            PolicyProblem(line, text.index("wrong") + 1, "this is wrong", "correct it", "wrong")
            for line, text in lines
            if "wrong" in text
        )

    async def test_policies(self, policies: str | None = None) -> PolicyTestReport:
        passed = "forbid" not in (policies or "")
        problem = "" if passed else "expected allow, got deny"
        case = PolicyCase("orbit may ask", "policies/a.test.yaml:2:3", passed, passed, (), problem)
        return PolicyTestReport(passed, (case,), (), ("night",))

    async def policy_names(self) -> PolicyNames:
        return PolicyNames({"axon": ("reason",), "orbit": ("dispatch",)}, ("web",))

    async def simulate(
        self,
        service: str,
        intent: str,
        context: Mapping[str, Any] | None = None,
        policies: str | None = None,
    ) -> Simulation:
        self._find(service)
        allowed = policies is None
        reason = "permitted by calls" if allowed else "no policy permits it"
        answer = CallerAnswer("Service", "orbit", True, allowed, reason)
        return Simulation(service, intent, int(allowed), context or {}, (answer,))

    async def policy_effect(self, policies: str) -> tuple[ChangedDecision, ...]:
        if "forbid" not in policies:
            return ()
        return (ChangedDecision("Service", "orbit", "axon", "reason", False, "forbidden"),)

    async def create_policy_set(
        self, policies: str, *, author: str, description: str = "", expected: int | None = None
    ) -> PolicySetSummary:
        newest = max(self._sets, default=0)
        if expected is not None and expected != newest:
            raise Conflict("stale-policy-set", f"version {newest} is newer than {expected}")
        digest = "sha256:" + hashlib.sha256(policies.encode()).hexdigest()
        summary = PolicySetSummary(newest + 1, digest, author, description, self.clock(), False)
        self._sets[summary.version] = PolicySetDocument(summary, policies)
        return summary

    async def update_policy_set(
        self,
        version: int,
        policies: str,
        *,
        author: str,
        description: str = "",
        expected: int | None = None,
    ) -> PolicySetSummary:
        await self.policy_set(version)
        return await self.create_policy_set(
            policies, author=author, description=description, expected=expected
        )

    async def delete_policy_set(self, version: int, *, author: str) -> None:
        found = await self.policy_set(version)
        if found.summary.active:
            raise Conflict("policy-set-active", f"policy set {version} is active")
        del self._sets[version]

    async def diff_policy_sets(self, before: int, after: int) -> PolicySetDiff:
        old, new = await self.policy_set(before), await self.policy_set(after)
        lines = difflib.unified_diff(
            old.policies.splitlines(),
            new.policies.splitlines(),
            f"{before}",
            f"{after}",
            lineterm="",
        )
        return PolicySetDiff(before, after, (), (), (), "\n".join(lines))

    async def activate_policy_set(
        self, version: int, *, author: str, expected: int | None = None
    ) -> Activation:
        await self.policy_set(version)
        previous = next((v for v, s in self._sets.items() if s.summary.active), None)
        if expected is not None and expected != previous:
            raise Conflict("stale-activation", f"{previous} is active, not {expected}")
        for number, found in self._sets.items():
            summary = replace(found.summary, active=number == version)
            self._sets[number] = replace(found, summary=summary)
        release = ReleaseRecord(
            len(self._history) + 1, "policies", "sha256:p", version, author, self.clock()
        )
        self._history.append(release)
        return Activation(version, previous, f"{release.number}", 0.01)

    async def roll_back_policies(self, *, author: str, to: int | None = None) -> Activation:
        if to is None and len(self._history) < 2:
            raise Conflict("nothing-before", "no policy set was active before")
        target = to if to is not None else self._history[-2].policy_set
        return await self.activate_policy_set(target, author=author)

    async def releases(self) -> tuple[ReleaseRecord, ...]:
        return tuple(reversed(self._history))

    async def audit(self, query: AuditQuery) -> tuple[AuditEntry, ...]:
        found = [
            entry
            for entry in self._audit
            if query.service in (None, entry.service)
            and query.intent in (None, entry.intent)
            and query.verdict in (None, entry.verdict)
            and (query.since is None or entry.at >= query.since)
            and (query.until is None or entry.at <= query.until)
        ]
        return tuple(found[-query.limit :])

    async def note(self, write: Write) -> None:
        self.writes.append(write)

    async def verify_audit(self) -> tuple[ChainReport, ...]:
        return (ChainReport("control", len(self._audit), not self.damaged, self.damaged),)

    async def secrets(self) -> tuple[SecretStatus, ...]:
        _, version = self._secrets.get("AXON_MODEL_KEY", ("", 0))
        return (SecretStatus("AXON_MODEL_KEY", ("axon",), version),)

    async def set_secret(self, name: str, value: str) -> SecretStatus:
        if name != "AXON_MODEL_KEY":
            raise NotFound("no-such-secret", f"no service declares the secret {name}")
        _, version = self._secrets.get(name, ("", 0))
        self._secrets[name] = (value, version + 1)
        return (await self.secrets())[0]

    async def rotate_secret(self, name: str) -> SecretStatus:
        if name not in self._secrets:
            raise Conflict("secret-unset", f"{name} has no value yet")
        return await self.set_secret(name, "rotated")

    async def rotate_signing_keys(self, identity: str | None = None) -> tuple[str, ...]:
        return (identity,) if identity else ("axon", "orbit", "web")
