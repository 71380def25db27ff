"""What a legacy upstream still gets of a public route."""

from __future__ import annotations

from typing import Any

from fairway.plan.legacy import LegacyPart, legacy_parts

OLD = "https://old.example.com"


def service(**routes: str | None) -> dict[str, Any]:
    return {"public": [{"path": f"/{name}", "legacy": url} for name, url in routes.items()]}


BEFORE = service(orders=OLD, invoices=OLD, about=None)
AFTER = service(orders=None, invoices=OLD, about=None)
BOTH = {"r7": BEFORE, "r8": AFTER}


def test_a_route_is_shifted_by_the_weights_of_its_service() -> None:
    assert legacy_parts(BOTH, {"r7": 95, "r8": 5}) == {
        (None, "/orders"): LegacyPart(OLD, 95),
        (None, "/invoices"): LegacyPart(OLD, 100),
    }


def test_at_the_end_the_way_back_is_still_known() -> None:
    assert legacy_parts(BOTH, {"r8": 100})[None, "/orders"] == LegacyPart(OLD, 0)
    assert (None, "/orders") not in legacy_parts({"r8": AFTER}, {"r8": 100})


def test_a_rollback_gives_it_back_by_the_same_rule() -> None:
    back = legacy_parts({"r8": AFTER, "r9": BEFORE}, {"r8": 75, "r9": 25})
    assert back[None, "/orders"] == LegacyPart(OLD, 25)


def test_of_two_upstreams_the_one_with_more_requests_is_asked() -> None:
    other = service(orders="https://other.example.com")
    parts = legacy_parts({"r7": BEFORE, "r8": other}, {"r7": 40, "r8": 60})
    assert parts[None, "/orders"] == LegacyPart("https://other.example.com", 100)


def test_a_service_of_which_nothing_is_left_to_anyone() -> None:
    assert legacy_parts({"r7": service(about=None), "r8": {}}, {"r7": 50, "r8": 50}) == {}
