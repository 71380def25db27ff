"""A release: everything that is needed to run an app just so again. Immutable, content-addressed.

Made by `releases.py` (from a workspace) and kept by the delivery's store; a deployment brings one
into force, a rollback brings an older one back. Numbers are given per environment when it is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ServiceRelease:
    """What one service is in a release.

    `declared` is the `Service` as JSON, environment overrides merged in. `artifact` names its
    source or image by digest (empty: nothing but the declaration). `secrets` are versions by name,
    never values. `digest` covers everything that a running replica depends on; the number of
    replicas is no part of it, so scaling replaces nothing.
    """

    declared: Json
    artifact: str
    secrets: Mapping[str, int]
    digest: str


@dataclass(frozen=True, slots=True)
class ReleaseContent:
    """What a release is made of, before it has a number.

    `app` is the whole `App` as JSON as its environment sees it; `policy_set` and `policies` are the
    version and the digest of the policies that decide with it; `schema` is the range of the
    database schema that it works with, by store: `(lowest, highest)`.
    """

    app: Json
    services: Mapping[str, ServiceRelease]
    policy_set: int
    policies: str
    schema: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Release:
    """A kept release. `at` is in Unix seconds; `digest` is that of its content."""

    number: int
    digest: str
    content: ReleaseContent
    by: str
    at: float
    note: str = ""

    @property
    def name(self) -> str:
        """How people and versions call it: `r7`."""
        return f"r{self.number}"
