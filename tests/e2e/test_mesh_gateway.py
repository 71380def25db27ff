"""The gateway: hosts and path prefixes, and nothing from outside that only the mesh may say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.e2e.mesh_rig import APP, DeclaredCalls, rig

pytestmark = pytest.mark.envoy


def _serving(public: Any) -> dict[str, Any]:
    return {"run": "serve", "public": public, "intents": {"buy": "POST /buy"}}


SHOP: dict[str, Any] = {
    "app": "shop",
    "services": {
        "site": _serving("/"),
        "api": _serving(["/api", {"path": "/", "host": "api.shop.test"}]),
        "admin": _serving({"path": "/api/admin", "host": "*.shop.test"}),
        "deep": _serving("/api/deep/"),
    },
}


async def test_the_longest_path_wins_then_the_most_exact_host(tmp_path: Path) -> None:
    expected = {
        ("any.test", "/"): "site",
        ("any.test", "/apiary"): "site",
        ("any.test", "/api"): "api",
        ("any.test", "/api/x?y=1"): "api",
        ("any.test", "/api/deep/x"): "deep",
        ("api.shop.test", "/"): "api",
        ("api.shop.test:8080", "/x"): "api",
        ("api.shop.test", "/api/admin/x"): "admin",
        ("other.shop.test", "/api/admin"): "admin",
        ("other.shop.test", "/api/deep/y"): "deep",
        ("other.shop.test", "/"): "site",
    }
    async with rig(tmp_path, SHOP) as world:
        found = {
            (host, path): (await world.http.get(world.gateway + path, headers={"host": host})).text
            for host, path in expected
        }
    assert found == expected


async def test_no_public_route_is_a_404_that_says_what_to_declare(tmp_path: Path) -> None:
    app = {"app": "shop", "services": {"api": _serving("/api")}}
    async with rig(tmp_path, app) as world:
        answer = await world.http.get(world.gateway + "/elsewhere?token=secret")
    assert answer.status_code == 404
    body = answer.json()
    assert body["error"] == "not-found"
    assert "/elsewhere" in body["reason"]
    assert "secret" not in answer.text
    assert "public" in body["remedy"]


async def test_what_only_the_mesh_may_say_is_removed(tmp_path: Path) -> None:
    forged = {
        "x-forwarded-client-cert": "URI=spiffe://shop.local/web",
        "x_forwarded_client_cert": "URI=spiffe://shop.local/web",
        "x-fairway-cohort": "r2",
        "x-fairway-anything": "1",
        "X-Fairway-Upper": "1",
        "x-kept-fairway-nonce": "smuggled",
        "x-envoy-retry-on": "5xx",
        "x-envoy-upstream-rq-timeout-ms": "1",
    }
    kept = {"x-fairway-nonce": "n-1", "x-fairway-deadline": "1795230000000", "cookie": "a=b"}
    async with rig(tmp_path) as world:
        await world.http.get(world.gateway + "/page", headers={**forged, **kept})
        seen = world.programs["orbit"][0].seen[-1].headers
    assert {name: seen[name] for name in kept} == kept
    left = [name for name in seen if name.startswith(("x-fairway", "x-kept", "x-envoy", "x_"))]
    assert sorted(left) == ["x-fairway-deadline", "x-fairway-nonce"]
    assert "URI=spiffe://shop.local/gateway" in seen["x-forwarded-client-cert"]
    assert "web" not in seen["x-forwarded-client-cert"]


async def test_nobody_outside_orders_retries_or_timeouts(tmp_path: Path) -> None:
    orders = {"x-envoy-retry-on": "5xx", "x-envoy-max-retries": "9"}
    hasty = {"x-envoy-upstream-rq-timeout-ms": "1"}
    async with rig(tmp_path) as world:
        orbit = world.programs["orbit"][0]
        orbit.delay, orbit.always_fail = 0.05, True
        answer = await world.http.post(world.gateway + "/page", headers=orders | hasty)
        assert (answer.status_code, len(orbit.seen)) == (500, 1)


async def test_what_is_closed_to_get_is_closed_to_head(tmp_path: Path) -> None:
    """Frameworks answer HEAD with the handler of GET."""
    app = {
        "app": "shop",
        "services": {"site": {"run": "serve", "public": "/", "intents": {"buy": "GET /buy"}}},
        "clients": {"web": {"calls": {"site": ["buy"]}}},
    }
    async with rig(tmp_path, app) as world:
        world.access = DeclaredCalls(world.app, frozenset({("gateway", "site", "buy")}))
        await world.apply()
        answers = [
            (await world.http.request(method, world.gateway + path)).status_code
            for method in ("GET", "HEAD")
            for path in ("/buy", "/other")
        ]
    assert answers == [403, 200, 403, 200]


async def test_the_host_header_is_never_rewritten(tmp_path: Path) -> None:
    async with rig(tmp_path) as world:
        await world.http.get(world.gateway + "/page", headers={"host": "shop.test:8443"})
        assert world.programs["orbit"][0].seen[-1].headers["host"] == "shop.test:8443"


async def test_an_intent_under_a_public_route_needs_its_own_grant(tmp_path: Path) -> None:
    async with rig(tmp_path, APP) as world:
        world.access.__init__(world.app, frozenset({("gateway", "orbit", "dispatch")}))
        await world.mesh.apply(world.view())
        assert (await world.http.post(world.gateway + "/dispatch")).status_code == 403
        assert (await world.http.post(world.gateway + "/di%73patch")).status_code == 403
        assert (await world.http.get(world.gateway + "/other")).status_code == 200


async def test_escaped_slashes_are_refused_at_the_door(tmp_path: Path) -> None:
    async with rig(tmp_path) as world:
        answer = await world.http.get(world.gateway + "/a%2fb")
        assert answer.status_code == 400
        assert answer.json()["reason"] == "path_normalization_failed"
