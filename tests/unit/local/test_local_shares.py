"""What legacy upstreams still get of public routes, by the versions that should be here."""

from __future__ import annotations

from fairway.plan.legacy import RouteKey
from fairway.targets.contract import Routing, Split
from fairway.targets.local.desired import Desired, DesiredVersion
from fairway.targets.local.shares import leavers, legacy_shares
from fairway.targets.mesh.view import STABLE, LegacyShare, Version

OLD = "http://legacy.test"
ROUTE = (None, "/axon")


def version(name: str, weight: int, *, legacy: str | None = None) -> DesiredVersion:
    route = {"path": "/axon", "host": None} | ({"legacy": legacy} if legacy else {})
    declared = {"run": "serve", "public": [route]}
    return DesiredVersion(name, declared, "", f"sha256:{name}", 1, weight)


def desired(*versions: DesiredVersion, candidate: str = "") -> Desired:
    split = Split({each.name: each.weight for each in versions}, candidate or None)
    routing = Routing({"axon": split}, cohort=candidate) if candidate else None
    return Desired((), {"axon": versions}, routing=routing)


def shares(wanted: Desired, dead: str = "") -> dict[RouteKey, LegacyShare]:
    """The shares while every version but one is healthy."""
    found = [
        Version(each.name, each.weight, () if each.name == dead else (4001,))
        for each in wanted.services["axon"]
    ]
    return legacy_shares(wanted, {"axon": found})


def test_the_legacy_upstream_keeps_the_share_of_the_version_that_leaves_it_the_route() -> None:
    moving = desired(version("r1", 75, legacy=OLD), version("r2", 25), candidate="r2")
    share = shares(moving)[ROUTE]
    assert (share.upstream.url, share.weight, share.cohort) == (OLD, 75, "r2")
    assert leavers(moving, "axon") == {ROUTE: "r1"}


def test_a_route_that_goes_back_is_taken_from_the_stable_version() -> None:
    moving = desired(version("r1", 75), version("r2", 25, legacy=OLD), candidate="r2")
    share = shares(moving)[ROUTE]
    assert (share.weight, share.cohort) == (25, STABLE)


def test_at_rest_the_declaration_decides() -> None:
    share = shares(desired(version("r1", 100, legacy=OLD)))[ROUTE]
    assert (share.weight, share.cohort) == (100, "")
    assert shares(desired(version("r2", 100))) == {}


def test_it_gets_everything_while_nobody_who_took_the_route_over_is_healthy() -> None:
    moving = desired(version("r1", 75, legacy=OLD), version("r2", 25), candidate="r2")
    share = shares(moving, dead="r2")[ROUTE]
    assert (share.weight, share.cohort) == (100, "")
    assert shares(moving, dead="r1") == shares(moving), "it does not need those who leave it there"


def test_what_it_answers_is_the_stable_versions_as_long_as_that_leaves_it_there() -> None:
    both = (version("r2", 80, legacy=OLD), version("r1", 20, legacy=OLD))
    assert leavers(desired(*both, candidate="r2"), "axon") == {ROUTE: "r1"}
    assert leavers(desired(both[0]), "axon") == {ROUTE: "r2"}
