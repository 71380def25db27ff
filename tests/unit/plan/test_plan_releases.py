"""What a release is made of, and what its digests depend on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fairway.model.app import App
from fairway.plan.release import ReleaseContent
from fairway.plan.releases import app_of, canonical, content_digest, release_content

WEB: dict[str, Any] = {"run": "x", "health": "/health", "secrets": ["KEY"], "replicas": 2}


def content(
    web: dict[str, Any], artifact: str = "a", version: int = 1, **app: Any
) -> ReleaseContent:
    made = App.model_validate({"app": "shop", "services": {"web": WEB | web}, **app})
    return release_content(made, {"web": artifact}, {"KEY": version, "OTHER": 9}, 3, "text")


def service_digest(web: dict[str, Any], artifact: str = "a", version: int = 1) -> str:
    return content(web, artifact, version).services["web"].digest


BASE = service_digest({})


@pytest.mark.parametrize("change", [{"replicas": 5}, {"scale": {"max": 9}}, {"watch": ["src"]}])
def test_how_many_run_and_what_reloads_them_changes_no_digest(change: dict[str, Any]) -> None:
    assert service_digest(change) == BASE


@pytest.mark.parametrize(
    "change",
    [
        {"run": "y"},
        {"env": {"A": 1}},
        {"config": {"a": [1]}},
        {"intents": {"a": "GET /a"}},
        {"public": "/"},
        {"resources": {"cpu": 1}},
        {"library": True},
    ],
    ids=str,
)
def test_whatever_a_replica_depends_on_changes_its_digest(change: dict[str, Any]) -> None:
    assert service_digest(change) != BASE


def test_the_artifact_changes_the_digest() -> None:
    assert service_digest({}, artifact="b") != BASE


def test_a_secret_counts_for_who_reads_it_once() -> None:
    assert service_digest({}, version=2) != BASE
    with_library = {"library": True}
    assert service_digest(with_library, version=2) == service_digest(with_library)


def test_only_versions_of_secrets_that_a_service_reads_are_kept() -> None:
    assert content({}).services["web"].secrets == {"KEY": 1}


def test_a_secret_that_was_never_set_has_no_version() -> None:
    assert content({"secrets": ["KEY", "NEW"]}).services["web"].secrets == {"KEY": 1}


def test_the_app_comes_back_as_it_was() -> None:
    made = App.model_validate({"app": "shop", "services": {"web": WEB}})
    assert app_of(release_content(made, {}, {}, 1, "")) == made


def test_the_content_digest_is_the_same_for_equal_content() -> None:
    assert content_digest(content({})) == content_digest(content({}))


@pytest.mark.parametrize(
    "other",
    [
        content({"replicas": 5}),
        content({}, artifact="b"),
        content({}, version=2),
        content({}, flags={"new": {}}),
        replace(content({}), policy_set=4),
        replace(content({}), policies="other"),
        replace(content({}), schema={"db": (1, 2)}),
    ],
    ids=["replicas", "artifact", "secret", "flags", "policy-set", "policies", "schema"],
)
def test_everything_in_it_changes_the_content_digest(other: ReleaseContent) -> None:
    assert content_digest(other) != content_digest(content({}))


def test_a_new_secret_version_is_another_content_also_with_the_library() -> None:
    one, two = (content({"library": True}, version=version) for version in (1, 2))
    assert one.services["web"].digest == two.services["web"].digest
    assert content_digest(one) != content_digest(two)


def test_the_schema_of_stores_is_what_the_release_works_with() -> None:
    stores = {"db": {"kind": "postgres", "schema": {"version": 5, "oldest": 4}}}
    assert content({"stores": ["db"]}, stores=stores).schema == {"db": (4, 5)}


def test_canonical_json_has_one_form() -> None:
    assert canonical({"b": [1.5, None], "a": "ä"}) == '{"a":"ä","b":[1.5,null]}'
