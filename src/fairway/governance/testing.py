"""Policy tests: `policies/*.test.yaml` say which calls must be allowed or denied, and by what.

Run by `fairway policy test`. Pure: files arrive as text. Every case is one call; a file that is
malformed gives located problems and the sound cases still run. The report also names the policies
that decided no case, because an untested policy is where surprises live.

    cases:
      - name: orbit may ask axon to reason
        given: {principal: Service::orbit, context: {hour: 9}}
        when: {service: axon, intent: reason}
        expect: {decision: allow, policies: [orbit-may-reason]}
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from fairway.governance.bundle import build_bundle
from fairway.governance.case_files import Case, read_cases
from fairway.governance.cedar_text import Source
from fairway.model.app import App
from fairway.model.places import Findings, Place
from fairway_runtime.policy.engine import Decision, PolicyEngine
from fairway_runtime.policy.slices import parse_policies


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How one case went; `problem` is empty when it passed."""

    name: str
    place: Place
    decision: Decision
    problem: str

    @property
    def passed(self) -> bool:
        """Whether the decision was as expected."""
        return not self.problem


@dataclass(frozen=True, slots=True)
class TestReport:
    """All results in file order, what is wrong with the files, and the policies never exercised."""

    __test__ = False  # pytest: not a test class

    results: tuple[CaseResult, ...]
    findings: Findings
    uncovered: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether every file is sound and every case passed; coverage does not fail a run."""
        return not self.findings.problems and all(result.passed for result in self.results)


def run_policy_tests(
    app: App, environment: str, policies_text: str, files: Iterable[Source]
) -> TestReport:
    """Decide every case by the policies and the app's declared calls.

    Raises InvalidPolicies when the text cannot be parsed: validate first.
    """
    findings = Findings()
    bundle = build_bundle(app, environment, 0, policies_text)
    engine = PolicyEngine.from_bundle(bundle, new_id=lambda: "test")
    cases = [case for file in files for case in read_cases(file, app, findings)]
    results = tuple(_run(case, engine, environment, app) for case in cases)
    decided = {policy for result in results for policy in result.decision.policies}
    every = [policy.id for policy in parse_policies(policies_text)]
    return TestReport(results, findings, tuple(name for name in every if name not in decided))


def _run(case: Case, engine: PolicyEngine, environment: str, app: App) -> CaseResult:
    asked = (case.principal.kind, case.service, case.intent)
    context = {**ordinary_context(app, environment, *asked), **case.context}
    decision = engine.decide(case.principal, case.service, case.intent, context)
    return CaseResult(case.name, case.place, decision, "; ".join(_problems(case, decision)))


def _problems(case: Case, decision: Decision) -> Iterator[str]:
    if decision.allowed != case.allowed:
        wanted, got = _word(case.allowed), _word(decision.allowed)
        yield f"expected {wanted}, got {got}: {decision.reason}"
    elif case.policies is not None and set(case.policies) != set(decision.policies):
        wanted, got = _names(case.policies), _names(decision.policies)
        yield f"{_word(decision.allowed)} as expected, but by {got} instead of {wanted}"


def ordinary_context(
    app: App, environment: str, kind: str, service: str, intent: str
) -> Mapping[str, object]:
    """What a case leaves out: a signed call over the mesh, on a Wednesday at noon.

    `kind` is that of the principal: what comes in through the gateway is not signed.
    """
    route = app.services[service].intents[intent]
    return {
        "environment": environment,
        "method": route.method,
        "path": route.path,
        "release": "test",
        "signed": kind != "Gateway",
        "cohort": "",
        "hour": 12,
        "weekday": 3,
        "source": "gateway" if kind == "Gateway" else "mesh",
    }


def _word(allowed: bool) -> str:
    return "allow" if allowed else "deny"


def _names(policies: Iterable[str]) -> str:
    return ", ".join(sorted(policies)) or "no policy"
