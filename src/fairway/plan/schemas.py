"""Which releases can share a database: expand, then contract, never back past a contraction. Pure.

A release says for each store `(oldest, version)`: the schema that its migrations lead to, and the
oldest schema whose programs still work beside it. A database that a migration has changed stays
changed when the release that did it is rolled back, so an environment's schema is the furthest that
any release has brought it, and only grows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fairway.plan.release import Release, ReleaseContent

Schemas = Mapping[str, tuple[int, int]]
"""By store: the oldest schema whose programs still work, and the version that it has."""


def schema_after(current_schema: Schemas, content: ReleaseContent) -> dict[str, tuple[int, int]]:
    """The schemas when the migrations of a release have run (or may have)."""
    after = dict(current_schema)
    for store, (oldest, version) in content.schema.items():
        known_oldest, known_version = after.get(store, (0, 0))
        after[store] = (max(oldest, known_oldest), max(version, known_version))
    return after


def schema_of(releases: Iterable[Release]) -> dict[str, tuple[int, int]]:
    """The schemas after these releases were deployed, in whatever order."""
    current: dict[str, tuple[int, int]] = {}
    for release in releases:
        current = schema_after(current, release.content)
    return current


def schema_conflict(current_schema: Schemas, content: ReleaseContent, name: str) -> str | None:
    """Why a release cannot run on the database as it is now, in words; None when it can.

    One whose services do not use a store does not mind its schema.
    """
    for store in sorted(current_schema):
        oldest, version = current_schema[store]
        made_for = content.schema.get(store, (0, 0))[1]
        if made_for < oldest and (made_for or _uses(content, store)):
            made = f"was made for schema {made_for}" if made_for else "names no schema"
            return (
                f"{name} {made}, and '{store}' has schema {version}, which has taken away "
                f"what programs older than schema {oldest} need"
            )
    return None


def _uses(content: ReleaseContent, store: str) -> bool:
    return any(store in each.declared.get("stores", ()) for each in content.services.values())
