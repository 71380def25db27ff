"""What holds for every plan and every course: any app, any release before, whatever is there.

Apps are small and differ in everything that a plan looks at. What is observed is what a release
declares, what the working tree runs, what an interrupted deployment left, or nothing at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.deployments import World

from fairway.delivery.codec import decode, encode
from fairway.delivery.course import Course
from fairway.delivery.deployment import Deployment
from fairway.delivery.happenings import Approved, Done, Happening, Judged
from fairway.delivery.strategies import course
from fairway.delivery.transitions import advance
from fairway.model.app import App
from fairway.model.environments import Environment
from fairway.model.strategies import Strategy
from fairway.plan.describe import describe, moved
from fairway.plan.observed import WORKING_TREE, Observed, ObservedVersion
from fairway.plan.order import callees_first
from fairway.plan.plan import Plan
from fairway.plan.planner import plan
from fairway.plan.reasons import why_replaced
from fairway.plan.release import Release, ReleaseContent
from fairway.plan.releases import app_of, content_digest, release_content
from fairway.plan.schemas import schema_after, schema_conflict, schema_of

PLANS = settings(max_examples=100)
NAMES = ["axon", "orbit", "store", "web"]
NEXT = 9
THIS = f"r{NEXT}"
names = st.sampled_from(NAMES)
intents = st.fixed_dictionaries(
    {}, optional={"ask": st.just("GET /ask"), "tell": st.just("POST /")}
)


@st.composite
def strategies(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(["rolling", "blue_green", "canary"]))
    bake = draw(st.sampled_from(["0s", "1s"]))
    match kind:
        case "rolling":
            surge = draw(st.integers(0, 2))
            unavailable = draw(st.integers(0 if surge else 1, 2))
            return {kind: {"surge": surge, "unavailable": unavailable, "bake": bake}}
        case "blue_green":
            return {kind: {"bake": bake, "preview": draw(st.sampled_from(["0s", "1s"]))}}
    steps = sorted(draw(st.sets(st.integers(1, 99), min_size=1, max_size=3)))
    until = draw(st.sampled_from(["bake", "evidence"]))
    mirror = draw(st.sampled_from([0, 10]))
    return {kind: {"steps": steps, "bake": bake, "until": until, "mirror": mirror}}


@st.composite
def services(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "run": "x",
        "kind": draw(st.sampled_from(["http", "http", "worker"])),
        "library": draw(st.booleans()),
        "replicas": draw(st.none() | st.integers(0, 4)),
        "scale": draw(st.none() | st.just({"min": 2, "max": 3})),
        "env": draw(st.dictionaries(st.sampled_from("AB"), st.sampled_from("12"), max_size=2)),
        "secrets": draw(st.sets(st.sampled_from(["KEY", "PIN"])).map(sorted)),
        "intents": draw(intents),
        "calls": {name: ["ask"] for name in sorted(draw(st.sets(names, max_size=2)))},
        "public": draw(st.sampled_from([[], ["/"], [{"path": "/", "legacy": "http://old"}]])),
    }


@st.composite
def contents(draw: st.DrawFn) -> ReleaseContent:
    chosen = sorted(draw(st.sets(names, min_size=1)))
    schema = draw(st.none() | st.integers(1, 3).flatmap(_schema))
    app = App.model_validate(
        {
            "app": "shop",
            "services": {name: draw(services()) for name in chosen},
            "stores": {"db": {"kind": "postgres", "schema": schema}} if schema else {},
            "flags": draw(st.dictionaries(names, st.just({"percent": 5}), max_size=1)),
            "environments": {"local": {"strategy": draw(strategies())}},
        }
    )
    artifacts = {name: draw(st.sampled_from("ab")) for name in chosen}
    versions = draw(st.dictionaries(st.sampled_from(["KEY", "PIN"]), st.integers(1, 2)))
    number = draw(st.integers(1, 3))
    return release_content(app, artifacts, versions, number, f"text {number}")


def _schema(version: int) -> st.SearchStrategy[dict[str, int]]:
    return st.integers(0, version).map(lambda oldest: {"version": version, "oldest": oldest})


releases = contents().map(lambda made: Release(8, content_digest(made), made, "ada", 0.0))


def as_declared(content: ReleaseContent, number: int) -> Observed:
    """Everything runs as a release has it."""
    found = {
        name: (ObservedVersion(f"r{number}", content.services[name].digest, 100, count, count),)
        for name, service in app_of(content).services.items()
        for count in (service.desired_replicas,)
    }
    return Observed(number, content.policy_set, found)


@st.composite
def situations(draw: st.DrawFn) -> tuple[Release | None, ReleaseContent, Observed]:
    """What was, what is wanted, and what is there."""
    before = draw(st.none() | releases)
    wanted = draw(contents() if before is None else st.just(before.content) | contents())
    known = {} if before is None else before.content.services
    found: dict[str, tuple[ObservedVersion, ...]] = {}
    for name in draw(st.sets(names)):
        own = known[name].digest if name in known else "sha256:other"
        count = draw(st.integers(1, 4))
        digest = draw(st.sampled_from([own, own, "sha256:other"]))
        named = draw(st.sampled_from(["r8", "r8", THIS, WORKING_TREE]))
        serving = ObservedVersion(named, digest, 100, count, 1)
        if draw(st.integers(0, 3)):
            found[name] = (serving,)
            continue
        right = wanted.services[name].digest if name in wanted.services else "sha256:5"
        other = draw(st.sampled_from([n for n in ("r5", THIS) if n != named]))
        share = draw(st.sampled_from([0, 20]))
        left = ObservedVersion(other, draw(st.sampled_from([right, "sha256:5"])), share, 1, 1)
        weighed = replace(serving, weight=100 - share)
        found[name] = tuple(draw(st.permutations([weighed, left])))
    policy_set = draw(st.integers(0, 3))
    return before, wanted, Observed(8 if before else 0, policy_set, found)


def planned(situation: tuple[Release | None, ReleaseContent, Observed]) -> Plan:
    before, wanted, found = situation
    return plan(wanted, found, base=before, environment="local", next_number=NEXT)


def carried_out(made: Plan, wanted: ReleaseContent, found: Observed) -> Observed:
    """What is there when a plan was carried out to its end."""
    gone = {(m.service, m.before) for m in made.moves if m.before != m.after} | set(made.leftovers)
    after = {
        name: {v.name: v for v in versions if (name, v.name) not in gone}
        for name, versions in found.services.items()
    }
    for move in made.moves:
        if move.after is not None:
            digest = wanted.services[move.service].digest
            version = ObservedVersion(move.after, digest, 100, move.replicas, move.replicas)
            after.setdefault(move.service, {})[move.after] = version
    present = {name: tuple(versions.values()) for name, versions in after.items() if versions}
    return Observed(NEXT, made.policy_set, present)


@PLANS
@given(releases)
def test_what_runs_as_declared_needs_nothing(release: Release) -> None:
    found = as_declared(release.content, release.number)
    made = plan(release.content, found, base=release, environment="local", next_number=NEXT)
    assert made.empty
    assert not made.moves


@PLANS
@given(situations())
def test_after_a_plan_was_carried_out_nothing_is_left_to_do(
    situation: tuple[Release | None, ReleaseContent, Observed],
) -> None:
    _, wanted, found = situation
    made = planned(situation)
    after = carried_out(made, wanted, found)
    base = Release(NEXT, content_digest(wanted), wanted, "ada", 0.0)
    again = plan(wanted, after, base=base, environment="local", next_number=NEXT + 1)
    assert again.changes == ()
    assert set(after.services) == set(wanted.services)
    assert all(len(versions) == 1 for versions in after.services.values())


@PLANS
@given(situations())
def test_every_move_has_its_change_and_every_change_its_reason(
    situation: tuple[Release | None, ReleaseContent, Observed],
) -> None:
    made = planned(situation)
    moves = [move.service for move in made.moves]
    changed = {c.subject for c in made.changes if c.kind in ("start", "stop", "replace", "scale")}
    assert len(set(moves)) == len(moves)
    assert set(moves) | {service for service, _ in made.leftovers} == changed
    assert all(reason for change in made.changes for reason in (change.reasons or [""]))
    assert len(describe(made)) >= 1 + len(made.changes) * (not made.empty)


@PLANS
@given(situations())
def test_what_does_not_change_keeps_its_version(
    situation: tuple[Release | None, ReleaseContent, Observed],
) -> None:
    _, wanted, found = situation
    made = planned(situation)
    for move in made.moves:
        versions = found.services.get(move.service, ())
        serving = max(versions, key=lambda version: version.weight, default=None)
        assert move.before == (serving.name if serving else None)
        assert move.before_replicas == (serving.desired if serving else 0)
        assert (move.service, move.after) not in made.leftovers
        if move.after != move.before and move.after is not None:
            clash = [version for version in versions if version.name == move.after]
            assert all(v.digest == wanted.services[move.service].digest for v in clash)
        elif move.after is not None:
            assert serving is not None
            assert serving.digest == wanted.services[move.service].digest


@PLANS
@given(situations())
def test_callees_move_before_their_callers(
    situation: tuple[Release | None, ReleaseContent, Observed],
) -> None:
    _, wanted, _ = situation
    moves = [move.service for move in planned(situation).moves if move.after is not None]
    calls = {name: set(wanted.services[name].declared["calls"]) for name in moves}
    for caller in moves:
        for callee in calls[caller] & set(moves):
            circle = caller in _everything_below(callee, situation)
            assert circle or moves.index(callee) < moves.index(caller)


def _everything_below(
    name: str, situation: tuple[Release | None, ReleaseContent, Observed]
) -> set[str]:
    before, wanted, _ = situation
    both = [wanted.services, before.content.services if before else {}]
    below: set[str] = set()
    waiting = [name]
    while waiting:
        current = waiting.pop()
        callees = {c for kept in both if current in kept for c in kept[current].declared["calls"]}
        waiting += callees - below
        below |= callees
    return below


@PLANS
@given(situations())
def test_plans_are_equal_for_equal_input_and_survive_json(
    situation: tuple[Release | None, ReleaseContent, Observed],
) -> None:
    made = planned(situation)
    assert planned(situation) == made
    assert moved(made.facts, situation[2].facts) == ""
    deployment = Deployment("d", made, Course(()), NEXT, 8, "ada", 0.0)
    assert decode(Deployment, encode(deployment)).plan == made


@PLANS
@given(contents(), contents())
def test_there_is_a_reason_exactly_when_the_digest_differs(
    one: ReleaseContent, other: ReleaseContent
) -> None:
    for name in one.services.keys() & other.services.keys():
        before, after = one.services[name], other.services[name]
        assert bool(why_replaced(before, after)) == (before.digest != after.digest)


@PLANS
@given(contents())
def test_an_app_comes_back_from_its_release(content: ReleaseContent) -> None:
    again = release_content(
        app_of(content),
        {name: service.artifact for name, service in content.services.items()},
        {k: v for service in content.services.values() for k, v in service.secrets.items()},
        content.policy_set,
        content.policies,
    )
    assert content_digest(again) == content_digest(content)


@PLANS
@given(situations(), st.booleans())
def test_every_course_grows_to_all_traffic(
    situation: tuple[Release | None, ReleaseContent, Observed], emergency: bool
) -> None:
    made = planned(situation)
    declared = Environment(strategy=Strategy.model_validate(made.strategy))
    stages = course(made, declared, emergency=emergency).stages
    weights = [stage.weight for stage in stages]
    shares = [stage.share for stage in stages if stage.share is not None]
    assert weights == sorted(weights)
    assert weights[-1] == 100
    assert shares == sorted(set(shares))
    assert not shares or (shares[-1] == 1 and len(shares) == len(stages))
    assert not stages[-1].stop_first
    if emergency or not made.replaces:
        assert len(stages) == 1
        assert not stages[0].watched


@PLANS
@given(situations())
def test_no_course_loses_a_request(
    situation: tuple[Release | None, ReleaseContent, Observed],
) -> None:
    """Driven to its end in a world that keeps count of replicas and weights."""
    made = planned(situation)
    assume(all(move.replicas for move in made.moves if move.after))  # none answers by declaration
    declared = Environment(strategy=Strategy.model_validate(made.strategy))
    deployment = Deployment("d", made, course(made, declared), NEXT, 8, "ada", 0.0)
    world = World.before(deployment)
    for ended in _driven(deployment, world):
        deployment = ended
    assert deployment.status == "succeeded"
    for move in made.moves:
        expected = {move.after: move.replicas} if move.after else {}
        assert world.running.get(move.service, {}) == expected


def _driven(deployment: Deployment, world: World) -> Iterator[Deployment]:
    while (effect := deployment.effect) is not None:
        happening: Happening = Done(1.0)
        match effect.step:
            case "watch":
                happening = Judged(1.0, "pass", "fine")
            case "await_approval":
                happening = Approved(1.0, (), 1)
            case _:
                world.carry_out(deployment, effect)
        deployment = advance(deployment, happening).deployment
        yield deployment


@PLANS
@given(st.dictionaries(names, st.sets(names)))
def test_callees_first_names_everyone_once(calls: dict[str, set[str]]) -> None:
    order = callees_first(calls)
    assert sorted(order) == sorted(calls)
    assert callees_first(dict(reversed(list(calls.items())))) == order


@PLANS
@given(st.lists(releases, min_size=1, max_size=4))
def test_whatever_made_a_schema_can_run_on_it(history: list[Release]) -> None:
    """The newest schema of all is always one that may run; history only narrows."""
    current = schema_of(history)
    newest = max(history, key=lambda release: release.content.schema.get("db", (0, 0))[1])
    assert schema_conflict(current, newest.content, newest.name) is None
    for release in history:
        further = schema_after(current, release.content)
        assert further == current
