"""Back and forth over migrations: expand, contract, and what can no longer come back."""

from __future__ import annotations

import pytest

from fairway.plan.release import Release, ReleaseContent, ServiceRelease
from fairway.plan.schemas import Schemas, schema_after, schema_conflict, schema_of


def release(number: int, schema: dict[str, tuple[int, int]], *uses: str) -> Release:
    web = ServiceRelease({"stores": list(uses)}, "", {}, "sha256:web")
    content = ReleaseContent({}, {"web": web}, 1, "", schema)
    return Release(number, f"sha256:{number}", content, "ada", 0.0)


BEFORE = release(1, {"main": (0, 3)})
EXPANDED = release(2, {"main": (0, 4)})
CONTRACTED = release(3, {"main": (4, 5)})


def conflict_of(current: Schemas, found: Release) -> str | None:
    return schema_conflict(current, found.content, found.name)


def test_a_rollback_over_an_expand_step_is_fine() -> None:
    assert conflict_of(schema_of([BEFORE, EXPANDED]), BEFORE) is None


def test_a_rollback_to_before_a_contract_step_is_refused_with_the_reason() -> None:
    current = schema_of([BEFORE, EXPANDED, CONTRACTED])
    assert conflict_of(current, EXPANDED) is None
    assert conflict_of(current, BEFORE) == (
        "r1 was made for schema 3, and 'main' has schema 5, which has taken away what programs "
        "older than schema 4 need"
    )


def test_a_contraction_stays_when_its_release_was_rolled_back() -> None:
    after_rollback = schema_of([BEFORE, EXPANDED, CONTRACTED, EXPANDED])
    assert after_rollback == {"main": (4, 5)}
    assert conflict_of(after_rollback, BEFORE) is not None


def test_a_release_that_says_nothing_is_refused_where_something_was_taken_away() -> None:
    silent = release(4, {}, "main")
    assert conflict_of({"main": (0, 9)}, silent) is None
    conflict = conflict_of({"main": (4, 5)}, silent)
    assert conflict is not None
    assert conflict.startswith("r4 names no schema")


def test_a_release_that_does_not_use_a_store_does_not_mind_its_schema() -> None:
    assert conflict_of({"main": (4, 5)}, release(4, {}, "another")) is None


def test_a_store_that_is_new_conflicts_with_nothing() -> None:
    assert conflict_of({}, CONTRACTED) is None


@pytest.mark.parametrize("order", [(BEFORE, CONTRACTED), (CONTRACTED, BEFORE)])
def test_the_schema_only_grows(order: tuple[Release, Release]) -> None:
    current: dict[str, tuple[int, int]] = {}
    for each in order:
        current = schema_after(current, each.content)
    assert current == {"main": (4, 5)}
