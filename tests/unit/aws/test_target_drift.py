"""Every kind of difference on AWS is seen, and nothing else."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.aws.test_target_standing import first, release, with_candidate

from fairway.plan.preview import ResourceChange
from fairway.targets.aws.balancing import Rule
from fairway.targets.aws.drifting import Found, drifts
from fairway.targets.aws.observing import Running
from fairway.targets.aws.standing.state import Standing

REGION = "eu-central-1"


def as_it_should_be(standing: Standing) -> Found:
    services = {
        f"{service}-{v.name}": Running(f"{service}-{v.name}", v.replicas, v.replicas, "d", 0, False)
        for service, v in standing.versions
    }
    images = {f"{service}-{v.name}": v.image for service, v in standing.versions}
    return Found(REGION, services, {n: each.running for n, each in services.items()}, images)


def seen(standing: Standing, found: Found) -> list[tuple[str, str]]:
    return [(each.kind, each.subject) for each in drifts(standing, (found,))]


def test_nothing_differs() -> None:
    assert seen(first(), as_it_should_be(first())) == []


def test_before_anything_is_settled_nothing_differs() -> None:
    assert seen(Standing("prod", {}), Found(REGION, {}, {})) == []


def test_fewer_healthy_tasks() -> None:
    found = as_it_should_be(first())
    ill = replace(found, healthy={**found.healthy, "axon-r1": 1})
    assert seen(first(), ill) == [("process", f"axon r1 in {REGION}")]


def test_another_number_is_wanted_at_ecs() -> None:
    found = as_it_should_be(first())
    scaled = replace(found.services["axon-r1"], desired=7, running=7)
    found = replace(found, services={**found.services, "axon-r1": scaled})
    assert seen(first(), found) == [("replicas", f"axon r1 in {REGION}")]


def test_autoscaling_may_choose_within_its_bounds() -> None:
    standing = first()
    axon = standing.services["axon"][0]
    scaling = replace(axon, declared={**axon.declared, "scale": {"min": 1, "max": 8}})
    standing = replace(standing, services={**standing.services, "axon": (scaling,)})
    found = as_it_should_be(standing)
    scaled = replace(found.services["axon-r1"], desired=7, running=7)
    healthy = {**found.healthy, "axon-r1": 7}
    found = replace(found, services={**found.services, "axon-r1": scaled}, healthy=healthy)
    assert seen(standing, found) == []
    assert seen(standing, replace(found, healthy={**healthy, "axon-r1": 6}))[0][0] == "process"


def test_a_service_is_gone() -> None:
    found = as_it_should_be(first())
    left = {name: each for name, each in found.services.items() if name != "orbit-r1"}
    assert seen(first(), replace(found, services=left)) == [("version", f"orbit r1 in {REGION}")]


def test_another_image_runs() -> None:
    found = as_it_should_be(first())
    found = replace(found, images={**found.images, "axon-r1": "registry/axon@sha256:other"})
    assert seen(first(), found) == [("version", f"axon r1 in {REGION}")]


def test_the_copy_of_an_image_in_another_region_is_the_same() -> None:
    found = as_it_should_be(first())
    copies = {name: image.replace("registry", "elsewhere") for name, image in found.images.items()}
    assert seen(first(), replace(found, images=copies)) == []


def test_a_version_that_was_not_settled_runs() -> None:
    standing = with_candidate()
    assert seen(standing, as_it_should_be(standing)) == [("version", "axon r2")]


def test_a_service_that_nobody_knows() -> None:
    found = as_it_should_be(first())
    stray = Running("miner", 1, 1, "d", 0, False)
    services = {**found.services, "miner": stray, "gateway": replace(stray, name="gateway")}
    assert seen(first(), replace(found, services=services)) == [
        ("unknown-process", f"{REGION}/miner")
    ]


def test_policies_and_files() -> None:
    edited = ("mesh/gateway/envoy.json", "handouts/axon/r1.json")
    found = replace(as_it_should_be(first()), edited=edited)
    assert [kind for kind, _ in seen(first().governed(release(2)), found)] == [
        "policies",
        "mesh-file",
        "policies",
    ]


def test_the_table_of_the_decision_function() -> None:
    found = replace(as_it_should_be(first()), tampered=True)
    [drift] = drifts(first(), (found,))
    assert (drift.kind, drift.subject) == ("policies", f"{REGION}/decisions")


def test_weights_of_a_rule() -> None:
    app = first().app
    app["environments"]["prod"]["aws"]["outside_mesh"] = ["axon"]
    standing = replace(first(), app=app)
    rule = Rule("arn", "axon", (), {"a": 100, "b": 0})
    found = as_it_should_be(standing)
    assert seen(standing, replace(found, rules=(rule,))) == []
    [drift] = drifts(
        standing, (replace(found, rules=(replace(rule, weights={"a": 90, "b": 10}),)),)
    )
    assert (drift.kind, drift.expected, drift.found) == ("weights", "r1 100", "r1 90, slot b 10")


def test_what_terraform_made_was_changed() -> None:
    change = ResourceChange("", "aws_sqs_queue", "aws_sqs_queue.jobs", "update", ("delay: 0 → 5",))
    [drift] = drifts(first(), (as_it_should_be(first()),), (change,))
    assert (drift.kind, drift.found) == ("resource", "was changed: delay: 0 → 5")
