"""What should be there on AWS changes by pure steps, and survives being written down."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.aws_target_rig import declared, image_digest

from fairway.errors import Conflict, InvalidInput, NotFound, Refused
from fairway.model.app import App
from fairway.plan.release import Release
from fairway.plan.releases import content_digest, release_content
from fairway.targets.aws.standing import steps
from fairway.targets.aws.standing.as_json import from_json, to_json
from fairway.targets.aws.standing.state import SLOTS, Standing, StandingVersion
from fairway.targets.contract import Routing, Split, Wanted

NOTHING = Standing("prod", {})


def release(number: int, app: App | None = None, axon: str = "one") -> Release:
    app = app or declared(axon, "one")
    artifacts = {name: image_digest(f"{name} {axon}") for name in app.services}
    content = release_content(app, artifacts, {}, number, f"sha256:{number}")
    return Release(number, content_digest(content), content, "ada", 1.0)


def image(service: str, artifact: str) -> str:
    return f"registry/{service}@{artifact}"


def first() -> Standing:
    wanted = [Wanted("axon", "r1", 2), Wanted("orbit", "r1", 1)]
    made = steps.applied(NOTHING, release(1), wanted, image, 60.0).governed(release(1))
    both = {name: Split({"r1": 100}) for name in ("axon", "orbit")}
    return made.routed(Routing(both)).settle(release(1))


def with_candidate() -> Standing:
    wanted = [Wanted("axon", "r2", 1)]
    return steps.applied(first(), release(2, axon="two"), wanted, image, 120.0)


def test_a_new_version_gets_a_slot_of_its_own_and_no_requests() -> None:
    found = with_candidate().find("axon", "r2")
    assert found is not None
    assert (found.slot, found.weight, found.since) == ("b", 0, 120.0)
    assert found.image == f"registry/axon@{image_digest('axon two')}"


def test_a_known_version_keeps_what_it_is() -> None:
    again = steps.applied(first(), release(2, axon="two"), [Wanted("axon", "r1", 5)], image, 9.0)
    before, after = first().find("axon", "r1"), again.find("axon", "r1")
    assert before is not None
    assert after == replace(before, replicas=5)


def test_slots_are_taken_in_turn_and_run_out() -> None:
    standing = first()
    for number in range(2, 6):
        standing = standing.with_version("axon", version(f"r{number}"))
    assert sorted(each.slot for each in standing.services["axon"]) == list(SLOTS)
    with pytest.raises(Conflict, match="5 versions"):
        standing.with_version("axon", version("r6"))


def version(name: str) -> StandingVersion:
    return StandingVersion(name, {"build": "x"}, "i", "d", 1)


def test_while_both_are_in_force_the_app_is_their_union() -> None:
    app = declared("two", "one")
    only_new = app.model_copy(update={"services": {"axon": app.services["axon"]}})
    standing = first().with_app(release(2, only_new))
    assert set(standing.model.services) == {"axon", "orbit"}
    assert set(standing.settle(release(2, only_new)).model.services) == {"axon"}


def test_flags_change_when_the_release_governs_and_not_before() -> None:
    def flagged(*, on: bool) -> App:
        app = declared("one", "one").model_dump(mode="json", by_alias=True)
        return App.model_validate(app | {"flags": {"new": {"default": "on" if on else "off"}}})

    before = NOTHING.governed(release(1, flagged(on=False)))
    with_app = before.with_app(release(2, flagged(on=True)))
    assert with_app.app["flags"] == before.app["flags"]
    governed = with_app.governed(release(2, flagged(on=True)))
    assert governed.app["flags"] != before.app["flags"]
    assert governed.policy_set == 2


def test_stores_are_never_forgotten() -> None:
    app = declared("one", "one").model_dump(mode="json", by_alias=True)
    stored = App.model_validate(app | {"stores": {"orders": {"kind": "postgres"}}})
    standing = NOTHING.with_app(release(1, stored)).settle(release(2))
    assert "orders" in standing.stores


def test_only_the_main_version_of_a_worker_has_tasks() -> None:
    standing = with_candidate().routed(Routing({"axon": Split({"r1": 100})}))
    workers = {
        "axon": tuple(
            replace(each, declared={**each.declared, "kind": "worker", "public": []})
            for each in standing.services["axon"]
        )
    }
    standing = replace(standing, services=workers)
    assert [standing.tasks("axon", each) for each in workers["axon"]] == [2, 0]


def test_settled_are_the_versions_of_the_release() -> None:
    assert with_candidate().settle(release(1)).settled == {"axon": {"r1": 2}, "orbit": {"r1": 1}}
    assert with_candidate().settle(release(2, axon="two")).settled == {"axon": {"r2": 1}}


def test_written_down_and_read_it_is_the_same() -> None:
    routed = with_candidate().routed(Routing({"axon": Split({"r2": 5, "r1": 95}, "r2")}, "r2"))
    assert from_json(to_json(routed)) == routed
    assert from_json(to_json(NOTHING)) == NOTHING


@pytest.mark.parametrize("text", ["", "{}", '{"services": {"a": [{}]}, "routing": null}'])
def test_what_is_damaged_is_not_guessed(text: str) -> None:
    with pytest.raises(InvalidInput):
        from_json(text)


def test_a_load_balancer_copies_nothing() -> None:
    outside = declared("two", "one", outside=("axon",))
    standing = with_candidate().with_app(release(2, outside))
    split = Split({"r1": 100}, candidate="r2")
    steps.check_routing(standing, Routing({"axon": split}))
    with pytest.raises(Refused, match="copies none"):
        steps.check_routing(standing, Routing({"axon": split}, mirror=5))


def test_nobody_describes_it() -> None:
    with pytest.raises(NotFound, match="does not describe web"):
        steps.applied(first(), release(2), [Wanted("web", "r2", 1)], image, 1.0)


def test_what_a_service_names_itself_is_its_image() -> None:
    app = declared("one", "one").model_dump(mode="json", by_alias=True)
    app["services"]["axon"] |= {"build": None, "image": "ghcr.io/acme/axon:3"}
    content = release_content(App.model_validate(app), {}, {}, 1, "sha256:1")
    kept = Release(1, "sha256:1", content, "ada", 1.0)
    found = steps.applied(NOTHING, kept, [Wanted("axon", "r1", 1)], image, 1.0)
    assert found.services["axon"][0].image == "ghcr.io/acme/axon:3"


def test_resettled_is_what_was_settled() -> None:
    changed = steps.emptied(first(), [("axon", "r1")]).governed(release(3))
    assert steps.resettled(changed).find("axon", "r1") == first().find("axon", "r1")
    assert steps.resettled(changed).policy_set == 1
