"""Deployments for tests: made from strategies, driven against a small world that keeps count."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import strategies as st

from fairway.delivery import traffic
from fairway.delivery.course import Course, Gate, Phase, Stage
from fairway.delivery.deployment import Approval, Deployment, Effect
from fairway.delivery.happenings import (
    Agreed,
    Approved,
    Done,
    Failed,
    Happening,
    Held,
    Judged,
    PlanStale,
    Refused,
    Told,
)
from fairway.plan.plan import Move, Plan

PHASES: tuple[Phase, ...] = ("pre_deploy", "pre_shift", "post_shift", "post_deploy")
COMMANDS = ("promote", "promote_fully", "pause", "resume", "abort", "override")


def a_plan(moves: tuple[Move, ...], policies: tuple[int, int] = (1, 1)) -> Plan:
    return Plan(
        app="shop", environment="test", base=7, release_digest="sha256:8", strategy={},
        changes=(), moves=moves, policy_set=policies[1], base_policy_set=policies[0],
        fingerprint="sha256:0",
    )  # fmt: skip


def a_deployment(
    course: Course, moves: tuple[Move, ...] = (Move("axon", "r7", "r8", 2, 2),), base: int = 7
) -> Deployment:
    return Deployment("d1", a_plan(moves), course, release=8, base=base, by="ada", at=0.0)


def canary(*weights: int, bake: float = 1.0, **more: object) -> Course:
    stages = tuple(Stage(weight, bake, judged=True) for weight in weights)
    return Course((*stages, Stage(100)), **more)  # type: ignore[arg-type]


@st.composite
def courses(draw: st.DrawFn) -> Course:
    bake = st.sampled_from([0.0, 1.0])
    kind = draw(st.sampled_from(["canary", "blue_green", "rolling"]))
    if kind == "rolling":
        count = draw(st.integers(1, 4))
        first = draw(st.booleans())
        stages = tuple(
            Stage(
                round(100 * k / count), draw(bake), share=k / count, stop_first=first and k < count
            )
            for k in range(1, count + 1)
        )
    else:
        steps = sorted(draw(st.sets(st.integers(0, 99), max_size=3)))
        judged = draw(st.booleans())
        early = tuple(Stage(w, draw(bake), judged, mirror=draw(st.integers(0, 9))) for w in steps)
        stages = (*early, Stage(100, draw(bake), judged))
    return Course(
        stages,
        gate=Gate(draw(st.integers(0, 2))),
        hooks=frozenset(draw(st.sets(st.sampled_from(PHASES)))),
        windows=draw(st.booleans()),
        inconclusive=draw(st.sampled_from(["pause", "roll_back", "promote"])),
        emergency=draw(st.booleans()),
    )


@st.composite
def move_sets(draw: st.DrawFn) -> tuple[Move, ...]:
    moves = []
    for number in range(draw(st.integers(0, 3))):
        before, after = draw(
            st.sampled_from([("r7", "r8"), (None, "r8"), ("r7", None), ("r7", "r7")])
        )
        count, old = draw(st.integers(1, 4)), draw(st.integers(1, 4))
        moves.append(Move(f"s{number}", before, after, count if after else 0, old if before else 0))
    return tuple(moves)


def happenings(effect: Effect, at: float, inbox: int) -> st.SearchStrategy[Happening]:
    """Everything that an engine may say about an effect."""
    failed = st.builds(
        Failed, st.just(at), st.just("it broke"), st.booleans(),
        st.sampled_from(["roll_back", "stop", "ignore"]),
    )  # fmt: skip
    told = st.builds(
        Told, st.just(at), st.sampled_from(COMMANDS), st.just("ada"), st.just(""),
        st.just(inbox + 1),
    )  # fmt: skip
    done: st.SearchStrategy[Happening] = st.just(Done(at))
    match effect.step:
        case "check_plan":
            return st.one_of(done, done, st.just(PlanStale(at, "axon moved")), failed)
        case "await_approval":
            agreed = Approved(at, (Approval("bo", "approver", at),), inbox + 1)
            refused = Refused(at, "no", inbox + 1)
            one_more = Agreed(at, (Approval("bo", "approver", at),))
            enough = st.one_of(st.just(agreed), st.just(agreed))
            return st.one_of(enough, st.just(one_more), st.just(refused), told)
        case "watch":
            outcomes = st.sampled_from(["pass", "pass", "fail", "inconclusive"])
            judged = st.builds(Judged, st.just(at), outcomes, st.just("words"))
            return st.one_of(judged, judged, told, failed)
        case "await_resume":
            return st.one_of(told, told, st.just(Judged(at, "fail", "worse")))
        case "await_window":
            return st.one_of(done, done, st.just(Held(at, "frozen until Friday", at + 60)), told)
        case "apply" if not effect.back:
            abort = Told(at, "abort", "ada", "", inbox + 1)
            return st.one_of(done, done, failed, st.just(abort))
        case _:
            return st.one_of(done, done, done, failed)


@dataclass
class World:
    """What a target would have: replicas and percent by service and version."""

    running: dict[str, dict[str, int]] = field(default_factory=dict)
    weights: dict[str, dict[str, int]] = field(default_factory=dict)

    @classmethod
    def before(cls, deployment: Deployment) -> World:
        moves = [move for move in deployment.plan.moves if move.before is not None]
        return cls(
            {m.service: {str(m.before): m.before_replicas} for m in moves},
            {m.service: {str(m.before): 100} for m in moves},
        )

    def carry_out(self, deployment: Deployment, effect: Effect) -> None:
        """Do it, and raise where a user would have lost a request."""
        match effect.step:
            case "apply" | "trim":
                wanted = {
                    "apply": traffic.restored(deployment)
                    if effect.back
                    else traffic.candidates(deployment, effect.stage),
                    "trim": traffic.remainder(deployment, effect.stage),
                }[effect.step]
                for each in wanted:
                    self.running.setdefault(each.service, {})[each.version] = each.replicas
            case "shift":
                routing = traffic.routing(deployment, effect.weight, back=effect.back)
                for service, split in routing.services.items():
                    self.weights[service] = {v: w for v, w in split.weights.items() if w}
            case "retire":
                for service, version in traffic.leaving(deployment, back=effect.back):
                    assert not self.weights.get(service, {}).get(version), "it still serves"
                    self.running.get(service, {}).pop(version, None)
        self.check()

    def check(self) -> None:
        for service, weights in self.weights.items():
            if weights:
                assert sum(weights.values()) == 100
            assert list(weights.values()).count(100) <= 1, "two versions at 100 %"
            for version, weight in weights.items():
                if weight:
                    assert self.running.get(service, {}).get(version, 0) > 0, "nobody answers"
